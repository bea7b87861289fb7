"""Draft ledger lines from what tickets went through, with the tickets as evidence (B21, B22, B24, B27, B30, B44-B50, B55)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from backend.domain.records import Unit
from backend.domain.ticket_enums import Role, UnitKind
from backend.office.cache import OfficeSnapshot
from backend.ports.scoring import Clue, ClueSpan, LedgerCandidate, ScoringStore
from backend.scoring.draft_writer import NOTHING, DraftWriter

#: what is looked for → the kind of line that is drafted, one for each ticket
ONE_EACH: Mapping[Clue, str] = MappingProxyType(
    {
        Clue.PRAISE: "praise",
        Clue.SUPERVISION: "supervision_failed",
        Clue.CONTRADICTED: "fabrication",
        Clue.RECOGNISED: "valid_complaint",
        Clue.UNANSWERED: "no_reply_repeat",
        Clue.ENDURING: "exposure",
        Clue.ESCALATED: "escalation",
    }
)
NAMED_ROLES = (Role.LEADER, Role.LIAISON)  # 分管领导、联络员 (B45)
MAX_EVIDENCE = 10  # tickets shown of a unit that lacks somebody


class TicketDrafts:
    """Drafts the lines that the life of tickets gives reason for; a person accepts or refuses each."""

    def __init__(self, store: ScoringStore, writer: DraftWriter) -> None:
        self._store, self._writer = store, writer

    async def draft(self, month: str, start: datetime, end: datetime, now: datetime, snapshot: OfficeSnapshot) -> int:
        """Draft from the tickets of one month; return how many drafts are new or changed."""
        rules = snapshot.settings
        span = ClueSpan(start, end, now, rules.integer("scoring.long_complaint_days"))
        praise, found = rules.strings("scoring.praise_words"), 0
        for clue, kind in ONE_EACH.items():
            clues = await self._store.find_clues(clue, span)
            if clue is Clue.PRAISE:
                clues = [one for one in clues if not one.text or any(word in one.text for word in praise)]
            known = await self._writer.load_known(kind, month) if clues else NOTHING
            for source, (first, tickets) in _group(clue, kind, clues).items():
                found += await self._writer.write(
                    kind, first.unit, month, source, tickets=tickets, text=_name_text(clue, kind, first),
                    known=known, days=str(span.enduring),
                )  # fmt: skip
        coordinated: dict[str, list[str]] = {}
        for one in await self._store.find_clues(Clue.COORDINATED, span):
            coordinated.setdefault(one.unit, []).append(one.ticket)
        for unit, tickets in coordinated.items():
            found += await self._writer.write_list("coordinated", unit, month, tickets)
        return found

    async def draft_unnamed(self, month: str, start: datetime, end: datetime, snapshot: OfficeSnapshot) -> int:
        """Draft, for units with tickets in hand, a leader or liaison (B45) or a unit in charge (B44) not named.

        Only for the present month: who was named earlier is not kept. A register entry names them as well.
        """
        active = [u for u in snapshot.config.units.values() if u.kind is UnitKind.HANDLING and u.active]
        lacking = {u.code: [r for r in NAMED_ROLES if not snapshot.people(u.code, r)] for u in active}
        registered = bool(await self._store.list_register_entries("lead_unit", limit=1))
        heads = [
            u for u in active if _is_head(u, snapshot) and (registered or not snapshot.people(u.code, Role.HANDLER))
        ]
        wanted = {code for code, roles in lacking.items() if roles}
        wanted |= {code for head in heads for code in (head.code, *snapshot.list_below(head.code))}
        in_hand: dict[str, list[str]] = {}
        for code, ticket in await self._store.list_in_hand(wanted, start, end, MAX_EVIDENCE):
            in_hand.setdefault(code, []).append(ticket)
        found = 0
        for code, roles in lacking.items():
            if roles and code in in_hand:
                found += await self._draft_roles(month, code, roles, in_hand[code])
        for head in heads:
            tickets = [no for code in (head.code, *snapshot.list_below(head.code)) for no in in_hand.get(code, ())]
            if tickets and not await self._list_in_force("lead_unit", head.code):
                found += await self._writer.write(
                    "lead_unit_missing", head.code, month, f"lead_unit:{head.code}:{month}",
                    tickets=tickets[:MAX_EVIDENCE],
                )  # fmt: skip
        return found

    async def _draft_roles(self, month: str, unit: str, roles: Sequence[Role], tickets: Sequence[str]) -> int:
        named = await self._list_in_force("contact", unit)
        missing = [role for role in roles if role not in named]
        if not missing:
            return 0
        names = self._writer.join([self._writer.render(f"word.role.{role}") for role in missing])
        return await self._writer.write(
            "contact_unreported", unit, month, f"unnamed:{unit}:{month}", count=len(missing), tickets=tickets,
            text="unnamed", names=names,
        )  # fmt: skip

    async def _list_in_force(self, kind: str, unit: str) -> list[object]:
        """List the roles (or, of another register, the names) of a unit's entries in force."""
        rows = await self._store.list_register_entries(kind, unit)
        return [row.facts.get("role", row.name) for row in rows if row.ended_at is None]


def _is_head(unit: Unit, snapshot: OfficeSnapshot) -> bool:
    """Whether it answers for a whole 部门 or 地区: a unit below another handling unit has its unit in charge there."""
    above = snapshot.config.units.get(unit.parent or "")
    return above is None or above.kind is not UnitKind.HANDLING


def _group(clue: Clue, kind: str, clues: Sequence[LedgerCandidate]) -> dict[str, tuple[LedgerCandidate, list[str]]]:
    """Return source → the first clue and all its tickets. A demand that came again belongs to its oldest complaint."""
    found: dict[str, tuple[LedgerCandidate, list[str]]] = {}
    taken: set[str] = set()
    for one in clues:
        if clue is Clue.ENDURING and one.other in taken:
            continue
        taken |= {one.other} - {""}
        _, tickets = found.setdefault(_name_source(clue, kind, one), (one, [one.ticket]))
        if one.other and one.other not in tickets:
            tickets.append(one.other)
    return found


def _name_source(clue: Clue, kind: str, one: LedgerCandidate) -> str:
    if clue is Clue.PRAISE:
        return f"praise:{one.ticket}"
    return f"supervise:{one.number}" if clue is Clue.SUPERVISION else f"{kind}:{one.unit}:{one.ticket}"


def _name_text(clue: Clue, kind: str, one: LedgerCandidate) -> str:
    if clue is Clue.PRAISE:
        return kind
    return f"supervision_{one.why}" if clue is Clue.SUPERVISION else f"{kind}_{one.why}"
