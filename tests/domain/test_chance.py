"""Tokens, codes and jitter from given bytes: the same bytes give the same, and all of them are used."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.chance import Chance


def give(byte: int) -> Chance:
    return Chance(lambda size: bytes([byte]) * size)


def test_a_token_is_as_long_as_its_bytes_need() -> None:
    assert Chance(bytes).hex_token(8) == "0" * 16
    assert give(255).token(12) == "_" * 16
    assert base64.urlsafe_b64decode(give(7).token(32) + "=") == b"\x07" * 32


@given(st.binary(min_size=16, max_size=16), st.integers(1, 20))
def test_a_code_has_its_digits_also_the_leading_zeros(drawn: bytes, count: int) -> None:
    code = Chance(lambda size: drawn[:size]).digits(count)
    assert len(code) == count and code.isdecimal() and int.from_bytes(drawn) % 10**count == int(code)


@given(st.binary(min_size=7, max_size=7))
def test_jitter_is_at_least_0_and_less_than_1(drawn: bytes) -> None:
    assert 0.0 <= Chance(lambda size: drawn[:size]).fraction() < 1.0


def test_jitter_reaches_from_nothing_almost_to_1() -> None:
    assert Chance(bytes).fraction() == 0.0
    assert Chance(lambda size: b"\x80" + bytes(size - 1)).fraction() == 0.5
    assert give(255).fraction() == 1 - 2.0**-53
