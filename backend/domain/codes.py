"""Codes of people and units and names of keys: what they must not be, so that every actor's name is theirs alone (XS3)."""

import unicodedata
from typing import Final

from backend.domain.refusals import Refused

#: Names the system itself acts under.
RESERVED: Final = frozenset(("operator", "system", "key", "clock", "platform"))


def check_code(code: str, field: str = "code") -> str:
    """Return a code that may be given. Refused `reserved_code` for a reserved word in any spelling, or one with `:`."""
    plain = unicodedata.normalize("NFKC", code).strip().casefold()
    if plain in RESERVED or ":" in plain:
        raise Refused("reserved_code", field=field, value=code)
    return code
