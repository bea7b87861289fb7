"""Encrypts personal data (AES-GCM bound to table, row and column) and finds repeats by a keyed blind index."""

import hashlib
import hmac
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.domain.chance import Chance

NONCE = 12  # bytes


def _derive(secret: bytes, purpose: str) -> bytes:
    return hmac.new(secret, f"jiesu:{purpose}".encode(), hashlib.sha256).digest()


class Encryption:
    """Keys derived from `JIESU_SECRET_KEY`. Older secrets still open what they sealed."""

    def __init__(self, secret: str, chance: Chance, older: Sequence[str] = ()) -> None:
        if len(secret) < 16:
            raise ValueError("the secret key is shorter than 16 characters")
        root = secret.encode()
        self._chance = chance
        self._keys = [_derive(s.encode(), "seal") for s in (secret, *older)]
        self._key_ids = [hashlib.sha256(k).digest()[:2] for k in self._keys]
        self._index = _derive(root, "index")
        self.journal = _derive(root, "journal")
        self.session = _derive(root, "session")

    def seal(self, table: str, row: int | str, column: str, value: str) -> bytes:
        """Encrypt a value so that it opens only in this table, row and column."""
        nonce = self._chance.random_bytes(NONCE)
        body = AESGCM(self._keys[0]).encrypt(nonce, value.encode(), self._associated_data(table, row, column))
        return self._key_ids[0] + nonce + body

    def open(self, table: str, row: int | str, column: str, sealed: bytes | None) -> str | None:
        """Decrypt a value; None for None. Raises ValueError if it was sealed elsewhere or by an unknown key."""
        if sealed is None:
            return None
        sealed = bytes(sealed)
        for key_id, key in zip(self._key_ids, self._keys, strict=True):
            if key_id == sealed[:2]:
                nonce, body = sealed[2 : 2 + NONCE], sealed[2 + NONCE :]
                try:
                    return AESGCM(key).decrypt(nonce, body, self._associated_data(table, row, column)).decode()
                except InvalidTag:
                    break
        raise ValueError("sealed elsewhere, or by an unknown key")

    def blind_index(self, value: str) -> str:
        """Return a keyed hash that finds equal values without revealing them (repeats, contact cards)."""
        return hmac.new(self._index, value.encode(), hashlib.sha256).hexdigest()[:40]

    @staticmethod
    def _associated_data(table: str, row: int | str, column: str) -> bytes:
        return f"{table}:{row}:{column}".encode()
