"""Hashes and verifies passwords by argon2id in two threads; whoever comes when too many wait is refused."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from backend.domain.refusals import Refused

MEMORY_KIB, ROUNDS, LANES = 46 * 1024, 1, 1  # OWASP's argon2id
THREADS = 2
QUEUE = 50  # computations that may wait
T = TypeVar("T")


class Passwords:
    """One pool a process."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords")
        self._waiting = 0
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """Return the hash of a password. Refused `busy`."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Return whether it is the password; without a hash it takes as long and is not (FA10). Refused `busy`."""
        if hashed is None and self._nobodys is None:
            self._nobodys = await self.hash("nobody's")
        right = await self._run(lambda: self._matches(hashed or self._nobodys or "", password))
        return right and hashed is not None

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= QUEUE + THREADS:
            raise Refused("busy")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
