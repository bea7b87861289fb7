"""Damage of a database: what was found, who looks for it, and where all processes learn of it (XR4, FD16)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Damage:
    """What was found first. `code` is the engine's, as SQLITE_CORRUPT or XX001, or `check`; `where` in its words.

    `number` counts the damages in the row that machines share; 0: it is not known there.
    """

    code: str
    where: str = ""
    number: int = 0


class StorageCondition(Protocol):
    """What is known of the place where data are kept; asked before each write, so it answers at once."""

    is_full: bool  # the last write found no room
    is_suspect: bool  # something stored could not be read as what it is: it is time for a check

    @property
    def damage(self) -> Damage | None:
        """The damage for which nothing may be written until a whole check finds none."""
        ...

    def report(self, damage: Damage) -> None:
        """From now on nothing is written, by any process that shares the folder of marks, also after a restart."""
        ...

    def lift(self) -> None:
        """A whole check found nothing: all may write again. Raises OSError if the mark cannot be removed."""
        ...


class Soundness(Protocol):
    """Checks that the database's pages are what they were written as. They write nothing and stop nobody."""

    async def check_some(self, seconds: float, *, deep: bool = False, strict: bool = False) -> Sequence[str]:
        """Check tables one after another for about so long, at least one and at most each once; return what is wrong.

        It goes on where it ended before. `deep` also compares indexes with their tables; `strict` breaks off the table
        in hand when the time is over, and begins with it the next time.
        """
        ...

    async def check_all(self) -> Sequence[str]:
        """Check everything; return what is wrong, at most a hundred lines."""
        ...


class SharedDamage(Protocol):
    """The row about damage in a database that several machines share."""

    async def read(self) -> tuple[Damage, bool] | None:
        """Return the newest damage told there and whether it has been lifted; None without any."""
        ...

    async def tell(self, damage: Damage) -> Damage:
        """Tell of damage, unless one stands there; return the one that stands, with its number."""
        ...

    async def lift(self) -> None:
        """Say there that a whole check found nothing."""
        ...
