"""What can be said at all, and how text is made fit for a screen or an ear."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.channel import DeliveryError
from notify.message import Button
from notify.plain_text import clean, fit, make_sayable, redact, utf16_len

ANY_TEXT = st.text(st.characters(), max_size=300)


@pytest.mark.parametrize("data", ["", "签" * 22, "x" * 65])
def test_ft26_a_button_cannot_carry_more_than_a_network_takes(data: str) -> None:
    with pytest.raises(ValueError, match=r"1\.\.64"):
        Button("签收", data)


def test_a_button_carries_sixty_four_bytes() -> None:
    data = "签" * 21 + "x"
    assert Button("签收", data).data == data and len(data.encode()) == 64


@given(ANY_TEXT, st.integers(1, 50))
def test_ft26_a_cut_text_fits_and_begins_like_the_whole(text: str, limit: int) -> None:
    cut = fit(text, limit)
    assert utf16_len(cut) <= limit
    assert clean(text).startswith(cut.removesuffix("…"))
    cut.encode()


@given(ANY_TEXT)
def test_ft27_clean_text_is_clean_already(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert utf16_len(clean(text)) * 2 == len(clean(text).encode("utf-16-le"))


@given(ANY_TEXT, st.integers(1, 50))
def test_fw13_words_for_a_voice_are_one_line(text: str, limit: int) -> None:
    words = make_sayable(text, limit)
    assert len(words) <= limit
    assert words.split() == words.split(" ") or not words


def test_a_cut_does_not_leave_half_an_emoji() -> None:
    assert fit("👩‍👩‍👧 一家", 4) == "👩…"


def test_g23_an_error_for_the_log_holds_no_number_and_no_secret() -> None:
    assert redact("to +8613800001234\nby bot123:abc", "123:abc") == "to *** by bot***"
    assert redact("138 0000-1234, code 21211") == "***, code 21211"
    assert len(redact("x" * 1000)) == 200


def test_the_doubt_of_a_repeatable_request_is_no_doubt() -> None:
    error = DeliveryError("ambiguous", "network", "cut")
    assert error.as_idempotent().kind == "transient"
    busy = DeliveryError("throttled", "429", retry_after=3)
    assert busy.as_idempotent() is busy
    assert str(error) == "ambiguous network: cut"
