"""Contests of sheet lines and exclusions of tickets from an item (申诉, 剔除), each decided by two people (B3, Q38)."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from zoneinfo import ZoneInfo

from backend.domain.acts import Actor
from backend.domain.permissions import require
from backend.domain.refusals import Refused
from backend.domain.scoring.measures import Measure
from backend.domain.scoring.scheme_file import load_scheme
from backend.office.cache import OfficeCache
from backend.ports.ids import IdSupply
from backend.ports.scoring import Contest, Exclusion, Run, ScoringStore
from backend.scoring.contest_shapes import (
    CONTEST_STATES,
    UNDECIDED,
    ContestItem,
    ExclusionItem,
    OfferedContest,
    OfferedExclusion,
    Proposal,
)
from backend.scoring.dependencies import ScoringDependencies
from backend.scoring.entries import parse_strings, resolve_scheme, resolve_unit
from backend.scoring.ledgers import require_clerk, require_known_tickets
from backend.scoring.periods import format_instant, parse_month
from backend.scoring.second_person import may_decide, require_second_person

MAX_CHARS = 4_000  # characters of a contest or a reason


class Contests:
    """Submits, decides and lists contests and exclusions."""

    def __init__(
        self, store: ScoringStore, office: OfficeCache, ids: IdSupply, dependencies: ScoringDependencies
    ) -> None:
        self._store, self._office, self._ids, self._dependencies = store, office, ids, dependencies

    async def submit(self, run: Run, fields: Mapping[str, Any], actor: Actor) -> ContestItem:
        """Submit a contest (异议) by a unit, or by a clerk for it: `{words, item?, unit?, files?, tickets?}`.

        Refused `forbidden`, `unknown_unit`, `unknown_item`, `text_missing`, `too_long`, `unknown_file`, `unknown_ticket`,
        `too_late`.
        """
        await self.check(run, actor)
        if actor.is_unit_member and fields.get("unit") not in (None, "", actor.unit):
            raise Refused("forbidden")  # never silently taken for the actor's own unit
        unit = actor.unit if actor.is_unit_member else fields.get("unit")
        sheet = next((s for s in run.sheet["result"]["units"] if s["unit"] == unit), None)
        if sheet is None:
            raise Refused("unknown_unit", unit=str(unit)[:60])
        text, item = _require_text(fields, "words"), fields.get("item") or None
        if item is not None and item not in {line["item"] for line in sheet["lines"]}:
            raise Refused("unknown_item", path="item", item=str(item)[:40],
                          known=", ".join(line["item"] for line in sheet["lines"]))  # fmt: skip
        files, tickets = parse_strings(fields, "files"), parse_strings(fields, "tickets")
        await require_known_tickets(self._store, tickets)
        if files and not await self._dependencies.files.are_usable(files, actor):
            raise Refused("unknown_file", field="files")
        now = self._office.clock.now()
        await self._ids.refill(1)
        contest = Contest(self._ids.take(), run.id, str(unit), item, text, actor.code, now, run.period, files, tickets)
        await self._store.add_contest(contest)
        await self._dependencies.note(now, actor.code, "score_contested", run.id, unit=unit, item=item)
        return serialize_contest(contest, self._office.clock.zone)

    async def check(self, run: Run, actor: Actor) -> None:
        """Refuse what is refused whatever the reason may be, so that it is asked for only then (XM21).

        Refused `forbidden`, `too_late`.
        """
        require(actor, "contest.submit")
        if run.locked_at is not None:
            snapshot = await self._office.snapshot()
            until = snapshot.add_limit(snapshot.settings.text("appeal_window"), run.locked_at, None)
            if self._office.clock.now() > until:
                raise Refused("too_late", until=until.isoformat())

    async def list_contests(
        self, actor: Actor, *, period: str | None = None, unit: str | None = None, state: str | None = None
    ) -> list[OfferedContest]:
        """List contests, newest first; a unit sees its own. Refused `bad_field`, `forbidden`."""
        if state is not None and state not in CONTEST_STATES:
            raise Refused("bad_field", field="state")
        if actor.is_unit_member:
            if unit not in (None, actor.unit):
                raise Refused("forbidden", verb="scores")
            unit = actor.unit or ""
        states = () if state is None else (state,)
        return [
            {
                **serialize_contest(a, self._office.clock.zone),
                "may_decide": may_decide(a.state in UNDECIDED, a.proposed_by, actor),
            }
            for a in await self._store.list_contests(period, unit, states, 200)
        ]

    async def propose(self, contest_id: int, fields: Mapping[str, object], actor: Actor) -> ContestItem:
        """Propose a decision `{accept, reason, exclude?}`, to be confirmed by another clerk.

        Accepting a contest of a rate excludes the tickets it names, unless `exclude` names others.
        Refused `forbidden`, `unknown_appeal`, `text_missing`, `too_long`, `bad_field`, `not_excludable`,
        `nothing_pending`, `unknown_ticket`.
        """
        require_clerk(actor)
        contest = await self._get(contest_id)
        reason, accept = _require_text(fields, "reason"), bool(fields.get("accept"))
        wanted = parse_strings(fields, "exclude") if fields.get("exclude") is not None else contest.tickets
        await require_known_tickets(self._store, wanted, "exclude")
        tickets = wanted if accept and await self._is_excludable(contest) else ()
        if accept and fields.get("exclude") and not tickets:
            raise Refused("not_excludable", item=contest.item or "")
        now = self._office.clock.now()
        proposal = {"accept": accept, "reason": reason, "exclude": list(tickets)}
        if not await self._store.propose_decision(contest_id, proposal, actor.code, now):
            raise Refused("nothing_pending", kind="appeal")
        await self._dependencies.note(now, actor.code, "contest_proposed", contest_id, **proposal)
        return serialize_contest(await self._get(contest_id), self._office.clock.zone)

    async def confirm(self, contest_id: int, agree: bool, actor: Actor) -> ContestItem:
        """Confirm or reject the proposal as the second clerk; if rejected, the contest is open again.

        Refused `forbidden`, `unknown_appeal`, `nothing_pending`, `same_person`.
        """
        require_clerk(actor)
        contest = await self._get(contest_id)
        if contest.state != "proposed" or contest.proposal is None:
            raise Refused("nothing_pending", kind="appeal")
        require_second_person(contest.proposed_by, actor)
        now, accepted = self._office.clock.now(), bool(contest.proposal["accept"])
        state = ("accepted" if accepted else "refused") if agree else "open"
        tickets: Sequence[str] = contest.proposal["exclude"] if agree and accepted else ()
        await self._ids.refill(len(tickets) + 1)
        exclusions = [
            Exclusion(
                self._ids.take(), contest.period, contest.unit, str(contest.item), ticket, str(contest.proposal["reason"]),
                str(contest.proposed_by), now, "accepted", actor.code, now, contest.id,
            )
            for ticket in tickets
        ]  # fmt: skip
        if not await self._store.settle_contest(contest_id, state, actor.code, now, exclusions):
            raise Refused("nothing_pending", kind="appeal")
        await self._dependencies.note(
            now, actor.code, "contest_decided", contest_id, state=state, exclude=list(tickets)
        )
        return serialize_contest(await self._get(contest_id), self._office.clock.zone)

    # -- 剔除

    async def exclude(self, fields: Mapping[str, object], actor: Actor) -> list[ExclusionItem]:
        """Enter exclusions of tickets from an item: `{month, unit, item, tickets, reason}`, reviewed by another clerk.

        Refused `forbidden`, `bad_month`, `unknown_unit`, `unknown_item`, `text_missing`, `too_long`, `bad_field`,
        `unknown_ticket`, `exclusion_locked` (of a locked month only a contest takes tickets out, for its revision).
        """
        require_clerk(actor)
        month, snapshot = parse_month(str(fields.get("month", ""))).name, await self._office.snapshot()
        unit = resolve_unit(str(fields.get("unit", "")), snapshot)
        name = resolve_scheme(unit, snapshot)
        item, reason = _check_rate_item(name, str(fields.get("item", ""))), _require_text(fields, "reason")
        tickets = parse_strings(fields, "tickets")
        if not tickets:
            raise Refused("text_missing", field="tickets")
        await require_known_tickets(self._store, tickets)
        await self._refuse_locked(month, name)
        now = self._office.clock.now()
        await self._ids.refill(len(tickets) + 1)
        made = [
            Exclusion(self._ids.take(), month, unit.code, item, ticket, reason, actor.code, now, "entered")
            for ticket in dict.fromkeys(tickets)
        ]
        await self._store.add_exclusions(made)
        await self._dependencies.note(
            now, actor.code, "exclusion_entered", month, unit=unit.code, item=item, tickets=list(tickets)
        )
        return [serialize_exclusion(one, self._office.clock.zone) for one in made]

    async def decide_exclusion(self, exclusion_id: int, accept: bool, actor: Actor) -> ExclusionItem:
        """Decide as second clerk.

        Refused `forbidden`, `unknown_entry`, `same_person`, `nothing_pending`; to accept one of a month locked
        meanwhile, `exclusion_locked`.
        """
        require_clerk(actor)
        one = await self._store.get_exclusion(exclusion_id)
        if one is None:
            raise Refused("unknown_entry", id=exclusion_id)
        require_second_person(one.by, actor)
        unit = (snapshot := await self._office.snapshot()).config.units.get(one.unit)
        if accept and one.state == "entered" and unit is not None:
            await self._refuse_locked(one.month, resolve_scheme(unit, snapshot))
        now, state = self._office.clock.now(), "accepted" if accept else "refused"
        if not await self._store.decide_exclusion(exclusion_id, state, actor.code, now):
            raise Refused("nothing_pending", kind="exclusion")
        await self._dependencies.note(now, actor.code, "exclusion_decided", exclusion_id, state=state)
        decided = await self._store.get_exclusion(exclusion_id)
        assert decided is not None
        return serialize_exclusion(decided, self._office.clock.zone)

    async def list_exclusions(self, month: str, unit: str | None, actor: Actor) -> list[OfferedExclusion]:
        """List the exclusions of a month; a unit sees its own. Refused `bad_month`, `forbidden`."""
        if actor.is_unit_member:
            if unit not in (None, actor.unit):
                raise Refused("forbidden", verb="scores")
            unit = actor.unit or ""
        return [
            {
                **serialize_exclusion(one, self._office.clock.zone),
                "may_decide": may_decide(one.state == "entered", one.by, actor),
            }
            for one in await self._store.list_exclusions(parse_month(month).name, unit)
        ]

    async def _refuse_locked(self, month: str, scheme: str) -> None:
        if await self._store.is_locked(month, [scheme]):
            raise Refused("exclusion_locked", month=month, field="month")

    async def _is_excludable(self, contest: Contest) -> bool:
        """Whether the contest is about a rate of a month's sheet, from which tickets can be excluded."""
        unit = (snapshot := await self._office.snapshot()).config.units.get(contest.unit)
        if unit is None or contest.item is None or len(contest.period) != len("2026-10"):
            return False
        rate = load_scheme(resolve_scheme(unit, snapshot)).find_rate(contest.item)
        return rate is not None and rate.measure is not Measure.CONNECT

    async def _get(self, contest_id: int) -> Contest:
        contest = await self._store.get_contest(contest_id)
        if contest is None:
            raise Refused("unknown_appeal", id=contest_id)
        return contest


def _require_text(fields: Mapping[str, object], field: str) -> str:
    """Return a required text; `reason` is accepted for any field. Refused `text_missing`, `too_long`."""
    text = fields.get(field) or fields.get("reason")
    if not isinstance(text, str) or not text.strip():
        raise Refused("text_missing", field=field)
    if len(text) > MAX_CHARS:
        raise Refused("too_long", field=field)
    return text.strip()


def _check_rate_item(scheme: str, item: str) -> str:
    rates = [r.item for r in load_scheme(scheme).rates if r.measure is not Measure.CONNECT]
    if item not in rates:
        raise Refused("unknown_item", path="item", item=item[:40], known=", ".join(rates))
    return item


def serialize_contest(a: Contest, zone: ZoneInfo) -> ContestItem:
    """Serialize a contest."""
    proposal = None if a.proposal is None else cast(Proposal, {**a.proposal})
    return {
        "id": a.id, "run": a.run_id, "period": a.period, "unit": a.unit, "item": a.item, "words": a.reason, "by": a.by,
        "at": format_instant(a.at, zone), "files": list(a.files), "tickets": list(a.tickets), "state": a.state,
        "proposal": proposal, "proposed_by": a.proposed_by,
        "decided_by": a.decided_by, "decided_at": format_instant(a.decided_at, zone),
    }  # fmt: skip


def serialize_exclusion(e: Exclusion, zone: ZoneInfo) -> ExclusionItem:
    """Serialize an exclusion."""
    return {
        "id": e.id, "month": e.month, "unit": e.unit, "item": e.item, "ticket": e.ticket, "reason": e.reason,
        "by": e.by, "at": format_instant(e.at, zone), "state": e.state, "decided_by": e.decided_by,
        "decided_at": format_instant(e.decided_at, zone), "appeal": e.contest_id,
    }  # fmt: skip
