"""Encrypts personal data (AES-GCM bound to table, row and column) and finds repeats by a keyed blind index."""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.domain.chance import Chance

NONCE = 12  # bytes
WRAPPED_KEY = 32  # bytes of a key that encrypts one file


class KeyUnknown(ValueError):
    """A key is needed that no secret at hand gives."""


def _derive(secret: bytes, purpose: str) -> bytes:
    return hmac.new(secret, f"jiesu:{purpose}".encode(), hashlib.sha256).digest()


class Encryption:
    """Keys derived from `JIESU_SECRET_KEY`. Older secrets still open what they sealed."""

    def __init__(self, secret: str, chance: Chance, older: Sequence[str] = ()) -> None:
        if len(secret) < 16:
            raise ValueError("the secret key is shorter than 16 characters")
        root, secrets = secret.encode(), [s.encode() for s in (secret, *older)]
        self._chance = chance
        self._keys = [_derive(s, "seal") for s in secrets]
        self._key_ids = [hashlib.sha256(k).digest()[:2] for k in self._keys]
        self._index = _derive(root, "index")
        self.journal = _derive(root, "journal")
        self.session = _derive(root, "session")
        #: key of a journal by its name, the present one first; backups name those they need
        self.journal_keys = {name_key("journal", k): k for k in (_derive(s, "journal") for s in secrets)}
        self._backup_keys = {name_key("backup", k): k for k in (_derive(s, "backup") for s in secrets)}
        self.value_keys = tuple(name_value_key(key_id) for key_id in self._key_ids)

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

    def wrap_file_key(self, manifest: bytes) -> tuple[bytes, str, bytes]:
        """Return a new key for one file, the name of the key that wraps it, and the wrapped key, bound to a manifest."""
        key, nonce = self._chance.random_bytes(WRAPPED_KEY), self._chance.random_bytes(NONCE)
        name, wrapping = next(iter(self._backup_keys.items()))
        return key, name, nonce + AESGCM(wrapping).encrypt(nonce, key, manifest)

    def unwrap_file_key(self, name: str, wrapped: bytes, manifest: bytes) -> bytes:
        """Return the key of a file. Raises KeyUnknown for a key of another secret, ValueError if anything was changed."""
        if name not in self._backup_keys:
            raise KeyUnknown(name)
        try:
            return AESGCM(self._backup_keys[name]).decrypt(wrapped[:NONCE], wrapped[NONCE:], manifest)
        except InvalidTag:
            raise ValueError("the manifest was changed") from None

    @staticmethod
    def _associated_data(table: str, row: int | str, column: str) -> bytes:
        return f"{table}:{row}:{column}".encode()


def name_key(purpose: str, key: bytes) -> str:
    """Return the name by which a backup says that it needs a key; it reveals nothing of the key."""
    return f"{purpose}:{hashlib.sha256(key).hexdigest()[:8]}"


def name_value_key(key_id: bytes) -> str:
    """Return the name of the key of an encrypted value, given how the value begins."""
    return f"values:{key_id[:2].hex()}"


def encrypt_chunks(key: bytes, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Encrypt the pieces of a file, each bound to its place; the last one says that it is the last."""
    cipher, number, held = AESGCM(key), 0, b""
    for chunk in chunks:
        if number:
            yield cipher.encrypt(number.to_bytes(NONCE), held, b"more")
        number, held = number + 1, chunk
    yield cipher.encrypt((number or 1).to_bytes(NONCE), held, b"last")


def decrypt_chunks(key: bytes, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decrypt the pieces of a file. Raises ValueError if one was changed, moved or left out, or the end is missing."""
    cipher, number, held = AESGCM(key), 0, b""
    try:
        for chunk in chunks:
            if number:
                yield cipher.decrypt(number.to_bytes(NONCE), held, b"more")
            number, held = number + 1, chunk
        yield cipher.decrypt(number.to_bytes(NONCE), held, b"last")
    except InvalidTag:
        raise ValueError("the file was changed or is not whole") from None
