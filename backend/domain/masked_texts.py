"""The masked texts stored beside a ticket's own: all that a search reads (XS1)."""

from collections.abc import Callable, Mapping
from typing import Final

from backend.domain.masking import PHONE_MASK
from backend.domain.showing import show_place, show_text

#: Raised by one whenever masking hides more or less than before: every stored masked text is then made anew.
MASK_RULES: Final = 1
#: A ticket's texts, and how their least reader is shown each.
SHOW: Final[Mapping[str, Callable[[str, str | None, str], str]]] = {
    "title": show_text,
    "place": show_place,
    "text": show_text,
}
COLUMNS: Final = (*(f"masked_{name}" for name in SHOW), "mask_version")


def get_mask_version(phone_mask: str = PHONE_MASK) -> str:
    """Return what stored masked texts depend on, such as `1:138****1234`: the rules and `privacy.phone_mask`."""
    return f"{MASK_RULES}:{phone_mask}"


def build_masked_texts(texts: Mapping[str, str], requester: str | None, phone_mask: str) -> dict[str, str]:
    """Return the COLUMNS of a ticket: its texts as their least reader is shown them, and their mask's version.

    Raises ValueError for a phone mask that hides too little.
    """
    shown = (show(texts[name], requester, phone_mask) for name, show in SHOW.items())
    return dict(zip(COLUMNS, (*shown, get_mask_version(phone_mask)), strict=True))
