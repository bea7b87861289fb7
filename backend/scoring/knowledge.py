"""The knowledge base (知识库): units write or update records, the institution reviews and counts them (B28, B54)."""

from collections.abc import Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from typing_extensions import TypedDict

from backend.domain.acts import Actor
from backend.domain.json_shapes import Instant, one_of
from backend.domain.permissions import require
from backend.domain.refusals import Refused
from backend.office.cache import OfficeCache
from backend.ports.ids import IdSupply
from backend.ports.ledgers import KnowledgeEntry
from backend.ports.scoring import ScoringStore
from backend.scoring.dependencies import ScoringDependencies
from backend.scoring.entries import resolve_unit
from backend.scoring.periods import format_instant
from backend.scoring.second_person import may_decide, require_second_person

STATES = ("entered", "accepted", "refused")
MAX_TITLE_CHARS, MAX_BODY_CHARS = 200, 20_000  # characters
PAGE_SIZE = 50


class Knowledge(TypedDict):
    """A record of the knowledge base."""

    id: int
    unit: str
    title: str
    body: str
    change: Annotated[str, one_of(("new", "updated"))]
    replaces: int | None
    by: str
    at: Instant
    state: Annotated[str, one_of(STATES)]
    reviewed_by: str | None
    reviewed_at: Instant | None
    opinion: str | None


class OfferedKnowledge(Knowledge):
    """A record, and whether its decision is offered to the reader."""

    may_decide: bool


class KnowledgeBase:
    """Writes, reviews and lists records."""

    def __init__(
        self, store: ScoringStore, office: OfficeCache, ids: IdSupply, dependencies: ScoringDependencies
    ) -> None:
        self._store, self._office, self._ids, self._dependencies = store, office, ids, dependencies

    async def write(self, fields: Mapping[str, Any], actor: Actor) -> Knowledge:
        """Write a record `{title, body, unit?, replaces?}`; with `replaces` it is an update.

        Refused `forbidden`, `missing`, `too_long`, `unknown_unit`, `not_found`.
        """
        require(actor, "knowledge.write", verb="knowledge")
        unit = resolve_unit(str(fields.get("unit") or actor.unit or ""), await self._office.snapshot()).code
        if not actor.may_see(unit):
            raise Refused("forbidden", verb="knowledge")
        title, body = (str(fields.get(name) or "").strip() for name in ("title", "body"))
        for name, text, most in (("title", title, MAX_TITLE_CHARS), ("body", body, MAX_BODY_CHARS)):
            if not text:
                raise Refused("missing", field=name)
            if len(text) > most:
                raise Refused("too_long", field=name)
        replaces = fields.get("replaces")
        if replaces is not None:
            old = await self._store.get_knowledge(int(replaces))
            if old is None or old.unit != unit:
                raise Refused("not_found", knowledge=replaces)
        now = self._office.clock.now()
        await self._ids.refill(1)
        made = KnowledgeEntry(
            self._ids.take(), unit, title, body, "new" if replaces is None else "updated", replaces, actor.code, now,
            "entered",
        )  # fmt: skip
        await self._store.add_knowledge(made)
        return serialize_knowledge(made, self._office.clock.zone)

    async def review(self, entry_id: int, accept: bool, opinion: str, actor: Actor) -> Knowledge:
        """Accept or refuse a record. Refused `forbidden`, `not_found`, `same_person`, `nothing_pending`."""
        require(actor, "knowledge.review", verb="knowledge")
        entry = await self._store.get_knowledge(entry_id)
        if entry is None:
            raise Refused("not_found", knowledge=entry_id)
        require_second_person(entry.by, actor)
        now, state = self._office.clock.now(), "accepted" if accept else "refused"
        if not await self._store.review_knowledge(entry_id, state, actor.code, actor.unit or "", now, opinion[:2_000]):
            raise Refused("nothing_pending", kind="knowledge")
        await self._dependencies.note(now, actor.code, "knowledge_reviewed", entry_id, state=state)
        reviewed = await self._store.get_knowledge(entry_id)
        assert reviewed is not None
        return serialize_knowledge(reviewed, self._office.clock.zone)

    async def list_entries(
        self, actor: Actor, *, unit: str | None = None, state: str | None = None, search: str = "",
        before: int | None = None, limit: int = PAGE_SIZE,
    ) -> tuple[list[OfferedKnowledge], int | None]:  # fmt: skip
        """Return a page of records, newest first, and the cursor of the next page or None.

        Everyone reads accepted records; others only their unit and the institution. Refused `bad_field`.
        """
        if state is not None and state not in STATES:
            raise Refused("bad_field", field="state")
        if not actor.may_see(unit):
            state = "accepted"
        found = await self._store.list_knowledge(unit, state, search.strip(), before, limit + 1)
        zone = self._office.clock.zone
        shown: list[OfferedKnowledge] = [
            {**serialize_knowledge(one, zone), "may_decide": may_decide(one.state == "entered", one.by, actor)}
            for one in found[:limit]
        ]
        return shown, shown[-1]["id"] if len(found) > limit else None


def serialize_knowledge(k: KnowledgeEntry, zone: ZoneInfo) -> Knowledge:
    """Serialize a record."""
    return {
        "id": k.id, "unit": k.unit, "title": k.title, "body": k.body, "change": k.change, "replaces": k.replaces,
        "by": k.by, "at": format_instant(k.at, zone), "state": k.state, "reviewed_by": k.reviewed_by,
        "reviewed_at": format_instant(k.reviewed_at, zone), "opinion": k.opinion,
    }  # fmt: skip
