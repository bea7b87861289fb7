"""Cleans plain text for display or speech: removes hostile characters, cuts lengths (FT26, FT27, FW13)."""

import re

ELLIPSIS = "…"

#: C0 except tab and newline, DEL, C1, lone surrogates, bidirectional embeddings/overrides/isolates,
#: and noncharacters that no protocol accepts
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff]"
)
#: characters that cannot be spoken: zero-width characters, direction marks, variation selectors, pictographs
_UNSAYABLE = re.compile(
    "[\u00ad\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff\U0001f000-\U0001faff\U000e0000-\U000e01ef]"
)
#: seven digits or more, written together or in groups
_NUMBER = re.compile(r"\+?\d(?:[ -]?\d){6,}")
_BLANKS = re.compile(r"\s+")
#: marks that belong to the character before them and must not be left alone at the end of a cut text
_HANGING = "\u200d\ufe0e\ufe0f"


def utf16_len(text: str) -> int:
    """Return the length in UTF-16 code units, as messaging apps count."""
    return len(text) + sum(ch > "\uffff" for ch in text)


def clean(text: str) -> str:
    """Return text that every channel accepts and shows literally; markup characters are kept (FT27)."""
    return _UNSHOWABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def fit(text: str, limit: int) -> str:
    """Return clean text of at most `limit` UTF-16 units; a cut ends with … and splits no character (FT26)."""
    text = clean(text)
    if utf16_len(text) <= limit:
        return text
    space = limit - utf16_len(ELLIPSIS)
    units = 0
    end = 0
    for ch in text:
        units += 2 if ch > "\uffff" else 1
        if units > space:
            break
        end += 1
    return text[:end].rstrip(_HANGING) + ELLIPSIS


def make_sayable(text: str, limit: int) -> str:
    """Return text for speech: one line, nothing invisible, no pictographs, at most `limit` characters (FW13)."""
    words = _BLANKS.sub(" ", _UNSAYABLE.sub("", clean(text))).strip()
    return words if len(words) <= limit else words[: limit - 1] + ELLIPSIS


def redact(text: object, *secrets: str) -> str:
    """Return an error's text for the log: no secret, no phone number, one short line (FT36, G23)."""
    words = _BLANKS.sub(" ", clean(str(text)))
    for secret in filter(None, secrets):
        words = words.replace(secret, "***")
    return _NUMBER.sub("***", words)[:200]
