"""Search of a ticket's texts: it finds what its least reader is shown, and nothing that is masked from them (XS1)."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from backend.domain.masking import PHONE_MASK, to_ascii_digits
from backend.domain.showing import show_place, show_text

_LETTERS: Final = re.compile(r"[A-Za-z\u3400-\u4dbf\u4e00-\u9fff]+")
_DIGITS: Final = re.compile("[0-9]+")
#: What may stand between the digits of a number that is shown without its separators.
_BETWEEN: Final = r"[^0-9A-Za-z\u3400-\u4dbf\u4e00-\u9fff]*"


@dataclass(frozen=True)
class TextSearch:
    """Literal words sought in what is shown under a phone mask (`privacy.phone_mask`); case does not matter.

    `letters` and `may_match` only spare masking texts that cannot match: `matches` alone decides.
    """

    words: str
    phone_mask: str = PHONE_MASK

    @cached_property
    def letters(self) -> tuple[str, ...]:
        """Runs of letters that a match contains unmasked, too."""
        return tuple(_LETTERS.findall(self.words))

    @cached_property
    def _numbers(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(_BETWEEN.join(run)) for run in _DIGITS.findall(to_ascii_digits(self.words)))

    @property
    def is_selective(self) -> bool:
        """Whether anything but signs is sought; signs alone may be in every masked text."""
        return bool(self.letters or self._numbers)

    def may_match(self, *texts: str) -> bool:
        """Return False only if none of these unmasked texts can match."""
        if not self._numbers:
            return True
        plain = to_ascii_digits("\n".join(texts))
        return all(number.search(plain) for number in self._numbers)

    def matches(self, title: str, place: str, text: str, name: str | None) -> bool:
        """Return whether a title, place or text contains the words, as their least reader is shown them."""
        words = self.words.casefold()
        shown = (
            show_text(title, name, self.phone_mask),
            show_place(place, name, self.phone_mask),
            show_text(text, name, self.phone_mask),
        )
        return any(words in one.casefold() for one in shown)
