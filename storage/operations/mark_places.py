"""Where the newest mark is kept outside the database: a file, and Redis where it is used (FD13)."""

import asyncio
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backend.ports.backups import Mark

FILE = "mark.json"
TIMEOUT = 0.5  # seconds Redis may take


class FileMark:
    """`MarkPlace` in a folder that all processes of a machine share."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE

    async def read(self) -> Mark | None:
        return await asyncio.to_thread(self._read)

    def _read(self) -> Mark | None:
        try:
            return decode_mark(self._file.read_bytes())
        except FileNotFoundError:
            return None

    async def write(self, mark: Mark) -> None:
        await asyncio.to_thread(self._write, mark)

    def _write(self, mark: Mark) -> None:
        """Replace the file as a whole. Of processes that write at once the last wins: a beat more or less is nothing."""
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, unfinished = tempfile.mkstemp(prefix=f".{FILE}.", dir=self._file.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(encode_mark(mark))
        Path(unfinished).replace(self._file)


class RedisMark:
    """`MarkPlace` in Redis. `client` is a redis.asyncio client; its errors propagate."""

    def __init__(self, client: Any, key: str = "jiesu:mark") -> None:
        self._client = client
        self._key = key

    async def read(self) -> Mark | None:
        async with asyncio.timeout(TIMEOUT):
            found = await self._client.get(self._key)
        return None if found is None else decode_mark(found)

    async def write(self, mark: Mark) -> None:
        async with asyncio.timeout(TIMEOUT):
            await self._client.set(self._key, encode_mark(mark))


def connect_redis(url: str) -> Any:
    """Return a client of a Redis URL. Raises ImportError without the redis extra."""
    from redis.asyncio import Redis

    return Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)


def encode_mark(mark: Mark) -> bytes:
    """Encode a mark as JSON."""
    return json.dumps(asdict(mark)).encode()


def decode_mark(body: bytes) -> Mark | None:
    """Decode a mark; None if it is not whole."""
    try:
        return Mark(**json.loads(body))
    except (ValueError, TypeError):
        return None
