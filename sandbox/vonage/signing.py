"""Tokens as Vonage makes and checks them: its webhooks HS256 over the body's hash, its API RS256 of the application."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

LONGEST_SECONDS = 24 * 3600  # a token may be good for


def _encode(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def sign_webhook(secret: str, application: str, body: bytes, at: float, jti: str) -> str:
    """Return the token of a webhook."""
    claims = {
        "iat": int(at),
        "jti": jti,
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(body).hexdigest(),
        "api_key": "a1b2c3d4",
        "application_id": application,
    }
    signed = ".".join(_encode(json.dumps(one).encode()) for one in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signed}.{_encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


class ApiGuard:
    """Checks the tokens of API requests; each is good once."""

    def __init__(self, private_key: str, application: str, real_time: Callable[[], float]) -> None:
        key = serialization.load_pem_private_key(private_key.encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key, self._application, self._now = key.public_key(), application, real_time
        self._used: set[str] = set()

    def find_fault(self, header: str) -> str:
        """Return what is wrong with an Authorization header; "" if nothing is."""
        kind, _, token = header.partition(" ")
        if kind != "Bearer" or token.count(".") != 2:
            return "no bearer token"
        head, body, signature = token.split(".")
        try:
            self._key.verify(_decode(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
            claims = json.loads(_decode(body))
            is_rs256 = json.loads(_decode(head))["alg"] == "RS256"
        except (InvalidSignature, ValueError, KeyError, TypeError):
            return "a wrong signature"
        at, until, jti = claims.get("iat"), claims.get("exp"), str(claims.get("jti") or "")
        if not is_rs256 or claims.get("application_id") != self._application:
            return "another application"
        if not isinstance(at, int) or not isinstance(until, int) or not at - 30 <= self._now() <= until:
            return "not valid now"
        if until - at > LONGEST_SECONDS or not jti or jti in self._used:
            return "good for too long, or used before"
        self._used.add(jti)
        return ""
