"""稍后提醒: a person puts his list off; one letter with it comes back after `remind.snooze`, at a decent hour."""

from datetime import datetime
from typing import Protocol

from backend.domain.records import Letter, Person
from backend.domain.ticket import Grade
from backend.mail.outfit import IdSupply
from backend.office import Office
from backend.ports.letters import LetterStore
from backend.ports.reading import ReadingStore

DIGEST = "M5"
LOOKED_AT = 50  # newest letters that wait for him


class Putting(Protocol):
    """What a chat asks of this room."""

    async def later(self, person: Person) -> datetime:
        """When the list will come again."""
        ...


class Snooze:
    """Writes the letter; pressing ten times writes one."""

    def __init__(self, letters: LetterStore, reading: ReadingStore, office: Office, ids: IdSupply) -> None:
        self._letters, self._reading, self._office, self._ids = letters, reading, office, ids

    async def later(self, person: Person) -> datetime:
        """When the list will come again: `remind.snooze` from now, or the next moment his unit may be disturbed."""
        waiting = await self._reading.deliveries(people=[person.code], state="pending", limit=LOOKED_AT)
        for one in waiting.items:
            if one.letter.kind == DIGEST:
                return one.letter.not_before
        now, standing = self._office.clock.now(), await self._office.standing()
        wanted = standing.later(standing.settings.text("remind.snooze"), now, person.unit)
        at = standing.may_tell(wanted, now, Grade.GENERAL, person.unit)
        await self._ids.refill(1)
        await self._letters.add([
            Letter(self._ids.take(), DIGEST, str(person.chat), person.code, None, None, 0, False, max(at, wanted), now,
                   {"snoozed": True})
        ])  # fmt: skip
        return max(at, wanted)
