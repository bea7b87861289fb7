"""What is known about a message that cannot arrive, and the messages that may replace it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from backend.delivery.kinds import SMS_CHANNEL, is_for_institution
from backend.domain import reminders
from backend.domain.acts import Snapshot
from backend.domain.records import Message, Person
from backend.domain.ticket_enums import Grade
from backend.office.cache import OfficeSnapshot
from backend.ports.outbox import AuditNote, MessageDelivery


@dataclass(frozen=True, slots=True)
class FallbackContext:
    """A message that cannot arrive, with all messages about the same assignment."""

    message: Message
    reason: str
    related_messages: Sequence[MessageDelivery]
    snap: Snapshot | None
    snapshot: OfficeSnapshot
    now: datetime
    new_id: Callable[[], int]
    in_doubt: bool = False  # an earlier try may have arrived

    @property
    def original_message(self) -> Message:
        """The original message at the start of the fallback chain."""
        by_id = {d.message.id: d.message for d in self.related_messages}
        message, seen = self.message, {self.message.id}
        while message.fallback_of in by_id and message.fallback_of not in seen:
            message = by_id[message.fallback_of]
            seen.add(message.id)
        return message

    @property
    def unit(self) -> str | None:
        """The unit to reach: the assignment's, or the institution."""
        if self.snap is not None and is_for_institution(self.message.kind):
            return self.snap.ticket.management
        target = self.snap.find_assignment(self.message.assignment_id or 0) if self.snap else None
        return target.unit if target else None

    def build_replacement(self, kind: str, channel: str, person: Person, **facts: Any) -> Message:
        """Build a message that replaces this one."""
        given = {k: v for k, v in self.original_message.facts.items() if k != "unless_opened"}
        return Message(
            id=self.new_id(), kind=kind, channel=channel, person=person.code, ticket_id=self.message.ticket_id,
            assignment_id=self.message.assignment_id, ticket_version=self.message.ticket_version, urgent=self.message.urgent,
            not_before=self.next_allowed(for_call=True) if channel in ("phone", SMS_CHANNEL) else self.now, created_at=self.now,
            facts={**given, **facts, "why": self.reason}, fallback_of=self.message.id,
        )  # fmt: skip

    def build_copy(self, channel: str, tried: Sequence[str]) -> Message:
        """Build the same message for another network of the same person; it knows where it was tried before."""
        return replace(
            self.message, id=self.new_id(), channel=channel, state="pending", not_before=self.now, created_at=self.now, attempts=0,
            waits_for="", facts={**self.message.facts, "tried_networks": list(tried)}, fallback_of=self.message.id,
        )  # fmt: skip

    def next_allowed(self, *, for_call: bool) -> datetime:
        """Return when the unit may be disturbed: urgent at once, general in office hours (FW32)."""
        grade = Grade.URGENT if self.message.urgent else Grade.GENERAL
        return reminders.find_next_allowed(
            self.now, grade, self.snapshot.settings, self.snapshot.calendar, self.unit, for_call=for_call
        )

    def build_audit_note(self, what: str, **facts: Any) -> AuditNote:
        """Build an audit row about this message."""
        about = self.snap.ticket.ticket_no if self.snap else None
        facts = {"letter": self.message.id, "kind": self.message.kind, "person": self.message.person,
                 "channel": self.message.channel, "why": self.reason, **facts}  # fmt: skip
        return AuditNote(self.now, "system", what, about, facts)
