"""Turn a demand from API, file or console into a ticket with its first journal entry and duty; detect repeats."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from backend.domain.acts import Actor
from backend.domain.journal_hash import DIGEST, JournalKey, build_entry, compute_digest
from backend.domain.permissions import require
from backend.domain.records import Duty, Ticket
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Grade, Obligation, Source, State
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.ports.ids import IdSupply
from backend.ports.tickets import IntakeStore, KnownRequesters, TicketRows
from backend.tickets.new_ticket import NewTicket
from backend.tickets.service import TicketService
from backend.tickets.validation import CheckedTicket, FormValidator

PREFIX = "JS"
REPEAT_WINDOW = timedelta(days=30)
THREAD_ABOVE = 16  # with more forms than this the work is done in a thread
SERIAL_TRIES = 8  # attempts to find a serial number that was not already used by hand
Result = TypeVar("Result")


class DataKeys(Protocol):
    """The encryption and index keys."""

    @property
    def journal(self) -> JournalKey: ...
    def seal(self, table: str, row: int | str, column: str, value: str) -> bytes: ...
    def blind_index(self, value: str) -> str: ...


class Intake:
    """Creates tickets. `countries` are those whose numbers may be called."""

    def __init__(
        self, store: IntakeStore, office: OfficeCache, ids: IdSupply, encryption: DataKeys, tickets: TicketService,
        countries: Collection[str] = ("CN",),
    ) -> None:  # fmt: skip
        self._store = store
        self._office = office
        self._ids = ids
        self._encryption = encryption
        self._tickets = tickets
        self._reader = FormValidator(countries, encryption.blind_index)

    async def receive(self, form: NewTicket, by: Actor, source: Source) -> str:
        """Take one demand (T1); return its ticket number. If complete it waits for dispatch, else for acceptance (T3).

        Refused `forbidden`, `missing`, `exists`, `bad_phone`, `bad_field`, `bad_code`, `too_long`, `bad_character`, `bad_word`, `no_institution`.
        """
        (answer,) = await self.receive_many([form], by, source)
        if isinstance(answer, Refused):
            raise answer
        return answer

    async def receive_many(self, forms: Sequence[NewTicket], by: Actor, source: Source) -> list[str | Refused]:
        """Take demands in one transaction; return a number or the refusal for each. Refused `forbidden`."""
        require(by, "ticket.create", verb="create")
        snapshot = await self._office.snapshot()
        now = self._office.clock.now()
        many, channels = len(forms) > THREAD_ABOVE, snapshot.settings.strings("ticket.channels")
        drafts = await _in_thread(many, lambda: [self._reader.validate(f, now, channels) for f in forms])
        good = [d for d in drafts if isinstance(d, CheckedTicket)]
        callers = await self._store.find_requesters({d.phone_index for d in good if d.phone_index}, now - REPEAT_WINDOW)
        by_text = await self._store.find_earlier_by_text(
            {d.text_index for d in good if d.text_index}, now - REPEAT_WINDOW
        )
        callers = replace(callers, earlier=(*callers.earlier, *by_text))
        answers = iter(await self._store_drafts(good, by, source, snapshot, now, callers))
        return [d if isinstance(d, Refused) else next(answers) for d in drafts]

    async def check(self, forms: Sequence[NewTicket]) -> list[str | Refused]:
        """Return what `receive_many` would, storing nothing; "" for a number that would be generated."""
        now = self._office.clock.now()
        channels = (await self._office.snapshot()).settings.strings("ticket.channels")
        drafts = await _in_thread(
            len(forms) > THREAD_ABOVE, lambda: [self._reader.validate(f, now, channels) for f in forms]
        )
        known = await self._store.find_taken_numbers(
            [d.new.ticket_no for d in drafts if isinstance(d, CheckedTicket) and d.new.ticket_no]
        )
        return [
            d
            if isinstance(d, Refused)
            else _refuse_taken(d.new.ticket_no)
            if d.new.ticket_no in known
            else d.new.ticket_no or ""
            for d in drafts
        ]

    # -- making tickets

    async def _store_drafts(
        self,
        drafts: Sequence[CheckedTicket],
        by: Actor,
        source: Source,
        snapshot: OfficeSnapshot,
        now: datetime,
        callers: KnownRequesters,
    ) -> list[str | Refused]:
        answers: list[str | Refused] = [_refuse_taken(d.new.ticket_no) for d in drafts]
        remaining = list(range(len(drafts)))
        earlier: dict[tuple[str, str | None], list[str]] = {}
        for e in callers.earlier:
            earlier.setdefault((e.phone_index, e.category), []).append(e.ticket_no)
        for _ in range(SERIAL_TRIES):
            if not remaining:
                break
            await self._ids.refill(4 * len(remaining) + 4_096)
            numbers = await self._assign_numbers([drafts[i] for i in remaining], now)
            tickets = await _in_thread(
                len(remaining) > THREAD_ABOVE,
                lambda: [
                    self._build_ticket(drafts[i], no, by, source, snapshot, now, callers.do_not_call, earlier)
                    for i, no in zip(remaining, numbers, strict=True)  # noqa: B023 - finished before the next iteration
                ],
            )
            news = [m for m in tickets if isinstance(m, TicketRows)]
            kept = iter(await self._store.create(news))
            retries: list[int] = []
            for i, new in zip(remaining, tickets, strict=True):
                if isinstance(new, Refused):
                    answers[i] = new
                elif next(kept):
                    answers[i] = new.ticket.ticket_no
                    self._tickets.publish_created(new)
                elif drafts[i].new.ticket_no is None:  # this number was already used by hand
                    retries.append(i)
            remaining = retries
        return answers

    async def _assign_numbers(self, drafts: Sequence[CheckedTicket], now: datetime) -> list[str]:
        """Return each draft's own number, or a new one of today: JS20261108001."""
        nameless = sum(d.new.ticket_no is None for d in drafts)
        day = now.strftime("%Y%m%d")
        serials = iter(await self._store.reserve_serials(day, nameless)) if nameless else iter(())
        return [d.new.ticket_no or f"{PREFIX}{day}{next(serials):03d}" for d in drafts]

    def _build_ticket(
        self, draft: CheckedTicket, no: str, by: Actor, source: Source, snapshot: OfficeSnapshot, now: datetime,
        not_to_be_rung: frozenset[str], earlier: dict[tuple[str, str | None], list[str]],
    ) -> "TicketRows | Refused":  # fmt: skip
        new, ticket_id = draft.new, self._ids.take()
        try:
            management = snapshot.get_institution(new.region, by.unit)
        except Refused as unknown:
            return unknown
        complete = bool(new.category and new.grade and new.channel and new.text)
        state = State.PENDING_DISPATCH if complete else State.REGISTERED
        grade = new.grade or Grade.GENERAL
        repeats = self._find_repeats(draft, no, earlier)
        flags = {"confidential": new.confidential, "suspected_repeat": bool(repeats)}
        ticket = Ticket(
            id=ticket_id, ticket_no=no, version=1, journal_head="", state=state, grade=grade, channel=new.channel or "",
            management=management, first_receiver=by.unit or management, generated_at=draft.generated_at,
            flags=frozenset(name for name, on in flags.items() if on), has_phone=new.requester_phone is not None,
            do_not_call=new.do_not_call or draft.phone_index in not_to_be_rung, phone_index=draft.phone_index,
            files=tuple((file, 0) for file in dict.fromkeys(new.files)), **new.copied,
        )  # fmt: skip
        rows: tuple[Duty, ...] = ()
        if complete:
            try:
                rows = (self._build_duty(ticket, snapshot),)
            except Refused as no_calendar:
                return no_calendar
        arguments = {"category": new.category, "grade": grade, "repeats": repeats or None, "files": list(new.files) or None,
                 DIGEST: compute_digest(self._encryption.journal, ticket)}  # fmt: skip
        line = build_entry(
            self._encryption.journal, prev_hash="", entry_id=self._ids.take(), ticket_id=ticket_id, version=1,
            assignment_id=None, verb="create", from_state="", to_state=str(state), by=by.code, source=source,
            at=now, recorded_at=now, arguments={k: v for k, v in arguments.items() if v is not None},
        )  # fmt: skip
        return TicketRows(replace(ticket, journal_head=line.hash), line, rows, self._build_columns(new, ticket_id))

    def _find_repeats(
        self, draft: CheckedTicket, no: str, earlier: dict[tuple[str, str | None], list[str]]
    ) -> list[str] | None:
        """Find open tickets of the same requester and category, including those of this batch."""
        caller = draft.phone_index or draft.text_index
        if caller is None or draft.new.category is None:
            return None
        same = earlier.setdefault((caller, draft.new.category), [])
        found = [other for other in same if other != no][-5:]
        same.append(no)
        return found

    def _build_duty(self, ticket: Ticket, snapshot: OfficeSnapshot) -> Duty:
        """The institution's duty to dispatch: 12 h, or 2 h when urgent, from generated_at (B16)."""
        kind, start, unit = Obligation.DISPATCH, ticket.generated_at, ticket.management
        due = snapshot.due(kind, ticket.grade, ticket.category, start, unit)
        look = snapshot.first_check(kind, ticket.grade, start, due, unit)
        return Duty(self._ids.take(), ticket.id, None, unit, kind, ticket.grade, start, due, look)

    def _build_columns(self, new: NewTicket, ticket_id: int) -> dict[str, Any]:
        """Return the columns the domain does not know: personal data sealed to their row, provenance."""
        columns: dict[str, Any] = {"submitted_at": new.submitted_at, "extra": dict(new.extra)}
        if new.requester_name:
            columns["name_sealed"] = self._encryption.seal("tickets", ticket_id, "name", new.requester_name)
        if phone := new.requester_phone:
            columns["phone_sealed"] = self._encryption.seal("tickets", ticket_id, "phone", phone)
            columns["phone_tail"] = phone.partition(";")[0][-4:]
        return columns


def _refuse_taken(ticket_no: str | None) -> Refused:
    return Refused("exists", ticket_no=ticket_no)


async def _in_thread(many: bool, work: Callable[[], Result]) -> Result:
    """Run large work in a thread so that the event loop is not blocked (FS14)."""
    return await asyncio.to_thread(work) if many else work()
