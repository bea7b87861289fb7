"""The masked texts stored beside a ticket's own: all that a search reads (XS1)."""

from typing import Final

from backend.domain.masking import PHONE_MASK
from backend.domain.showing import show_place, show_text

#: Raised by one whenever masking hides more or less than before: every stored masked text is then made anew.
MASK_RULES: Final = 1
COLUMNS: Final = ("masked_title", "masked_place", "masked_text", "mask_version")


def get_mask_version(phone_mask: str = PHONE_MASK) -> str:
    """Return what stored masked texts depend on, such as `1:138****1234`: the rules and `privacy.phone_mask`."""
    return f"{MASK_RULES}:{phone_mask}"


def build_masked_texts(title: str, place: str, text: str, name: str | None, phone_mask: str) -> dict[str, str]:
    """Return the columns of a ticket that hold its texts as their least reader is shown them, and their mask's version.

    Raises ValueError for a phone mask that hides too little.
    """
    shown = (show_text(title, name, phone_mask), show_place(place, name, phone_mask), show_text(text, name, phone_mask))
    return dict(zip(COLUMNS, (*shown, get_mask_version(phone_mask)), strict=True))
