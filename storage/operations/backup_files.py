"""Backup files: a line that names the format, a manifest, the wrapped key of this file, and the encrypted copy (XR3).

The manifest is readable by anybody and bound to everything that follows it; no byte can be changed unnoticed.
"""

import base64
import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

from backend.domain.refusals import Refused
from backend.ports.backups import Checkpoint, Contents, Manifest, Mark
from storage.engine.encryption import Encryption, KeyUnknown, decrypt_chunks, encrypt_chunks

MAGIC = b"jiesu backup 1\n"
CHUNK = 1 << 20  # bytes of the copy that are encrypted together
LENGTH = 4  # bytes that say how long the next encrypted piece is
MAX_LINE = 1 << 20
NAMED = "jiesu-[0-9]*.backup"


class EncryptedBackupFiles:
    """`BackupFiles` under the secrets of an installation. `data`: where a copy may lie open for a while."""

    def __init__(self, encryption: Encryption, data: Path) -> None:
        self._encryption = encryption
        self._data = data

    def find_missing_keys(self, keys: Sequence[str]) -> Sequence[str]:
        return sorted(set(keys) - self._encryption.key_names)

    def opens(self, table: str, row: str | int, column: str, value: bytes) -> bool:
        try:
            return self._encryption.open(table, row, column, value) is not None
        except ValueError:
            return False

    def write(self, file: Path, manifest: Manifest, copy: Path) -> Manifest:
        with copy.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        whole = replace(manifest, sha256=digest, size=copy.stat().st_size)
        line = encode_manifest(whole)
        key, name, wrapped = self._encryption.wrap_file_key(line)
        handle, unfinished = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        try:
            with os.fdopen(handle, "wb") as out, copy.open("rb") as content:
                out.write(MAGIC + line + b"\n" + name.encode() + b" " + base64.b64encode(wrapped) + b"\n")
                for piece in encrypt_chunks(key, iter(lambda: content.read(CHUNK), b"")):
                    out.write(len(piece).to_bytes(LENGTH) + piece)
                out.flush()
                os.fsync(out.fileno())
            Path(unfinished).replace(file)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
        return whole

    def read_manifest(self, file: Path) -> Manifest:
        with _open(file) as content:
            return decode_manifest(_read_head(content)[0])

    def extract(self, file: Path, to: Path) -> Manifest:
        with _open(file) as content, to.open("wb") as out:
            line, name, wrapped = _read_head(content)
            manifest = decode_manifest(line)
            try:
                key = self._encryption.unwrap_file_key(name, wrapped, line)
                for piece in decrypt_chunks(key, _read_pieces(content)):
                    out.write(piece)
            except KeyUnknown:
                raise Refused("keys_missing", names=name) from None
            except ValueError:
                raise Refused("backup_changed") from None
        with to.open("rb") as copy:
            if hashlib.file_digest(copy, "sha256").hexdigest() != manifest.sha256:
                raise Refused("backup_changed")
        if missing := self.find_missing_keys(manifest.contents.keys):
            raise Refused("keys_missing", names=", ".join(missing))
        return manifest

    def list_by_age(self, folder: Path) -> Sequence[Path]:
        return sorted(folder.glob(NAMED))  # their names begin with the time

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix=".scratch-", dir=self._data) as folder:
            yield Path(folder)


def encode_manifest(manifest: Manifest) -> bytes:
    """Encode a manifest as one line of JSON, always the same for the same manifest."""
    return json.dumps(asdict(manifest), ensure_ascii=False, sort_keys=True).encode()


def decode_manifest(line: bytes) -> Manifest:
    """Decode a manifest. Refused `backup_unreadable`."""
    try:
        read: dict[str, Any] = json.loads(line)
        held = read.pop("contents")
        held["checkpoint"] = Checkpoint(**held["checkpoint"])
        held["mark"] = held["mark"] and Mark(**held["mark"])
        held["gate"] = {part: (own[0], own[1]) for part, own in held["gate"].items()}
        contents = Contents(**{**held, "keys": tuple(held["keys"])})
        return Manifest(contents, **read)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise Refused("backup_unreadable") from None


@contextlib.contextmanager
def _open(file: Path) -> Iterator[IO[bytes]]:
    try:
        content = file.open("rb")
    except OSError:
        raise Refused("backup_unreadable", path=str(file)) from None
    with content:
        yield content


def _read_head(content: IO[bytes]) -> tuple[bytes, str, bytes]:
    """Return the manifest's line, the name of the wrapping key and the wrapped key. Refused `backup_unreadable`."""
    magic, line, wrapped = (content.readline(MAX_LINE) for _ in range(3))
    try:
        name, _, key = wrapped.decode("ascii").removesuffix("\n").partition(" ")
        if magic != MAGIC or not wrapped.endswith(b"\n") or base64.b64encode(base64.b64decode(key)) != key.encode():
            raise ValueError
        return line.removesuffix(b"\n"), name, base64.b64decode(key)
    except ValueError:
        raise Refused("backup_unreadable") from None


def _read_pieces(content: IO[bytes]) -> Iterator[bytes]:
    """Yield the encrypted pieces. Raises ValueError where a length and what follows it do not agree."""
    while head := content.read(LENGTH):
        length = int.from_bytes(head)
        piece = content.read(min(length, CHUNK * 2))
        if len(head) != LENGTH or len(piece) != length:
            raise ValueError("cut short")
        yield piece
