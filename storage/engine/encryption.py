"""Encrypts personal data (bound to table, row and column) and finds repeats by a keyed blind index.

Every sealed value begins with its suite and the name of its key: `read_header` alone knows how.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.domain.chance import Chance
from backend.domain.journal_hash import JournalKey

STD = 1  # suite: AES-256-GCM, HMAC-SHA256
SUITES = {STD: "std"}  # by the byte that begins a value
KEY_ID = 8  # bytes of a key's hash: what names it
KEY_HEAD = 1 + KEY_ID  # leading bytes of a value that say how to open it
NONCE = 12  # bytes
WRAPPED_KEY = 32  # bytes of a key that encrypts one file


class SuiteUnknown(ValueError):
    """A value was sealed by a suite that this code does not have."""


class KeyUnknown(ValueError):
    """A key is needed that no secret at hand gives; says its name."""


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before an encrypted body."""

    suite: int
    key_name: str
    nonce: bytes


def read_header(sealed: bytes) -> tuple[Header, bytes]:
    """Return a sealed value's header and its encrypted body; of a damaged value whatever stands there."""
    suite = sealed[0] if sealed else 0
    key_name = name_key("values", sealed[1:KEY_HEAD], suite)
    return Header(suite, key_name, sealed[KEY_HEAD : KEY_HEAD + NONCE]), sealed[KEY_HEAD + NONCE :]


def name_key(purpose: str, key_id: bytes, suite: int = STD) -> str:
    """Return the name by which lines and backups say that they need a key; it reveals nothing of the key."""
    return f"{purpose}:{SUITES.get(suite, suite)}:{key_id.hex()}"


def _derive(secret: bytes, purpose: str) -> bytes:
    return hmac.new(secret, f"jiesu:{purpose}".encode(), hashlib.sha256).digest()


def _compute_id(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:KEY_ID]


def _name_keys(purpose: str, keys: Iterable[bytes]) -> dict[str, bytes]:
    return {name_key(purpose, _compute_id(key)): key for key in keys}


class Encryption:
    """Keys derived from `JIESU_SECRET_KEY`. Older secrets still open what they sealed."""

    def __init__(self, secret: str, chance: Chance, older: Sequence[str] = ()) -> None:
        if len(secret) < 16:
            raise ValueError("the secret key is shorter than 16 characters")
        root, secrets = secret.encode(), [s.encode() for s in (secret, *older)]
        self._chance = chance
        values = [_derive(s, "seal") for s in secrets]
        self._head = bytes([STD]) + _compute_id(values[0])
        self._newest = AESGCM(values[0])
        self._value_keys = {name: AESGCM(key) for name, key in _name_keys("values", values).items()}
        self._index = _derive(root, "index")
        self.session = _derive(root, "session")
        journal = _name_keys("journal", (_derive(s, "journal") for s in secrets))
        #: by name, the present one first
        self.journal_keys = {name: JournalKey(name, key) for name, key in journal.items()}
        self.journal = next(iter(self.journal_keys.values()))
        self._backup_keys = _name_keys("backup", (_derive(s, "backup") for s in secrets))
        #: names of all keys that what is stored may need
        self.key_names = frozenset({*self._value_keys, *self.journal_keys})

    def seal(self, table: str, row: int | str, column: str, value: str) -> bytes:
        """Encrypt a value so that it opens only in this table, row and column."""
        nonce = self._chance.random_bytes(NONCE)
        return self._head + nonce + self._newest.encrypt(nonce, value.encode(), _bind(self._head, table, row, column))

    def open(self, table: str, row: int | str, column: str, sealed: bytes | None) -> str | None:
        """Decrypt a value; None for None.

        Raises SuiteUnknown, KeyUnknown, or ValueError if it was sealed elsewhere or is not as it was sealed.
        """
        if sealed is None:
            return None
        sealed = bytes(sealed)
        header, body = read_header(sealed)
        if header.suite not in SUITES:
            raise SuiteUnknown(header.suite)
        if header.key_name not in self._value_keys:
            raise KeyUnknown(header.key_name)
        bound = _bind(sealed[:KEY_HEAD], table, row, column)
        try:
            return self._value_keys[header.key_name].decrypt(header.nonce, body, bound).decode()
        except InvalidTag:
            raise ValueError("sealed elsewhere, or changed") from None

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


def _bind(head: bytes, table: str, row: int | str, column: str) -> bytes:
    """Return what a value is bound to: suite, key and place."""
    return head + f"{table}:{row}:{column}".encode()


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
