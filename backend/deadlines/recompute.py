"""List a ticket's time limits and recompute them when rules change (preview, then apply)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import structlog

from backend.domain.acts import SYSTEM, Act, Actor
from backend.domain.calendar import Calendar
from backend.domain.recompute import DueChange, DueRules, RuleChange, recompute_due
from backend.domain.records import Duty
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Source
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.office.settings import refuse_settings, set_setting
from backend.ports.deadlines import DueStore
from backend.ports.integrity import AuditStore
from backend.tickets.service import TicketService

log = structlog.get_logger("duties")


@dataclass(frozen=True, slots=True)
class RecomputeResult:
    """The result: the duties recomputed, and how many were skipped because their tickets had moved on."""

    shifted: Sequence[DueChange]
    skipped: int


class DutyRecompute:
    """Previews and applies changes of time limits. Refused `unknown_setting`, `bad_setting`, `unknown_unit` …"""

    def __init__(self, store: DueStore, tickets: TicketService, office: OfficeCache, audit: AuditStore) -> None:
        self._store = store
        self._tickets = tickets
        self._office = office
        self._audit = audit

    async def list_duties(self, ticket_id: int) -> Sequence[Duty]:
        """List all duties of a ticket, met and open, in the order they began."""
        return await self._store.list_by_ticket(ticket_id)

    async def preview(self, change: RuleChange) -> list[DueChange]:
        """List open duties whose due time would change, earliest due first; write nothing."""
        snapshot = await self._office.snapshot(fresh=True)
        old, new = DueRules(snapshot.settings, snapshot.calendar), apply_change(snapshot, change)
        now, found = self._office.clock.now(), []
        async for no, category, duty in self._store.iterate_open(now):
            due = recompute_due(duty, category, old, new, now)
            if due is not None:
                found.append(DueChange(no, duty, due))
        return sorted(found, key=lambda s: (s.duty.due_at, s.ticket_no, s.duty.id))

    async def apply(self, change: RuleChange, by: Actor) -> RecomputeResult:
        """Recompute the duties ticket by ticket, then change the rules, then recompute what began in between.

        Repeated after a crash it does what is left: a recomputed duty no longer follows the old rule.
        """
        shifted, missed = await self._recompute(await self.preview(change), by)
        before = await self._office.snapshot(fresh=True)
        old = DueRules(before.settings, before.calendar)
        now = self._office.clock.now()
        if change.settings:
            (key, value), *others = change.settings.items()
            await set_setting(self._office, self._audit, key, None, value, by.code, together=dict(others))
        if change.days:
            await self._office.store.set_days(change.days, "", by.code, now)
            days = {day.isoformat(): worked for day, worked in change.days.items()}
            await self._audit.record(now, by.code, "calendar", None, days=days)
        self._office.invalidate()
        after = await self._office.snapshot(fresh=True)
        new, late = DueRules(after.settings, after.calendar), []
        async for no, category, duty in self._store.iterate_open(now):
            due = recompute_due(duty, category, old, new, now)
            if due is not None:
                late.append(DueChange(no, duty, due))
        more, also_missed = await self._recompute(late, by)
        done = [*shifted, *more]
        await self._audit.record(now, by.code, "recomputed", None, duties=len(done), settings=dict(change.settings),
                               days=[d.isoformat() for d in change.days])  # fmt: skip
        return RecomputeResult(done, missed + also_missed)

    async def _recompute(self, shifted: Sequence[DueChange], by: Actor) -> tuple[list[DueChange], int]:
        by_ticket: dict[str, list[DueChange]] = {}
        for one in shifted:
            by_ticket.setdefault(one.ticket_no, []).append(one)
        done: list[DueChange] = []
        for no, its in by_ticket.items():
            arguments = {"dues": {s.duty.id: s.new_due_at for s in its}, "ordered_by": by.code}
            try:
                await self._tickets.act(Act("recompute", SYSTEM, Source.CLOCK, ticket_no=no, arguments=arguments))
            except Refused as refused:
                log.info("not_recomputed", ticket=no, code=refused.code)
                continue
            done += its
        return done, len(shifted) - len(done)


def apply_change(snapshot: OfficeSnapshot, change: RuleChange) -> DueRules:
    """Return the rules with the change applied. Refused as a bad setting is, and `unknown_unit`."""
    for key in change.settings:
        unit = key.partition("@")[2]
        if unit and unit not in snapshot.config.units:
            raise Refused("unknown_unit", unit=unit)
    days: Mapping[date, bool] = {**snapshot.config.calendar, **change.days}
    changed = snapshot.settings.with_changes(dict(change.settings))
    refuse_settings(change.settings, changed)  # as they will be when it is made
    return DueRules(changed, Calendar.load_default(days))


def parse_days(day_texts: Mapping[str, bool]) -> dict[date, bool]:
    """Parse days such as `2026-10-10`. Refused `bad_field`."""
    try:
        return {date.fromisoformat(day): worked for day, worked in day_texts.items()}
    except ValueError:
        raise Refused("bad_field", field="days") from None
