"""Numbers and codes as people type them: any case and width, with marks that nobody sees, are read in this one place."""

import unicodedata

from backend.domain.masking import clean


def read_typed(written: str) -> str:
    """Return what was typed in plain width, without marks of direction and width nor blanks around it."""
    return unicodedata.normalize("NFKC", clean(written)).strip()


def list_spellings(written: str) -> tuple[str, ...]:
    """Return the numbers that may be meant, each once: as written, which wins, then plain, in capitals, in small letters."""
    plain = read_typed(written)
    return tuple(dict.fromkeys((written, plain, plain.upper(), plain.lower())))


def narrow(text: str) -> str:
    """Return a text of the same length, its full-width letters, digits and signs in plain width."""
    return "".join(one if len(one := unicodedata.normalize("NFKC", sign)) == 1 else sign for sign in text)


def split_word(text: str) -> tuple[str, str]:
    """Return the first word of a text, whatever blank is behind it, and what follows; "" where there is none."""
    first, *rest = text.split(maxsplit=1) or [""]
    return first, rest[0].strip() if rest else ""
