"""Registers behind manual items: contacts, posts, rules, rosters, meetings, work rules (A4, B8, B18-B20, B45, B47)."""

from collections.abc import Mapping
from typing import Annotated, cast
from zoneinfo import ZoneInfo

from typing_extensions import TypedDict

from backend.domain.acts import Actor
from backend.domain.json_shapes import Day, Instant, one_of
from backend.domain.permissions import may
from backend.domain.refusals import Refused
from backend.office.cache import OfficeCache
from backend.ports.ids import IdSupply
from backend.ports.ledgers import RegisterEntry
from backend.ports.scoring import ScoringStore
from backend.scoring.dependencies import ScoringDependencies
from backend.scoring.entries import parse_day, parse_strings, parse_text, resolve_unit
from backend.scoring.ledgers import require_clerk
from backend.scoring.periods import format_instant

#: kind → the facts of a row besides unit, name, date and files; a non-empty tuple lists the allowed values
KINDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "contact": {"role": ("leader", "liaison")},  # 分管领导、联络员: name, since when; reported when entered (B45)
    "lead_unit": {},  # 负责单位: the one unit of a 部门 or 地区 in charge of the work, since when (B44)
    "post": {"holder": ()},  # 岗位 (B18)
    "rule": {},  # 制度 (B20)
    "roster": {"judgement": ("ok", "unreasonable")},  # 月度值班计划, dated within its month (B19)
    "occasion": {"what": ("meeting", "material"), "came": ("yes", "excused", "no"), "excuse": ()},  # B47
    "work_rule": {"version": (), "text": ()},  # 工作规则: read by all (A4)
}
READ_BY_ALL = frozenset({"work_rule"})
REPORTED = frozenset({"contact", "lead_unit"})  # a unit reports these itself


class RegisterFacts(TypedDict, total=False):
    """What an entry of one kind alone has: see `KINDS`."""

    role: str
    holder: str
    judgement: str
    what: str
    came: str
    excuse: str
    version: str
    text: str


class RegisterItem(RegisterFacts):
    """An entry of a register."""

    id: int
    kind: Annotated[str, one_of(KINDS)]
    unit: str
    name: str
    on_date: Day
    files: list[str]
    by: str
    at: Instant
    ended_at: Instant | None


class Registers:
    """Adds, ends and lists register entries; backend/scoring/drafts.py drafts ledger lines from them."""

    def __init__(
        self, store: ScoringStore, office: OfficeCache, ids: IdSupply, dependencies: ScoringDependencies
    ) -> None:
        self._store, self._office, self._ids, self._dependencies = store, office, ids, dependencies

    async def add(self, kind: str, row: Mapping[str, object], actor: Actor) -> RegisterItem:
        """Add a row `{unit, name, on_date, files?, …facts}`.

        Refused `unknown_register`, `forbidden`, `unknown_unit`, `bad_field`, `missing`, `unknown_field`,
        `unknown_file`.
        """
        wanted = _check_kind(kind)
        unit = resolve_unit(parse_text(row, "unit", actor.unit or ""), await self._office.snapshot())
        if not (kind in REPORTED and may(actor, "register.report") and actor.unit == unit.code):
            require_clerk(actor)
        for name in row:
            if name not in wanted and name not in ("unit", "name", "on_date", "files"):
                raise Refused("unknown_field", field=name[:40])
        facts = {
            name: _parse_fact(row, name, allowed) for name, allowed in wanted.items() if row.get(name) not in (None, "")
        }
        for name, allowed in wanted.items():
            if allowed and name not in facts:
                raise Refused("missing", field=name)
        title, files = parse_text(row, "name").strip(), parse_strings(row, "files")
        if not title:
            raise Refused("missing", field="name")
        if files and not await self._dependencies.files.are_usable(files, actor):
            raise Refused("unknown_file", field="files")
        now = self._office.clock.now()
        day = parse_day(row.get("on_date")) or now.date().isoformat()
        await self._ids.refill(1)
        made = RegisterEntry(self._ids.take(), kind, unit.code, title, day, facts, files, actor.code, now)
        await self._store.add_register_entry(made)
        await self._dependencies.note(now, actor.code, "register_kept", made.id, kind=kind, unit=unit.code, name=title)
        return serialize_register_entry(made, self._office.clock.zone)

    async def list_entries(self, kind: str, actor: Actor, unit: str | None = None) -> list[RegisterItem]:
        """List the rows of a register, newest first; a unit sees its own. Refused `unknown_register`, `forbidden`."""
        _check_kind(kind)
        if actor.is_unit_member and kind not in READ_BY_ALL:
            if unit not in (None, actor.unit):
                raise Refused("forbidden", verb="register")
            unit = actor.unit or ""
        return [
            serialize_register_entry(one, self._office.clock.zone)
            for one in await self._store.list_register_entries(kind, unit)
        ]

    async def end(self, kind: str, entry_id: int, actor: Actor) -> None:
        """End a row (post vacant, rule repealed). Refused `forbidden`, `unknown_register`, `not_found`."""
        require_clerk(actor)
        _check_kind(kind)
        now = self._office.clock.now()
        if not await self._store.end_register_entry(entry_id, kind, actor.code, now):
            raise Refused("not_found", entry=entry_id)
        await self._dependencies.note(now, actor.code, "register_ended", entry_id, kind=kind)


def _check_kind(kind: str) -> Mapping[str, tuple[str, ...]]:
    if kind not in KINDS:
        raise Refused("unknown_register", kind=kind[:40], known=", ".join(KINDS))
    return KINDS[kind]


def _parse_fact(row: Mapping[str, object], name: str, allowed: tuple[str, ...]) -> str:
    value = row[name]
    if not isinstance(value, str) or len(value) > 20_000 or (allowed and value not in allowed):
        raise Refused("bad_field", field=name)
    return value


def serialize_register_entry(h: RegisterEntry, zone: ZoneInfo) -> RegisterItem:
    """Serialize a row."""
    facts = cast(RegisterFacts, {**h.facts})
    return {
        "id": h.id, "kind": h.kind, "unit": h.unit, "name": h.name, "on_date": h.on_date, **facts,
        "files": list(h.files), "by": h.by, "at": format_instant(h.at, zone),
        "ended_at": format_instant(h.ended_at, zone),
    }  # fmt: skip
