"""What is decided by chance: tokens, codes and jitter, all from one source of random bytes that is given."""

import base64
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Chance:
    """`random_bytes` takes a number of bytes; outside tests it must be good enough for secrets and nonces."""

    random_bytes: Callable[[int], bytes]

    def token(self, size: int) -> str:
        """Return `size` random bytes as URL-safe base64 without padding."""
        return base64.urlsafe_b64encode(self.random_bytes(size)).rstrip(b"=").decode()

    def hex_token(self, size: int) -> str:
        """Return `size` random bytes as lower-case hexadecimal digits, two for each."""
        return self.random_bytes(size).hex()

    def digits(self, count: int) -> str:
        """Return that many decimal digits, at most 20: every code is equally likely, to one in 2**60."""
        return f"{int.from_bytes(self.random_bytes(16)) % 10**count:0{count}d}"

    def fraction(self) -> float:
        """Return 0 ≤ x < 1, for jitter."""
        return (int.from_bytes(self.random_bytes(7)) >> 3) * 2.0**-53
