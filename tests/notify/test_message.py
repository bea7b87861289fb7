"""What a message may hold, and how text is prepared for a screen, a voice or the log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.channel import DeliveryError
from notify.message import Button
from notify.plain_text import clean, fit, make_sayable, redact, utf16_len

ANY_TEXT = st.text(st.characters(), max_size=300)


@pytest.mark.parametrize("data", ["", "签" * 22, "x" * 65])
def test_a_button_cannot_carry_more_than_networks_take_FT26(data: str) -> None:
    with pytest.raises(ValueError, match=r"1\.\.64"):
        Button("签收", data)


def test_a_button_carries_64_bytes() -> None:
    assert len(Button("签收", "签" * 21 + "x").data.encode()) == 64


@given(ANY_TEXT, st.integers(1, 50))
def test_a_cut_text_fits_and_begins_like_the_whole_FT26(text: str, limit: int) -> None:
    cut = fit(text, limit)
    assert utf16_len(cut) <= limit
    assert clean(text).startswith(cut.removesuffix("…"))
    cut.encode()


@given(ANY_TEXT)
def test_cleaning_clean_text_changes_nothing_and_leaves_no_half_character_FT27(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert utf16_len(clean(text)) * 2 == len(clean(text).encode("utf-16-le"))


@given(ANY_TEXT, st.integers(1, 50))
def test_text_for_a_voice_is_one_line_FW13(text: str, limit: int) -> None:
    spoken = make_sayable(text, limit)
    assert len(spoken) <= limit
    assert spoken.split() == spoken.split(" ") or not spoken


def test_a_cut_does_not_leave_half_an_emoji() -> None:
    assert fit("👩‍👩‍👧 一家", 4) == "👩…"


def test_an_error_for_the_log_holds_no_number_and_no_secret_G23() -> None:
    assert redact("to +8613800001234\nby bot123:abc", "123:abc") == "to *** by bot***"
    assert redact("138 0000-1234, code 21211") == "***, code 21211"
    assert len(redact("x" * 1000)) == 200


def test_an_ambiguous_failure_of_a_repeatable_request_is_only_transient() -> None:
    ambiguous = DeliveryError("ambiguous", "network", "cut")
    assert ambiguous.as_idempotent().kind == "transient"
    throttled = DeliveryError("throttled", "429", retry_after=3)
    assert throttled.as_idempotent() is throttled
    assert str(ambiguous) == "ambiguous network: cut"
