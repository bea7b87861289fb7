"""Captions of buttons as people type them: any case and width, without marks, after a sign or a number of their own."""

import unicodedata
from collections.abc import Iterable, Mapping

from backend.domain.typed_numbers import read_typed

_DIGITS = "0123456789"


def fold(text: str) -> str:
    """Return the letters and digits of a text, in one case and width; blanks, marks and pictures are none."""
    return "".join(sign for sign in read_typed(text).casefold() if unicodedata.category(sign)[0] in "LN")


def read_captions(buttons: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return what (caption, data) pairs press, by folded caption; one that stands on different buttons presses none."""
    found: dict[str, set[str]] = {}
    for caption, data in buttons:
        found.setdefault(fold(caption), set()).add(data)
    return {caption: min(data) for caption, data in found.items() if caption and len(data) == 1}


def find_caption(text: str, captions: Mapping[str, str]) -> str | None:
    """Return what a typed text presses, None if it is no caption: 【确认】, "OK！", "1. 确认"."""
    typed = fold(text)
    return captions.get(typed) or captions.get(typed.lstrip(_DIGITS))
