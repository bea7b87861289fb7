"""Search of a ticket's texts: it finds what its least reader is shown, and nothing that is masked from them (XS1)."""

from dataclasses import dataclass

from backend.domain.masked_texts import get_mask_version
from backend.domain.masking import PHONE_MASK


@dataclass(frozen=True)
class TextSearch:
    """Literal words sought in ticket numbers and in texts masked under `privacy.phone_mask`; case does not matter."""

    words: str
    phone_mask: str = PHONE_MASK

    @property
    def mask_version(self) -> str:
        """The version of the masked texts it reads."""
        return get_mask_version(self.phone_mask)
