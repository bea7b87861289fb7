"""Calls: waiting, in progress, and finished."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from backend.ports.call_records import (
    CALLS_OWNER,
    AttemptReport,
    AttemptResult,
    Call,
    CallAttempt,
    CallRecordStore,
    CallSubject,
    CallUsage,
    DialogueStep,
    DueVisit,
    LiveCall,
    NewCall,
    PhoneMessage,
)

__all__ = [
    "CALLS_OWNER",
    "AttemptReport",
    "AttemptResult",
    "Call",
    "CallAttempt",
    "CallStore",
    "CallSubject",
    "DialogueStep",
    "DueVisit",
    "LiveCall",
    "NewCall",
    "PhoneMessage",
]


class CallStore(CallRecordStore, Protocol):
    """Stores calls and call attempts."""

    # -- planning

    async def list_due_messages(self, now: datetime, limit: int) -> Sequence[PhoneMessage]:
        """List due messages by telephone, urgent first; claims none."""
        ...

    async def enqueue(self, new: NewCall) -> int | None:
        """Add a call; return its id, or None if its message is claimed by another, or that visit is planned already."""
        ...

    async def list_due_visits(self, limit: int, after: int = 0) -> Sequence[DueVisit]:
        """List tickets, from the id `after` on, due for an automatic visit in whose round no call is planned."""
        ...

    async def list_waited_out(self, now: datetime, limit: int) -> Sequence[Call]:
        """List visit calls that are over and whose visit nobody settled: it waited for a page that has expired (XM30)."""
        ...

    async def list_due(self, now: datetime, limit: int) -> Sequence[Call]:
        """List calls due now, urgent first."""
        ...

    async def list_overdue(self, now: datetime, limit: int) -> Sequence[LiveCall]:
        """List attempts in progress that have been silent for too long."""
        ...

    async def postpone(self, call_id: int, next_at: datetime) -> bool:
        """Postpone a waiting call."""
        ...

    async def cancel(self, call_id: int, at: datetime, outcome: str | None = None) -> bool:
        """Cancel a waiting call. False if it is no longer waiting."""
        ...

    # -- attempts

    async def is_engaged(self, call_id: int, number: str) -> bool:
        """Whether that telephone is in another call. Check before taking a rate-limit token."""
        ...

    async def begin_attempt(
        self, call_id: int, number: str, masked: str, now: datetime, check_at: datetime
    ) -> int | None:
        """Start an attempt, durable before the carrier is asked (FW14); return its id.

        None if another process was faster, or if that telephone is in another call.
        """
        ...

    async def mark_placed(self, attempt_id: int, provider_id: str, check_at: datetime) -> bool:
        """Record that the carrier accepted the call; False if its callbacks were faster (FW16) or the id is taken."""
        ...

    async def mark_ambiguous(self, attempt_id: int, error: str) -> None:
        """Record that it is unknown whether the call was placed."""
        ...

    async def postpone_check(self, attempt_id: int, at: datetime) -> None:
        """Check this attempt again at `at`."""
        ...

    async def find_provider_ids(self, provider_ids: Collection[str]) -> frozenset[str]:
        """Return those of the carrier's ids that already belong to an attempt."""
        ...

    async def settle_attempt(self, result: AttemptResult) -> bool:
        """Record the outcome of an attempt, once."""
        ...

    # -- calls in progress

    async def find_live_call(self, attempt_id: int) -> LiveCall | None:
        """Return an attempt with its call and what it is about."""
        ...

    async def record_step(self, step: DialogueStep) -> bool:
        """Record a step; False if another answer to it was recorded already."""
        ...

    async def record_report(self, attempt_id: int, report: AttemptReport) -> bool:
        """Record a status report of the carrier; False if it is outdated. Duration and cost are summed on the call."""
        ...

    async def list_unpriced(self, since: datetime, until: datetime, limit: int) -> Sequence[LiveCall]:
        """List answered attempts of that time for which the carrier has reported no price yet."""
        ...

    async def record_cost(self, attempt_id: int, cost: str) -> None:
        """Record the price of an attempt, "amount currency", and add it to the call's total."""
        ...

    async def record_recording(self, attempt_id: int, url: str) -> None:
        """Record the URL of the recording."""
        ...

    async def delete_recordings(self, before: datetime) -> int:
        """Delete recordings of attempts asked for before that instant; return how many."""
        ...

    async def open_inbound(self, new: NewCall, provider_id: str) -> int:
        """Record an incoming call in progress; return the attempt's id, the same for the same carrier id (FW7)."""
        ...

    # -- look-ups

    async def get_number(self, call_id: int) -> str | None:
        """Return the number last called for a call, in clear text."""
        ...

    async def get_requester_phone(self, ticket_id: int) -> str | None:
        """Return the requester's number in clear text."""
        ...

    async def measure_usage(self, since: datetime) -> CallUsage:
        """Count the attempts made since then, and the minutes begun; one still on the line counts as a minute."""
        ...

    async def list_visit_calls(self, number: str, since: datetime, except_call: int) -> Sequence[datetime]:
        """Return when that number was first called for other visits since then, newest first."""
        ...

    async def add_do_not_call(self, phone_index: str, at: datetime, call_id: int | None) -> None:
        """Never call that number for a visit again (FW33)."""
        ...

    async def is_do_not_call(self, number: str) -> bool:
        """Whether the owner of that number asked not to be called."""
        ...

    async def find_missed(self, person: str) -> Call | None:
        """Return the call about a ticket still waiting to be signed that rang this person last, else the one due first."""
        ...

    async def find_pending_visit(self, number: str) -> Call | None:
        """Return the automatic visit to this number, its ticket still waiting, that rang last, else the one due first."""
        ...

    # -- parameters of carrier URLs

    def seal_param(self, attempt_id: int, text: str) -> str:
        """Seal text for a URL; only `open_param` with the same attempt opens it."""
        ...

    def open_param(self, attempt_id: int, sealed: str) -> str:
        """Open sealed text. Raises ValueError if it was sealed elsewhere."""
        ...
