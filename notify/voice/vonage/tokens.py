"""Vonage's tokens: ours are signed with the application's key (RS256), theirs with the shared secret (HS256)."""

import base64
import hashlib
import hmac
import json
import math
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from notify.driver import DriverRefused, HookRefused, HookRequest
from notify.driver_registry import name_variable
from notify.voice.vonage.events import Object

#: seconds one of our tokens is good for
TOKEN_SECONDS = 300
#: seconds by which a webhook's token may be old, or ahead of us
FRESH_SECONDS = 300
#: tokens remembered; the oldest are forgotten first
REMEMBERED = 20_000
#: characters of a token that is looked at at all
TOKEN_LIMIT = 4096


def load_key(given: str) -> rsa.RSAPrivateKey:
    """Load the application's key: a PEM (line ends may be written `\\n`) or the path of one. Raises DriverRefused."""
    try:
        text = given if "-----BEGIN" in given else Path(given).read_text("ascii")
        key = serialization.load_pem_private_key(text.replace("\\n", "\n").encode(), None)
    except (OSError, ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise DriverRefused("driver_setting_wrong", setting=name_variable("vonage", "private_key"))
    return key


def encode(part: bytes) -> str:
    """Encode as JWTs do: base64url without padding."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    """Decode what `encode` made. Raises ValueError."""
    return base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True)


class ApplicationToken:
    """Signs requests to the API as the application."""

    def __init__(self, application: str, key: rsa.RSAPrivateKey, now: Callable[[], float]) -> None:
        self._application, self._key, self._now = application, key, now

    def sign(self) -> str:
        """Return a token for one request."""
        at = int(self._now())
        claims = {
            "application_id": self._application,
            "iat": at,
            "exp": at + TOKEN_SECONDS,
            "jti": secrets.token_hex(16),
        }
        signed = ".".join(encode(json.dumps(one).encode()) for one in ({"alg": "RS256", "typ": "JWT"}, claims))
        return f"{signed}.{encode(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


class WebhookToken:
    """Verifies the token of a webhook: who signed it, when, and that it is about this body and no other.

    The address is not signed by the carrier: ours bear a mark of our own (`mark`). A token that was used for one
    request is good for exactly that one again, which changes nothing (FW7); for any other it is refused.
    """

    def __init__(self, application: str, secret: str, now: Callable[[], float]) -> None:
        self._application, self._secret, self._now = application, secret.encode(), now
        self._seen: dict[str, tuple[float, bytes]] = {}

    def mark(self, url: str) -> str:
        """Return the address with a mark that nobody else can make."""
        return f"{url}{'&' if '?' in url else '?'}k={self._compute_mark(url.partition('://')[2].partition('/')[2])}"

    def verify(self, request: HookRequest) -> None:
        """Raise HookRefused 403 unless the carrier sent this, lately, to an address of ours."""
        tokens = request.list_headers("Authorization")
        if len(tokens) != 1 or not self._is_marked(request):
            raise HookRefused(403)
        claims = self._open(tokens[0].partition(" ")[2].strip()) if tokens[0][:7].lower() == "bearer " else None
        if claims is None or not self._is_about(claims, request.body):
            raise HookRefused(403)
        self._note(claims, request)

    def _compute_mark(self, target: str) -> str:
        return hmac.new(self._secret, b"address " + target.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]

    def _is_marked(self, request: HookRequest) -> bool:
        path, _, query = request.target.lstrip("/").partition("?")
        base = request.address.partition("://")[2].partition("/")[2]  # where the public address has a path
        path = f"{base}/{path}" if base and not path.startswith(f"{base}/") else path
        if not query:
            return path.endswith(("/inbound", "/fallback", "/events"))  # written into the carrier's console by hand
        before, found, mark = f"?{query}".rpartition("k=")
        if not found or before[-1:] not in "?&":
            return False
        target = path + (before[:-1] if len(before) > 1 else "")
        return hmac.compare_digest(mark.encode("utf-8", "surrogateescape"), self._compute_mark(target).encode())

    def _open(self, token: str) -> Object | None:
        if len(token) > TOKEN_LIMIT or not token.isascii() or token.count(".") != 2:
            return None
        head, body, signature = token.split(".")
        wanted = hmac.new(self._secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
        try:
            # compared as written: other letters may stand for the same bytes
            if not hmac.compare_digest(signature, encode(wanted)) or json.loads(decode(head)).get("alg") != "HS256":
                return None
            claims = json.loads(decode(body))
        except (ValueError, AttributeError, RecursionError):
            return None
        return claims if isinstance(claims, dict) else None

    def _is_about(self, claims: Object, body: bytes) -> bool:
        at, jti, digest = claims.get("iat"), claims.get("jti"), claims.get("payload_hash")
        if isinstance(at, bool) or not isinstance(at, int | float) or not math.isfinite(at):
            return False
        if abs(self._now() - at) > FRESH_SECONDS or not isinstance(jti, str) or not 8 <= len(jti) <= 128:
            return False
        if claims.get("application_id", self._application) != self._application or not isinstance(digest, str):
            return False
        return hmac.compare_digest(digest.lower().encode(), hashlib.sha256(body).hexdigest().encode())

    def _note(self, claims: Object, request: HookRequest) -> None:
        """Bind the token to this request. Raises HookRefused 403 when it was used for another (replay)."""
        about = hashlib.sha256(request.target.encode("utf-8", "surrogateescape") + b"\n" + request.body).digest()
        for jti in [jti for jti, (at, _) in self._seen.items() if self._now() - at > 2 * FRESH_SECONDS]:
            del self._seen[jti]
        if len(self._seen) >= REMEMBERED:
            self._seen.pop(next(iter(self._seen)))
        _, known = self._seen.setdefault(claims["jti"], (self._now(), about))
        if known != about:
            raise HookRefused(403)
