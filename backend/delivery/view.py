"""Prepares the facts of one ticket for texts to one person: masked, with times in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from backend.domain.acts import Snapshot
from backend.domain.limits import Limit, LimitUnit
from backend.domain.masking import cut
from backend.domain.records import Assignment, Person
from backend.domain.refusals import Refused
from backend.domain.showing import goes_there, show_place, show_text
from backend.domain.spoken_time import format_time
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Obligation
from backend.domain.time_words import describe_time_left
from backend.office.cache import OfficeSnapshot

MAX_TEXT = 480  # characters of the demand on a card, so that the card stays under 900
MAX_WORDS = 200  # characters of a reason, a summary, a progress report
MAX_PLACE = 60
MAX_TITLE = 24
DEFAULT_WINDOW = 3  # working days, where the objection period is not written in working days


@dataclass(frozen=True)
class MessageView:
    """What texts may use. `given` are the facts stored with the message; `requester` is masked, never shown."""

    snap: Snapshot
    target: Assignment | None
    snapshot: OfficeSnapshot
    now: datetime
    texts: Texts
    requester: str | None = None
    message_facts: Mapping[str, Any] = field(default_factory=dict)
    viewer: Person | None = None  # None: a text anybody may read

    # -- words

    def format_time(self, at: datetime | None) -> str:
        """Format an instant in words: weekday and time, in the office's zone."""
        if at is None:
            return ""
        language = "zh" if self.texts.language.startswith("zh") else "en"
        return format_time(at, self.now, language, self.now.tzinfo)

    def format_left(self, due: datetime | None) -> str:
        """Format how long it is until then."""
        if due is None:
            return ""
        grade, calendar = self.snap.ticket.grade, self.snapshot.calendar
        return describe_time_left(self.texts, self.now, due, grade, calendar, self.now.tzinfo)

    def get_person_name(self, code: str | None) -> str:
        """Return the name behind a code that acted; the system and the operator are called what they are."""
        person = self.snapshot.by_code.get(code or "")
        return person.name if person else self.texts.get_word_or_value("actor", code or "")

    def get_unit_name(self, code: str | None) -> str:
        """Return the name behind a unit's code."""
        unit = self.snapshot.config.units.get(code or "")
        return unit.name if unit else code or ""

    def mask_text(self, text: object, most: int = MAX_WORDS) -> str:
        """Mask names and numbers in a text a person wrote, and cut it."""
        return cut(show_text(str(text or ""), self.requester, self._phone_mask).strip(), most)

    @property
    def place(self) -> str:
        """地点, with its door if the viewer goes there."""
        with_door = self.viewer is not None and goes_there(self.viewer, self.snap.assignments)
        shown = show_place(self.snap.ticket.place, self.requester, self._phone_mask, with_door=with_door)
        return cut(shown.strip(), MAX_PLACE)

    @property
    def _phone_mask(self) -> str:
        return self.snapshot.settings.text("privacy.phone_mask")

    def get_instant(self, key: str) -> datetime | None:
        """Return a given fact as an instant; None when it is absent or not one."""
        value = self.message_facts.get(key)
        if isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(value) if isinstance(value, str) and value else None
        except ValueError:
            return None

    def find_due(self, kind: Obligation) -> datetime | None:
        """Return when the open duty of a kind is due, preferring the assignment's own."""
        mine = self.target.id if self.target else None
        found = [d for d in self.snap.duties if d.kind is kind and d.met_at is None]
        own = [d for d in found if d.assignment_id == mine]
        return (own or found)[-1].due_at if found else None

    @property
    def objection_days(self) -> int:
        """Working days in which an objection may be raised (`appeal_window`)."""
        try:
            limit = Limit.parse(self.snapshot.settings.text("appeal_window"))
        except Refused:
            return DEFAULT_WINDOW
        return limit.amount if limit.unit is LimitUnit.WORKDAYS else DEFAULT_WINDOW

    @cached_property
    def is_hidden(self) -> bool:
        """Whether place and text stay out of the chat: privacy `strict`, or a confidential ticket."""
        strict = self.snapshot.settings.text("privacy.chat") == "strict"
        return strict or "confidential" in self.snap.ticket.flags

    # -- facts

    @cached_property
    def title(self) -> str:
        """The ticket's title, which stays out of the chat where the demand does (XM11)."""
        return "" if self.is_hidden else self.mask_text(self.snap.ticket.title, MAX_TITLE)

    @cached_property
    def ticket_name(self) -> str:
        """The ticket's number with its title."""
        return self.texts.render("message.named", ticket_no=self.snap.ticket.ticket_no, title=self.title)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Facts that every text about a ticket may use."""
        ticket, target, say = self.snap.ticket, self.target, self.texts
        facts: dict[str, Any] = {
            "ticket_no": ticket.ticket_no,
            "category": say.get_word_or_value("category", str(ticket.category or "")),
            "grade": say.get_word("grade", ticket.grade),
            "place": "" if self.is_hidden else self.place,
            "masked_text": "" if self.is_hidden else self.mask_text(ticket.text or ticket.title, MAX_TEXT),
            "unit": self.get_unit_name(target.unit if target else None),
        }
        if target is None:
            return facts | {"close_due": "", "sign_due": ""}
        return facts | {
            "dispatched_at": self.format_time(target.dispatched_at), "sign_due": self.format_time(target.sign_due_at),
            "close_due": self.format_time(target.close_due_at), "left": self.format_left(target.sign_due_at),
            "signed_at": self.format_time(target.signed_at), "replied_at": self.format_time(target.replied_at),
            "closed_at": self.format_time(target.closed_at),
        }  # fmt: skip

    def format_timeliness(self, at: datetime | None) -> str:
        """Return 按时 or 超时 for a closing (Q26: exact to the second)."""
        late = self.target is not None and (
            self.target.red_card_at is not None
            or (at is not None and at.replace(microsecond=0) > self.target.close_due_at)
        )
        return self.texts.get_word("timely", "no" if late else "yes")
