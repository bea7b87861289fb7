"""Runs: a trial is stored with all it was reckoned from, checked, locked under a hash, and only revised after (B3, Q15)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.marks.assembly import assemble, seal
from backend.marks.ledgers import IdSupply, clerk
from backend.marks.spans import settles, span
from backend.office import Office
from backend.ports.marks import Appeal, MarksStore, Run

Gather = Callable[[str, str | None], Awaitable[dict[str, Any]]]
LONGEST = 4_000  # signs of an appeal


class Runs:
    """The book of runs. `gather` collects a period's inputs as of now."""

    def __init__(self, store: MarksStore, office: Office, ids: IdSupply, gather: Gather) -> None:
        self._store, self._office, self._ids, self._gather = store, office, ids, gather

    async def start(self, period: str, scheme: str | None, actor: Actor) -> dict[str, Any]:
        """A stored trial run; after a lock it is a revision of what is locked.

        Refused `forbidden`, `bad_period`, `unknown_scheme`.
        """
        clerk(actor)
        inputs = await self._gather(span(period).name, scheme)
        sheet = {"inputs": inputs, "result": assemble(inputs)}
        earlier = await self._store.locked(period, scheme or "")
        await self._ids.refill(1)
        run = Run(
            self._ids.take(), period, scheme or "", "trial", actor.code, self._office.clock.now(), sheet, seal(sheet),
            revision_of=None if earlier is None else earlier.id,
        )  # fmt: skip
        await self._store.keep_run(run)
        return await self._shown(run)

    async def lock(self, run_id: int, actor: Actor) -> dict[str, Any]:
        """定稿. Refused `forbidden`, `unknown_run`, `locked`, `not_settled` when it was run before the settlement day.

        A run started before another one of the same period was locked is out of date: `locked`.
        """
        clerk(actor)
        run = await self.get(run_id)
        standing = await self._office.standing()
        settings, zone = standing.settings, self._office.clock.zone
        day = settles(span(run.period).months, settings.text("settlement_day"), standing.calendar, zone)
        if run.at < day:
            raise Refused("not_settled", date=day.date().isoformat(), period=run.period)
        newest = await self._store.locked(run.period, run.scheme)
        if newest is not None and newest.id != run.revision_of:
            raise Refused("locked", period=run.period)
        if not await self._store.lock(run_id, actor.code, self._office.clock.now(), run.revision_of):
            raise Refused("locked", period=run.period)
        return await self._shown(await self.get(run_id))

    async def appeal(self, run_id: int, words: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
        """异议 by a unit, or noted for it by a clerk: `{words, item?, unit?}`.

        Refused `unknown_run`, `forbidden`, `unknown_unit`, `text_missing`, `too_long`, `too_late`.
        """
        run = await self.get(run_id)
        if not actor.of_unit:
            clerk(actor)
        unit = actor.unit if actor.of_unit else words.get("unit")
        if unit not in {sheet["unit"] for sheet in run.sheet["result"]["units"]}:
            raise Refused("unknown_unit", unit=str(unit)[:60])
        said, item = words.get("words") or words.get("reason"), words.get("item")
        if not isinstance(said, str) or not said.strip():
            raise Refused("text_missing", field="words")
        if len(said) > LONGEST or (item is not None and not isinstance(item, str)):
            raise Refused("too_long", field="words")
        now = self._office.clock.now()
        standing = await self._office.standing()
        if run.locked_at is not None:
            until = standing.later(standing.settings.text("appeal_window"), run.locked_at, None)
            if now > until:
                raise Refused("too_late", until=until.isoformat())
        await self._ids.refill(1)
        appeal = Appeal(self._ids.take(), run_id, str(unit), item, said.strip(), actor.code, now)
        await self._store.appeal(appeal)
        return {"id": appeal.id, "run": run_id, "unit": appeal.unit, "item": item, "words": appeal.words,
                "by": appeal.by, "at": now.isoformat()}  # fmt: skip

    async def _shown(self, run: Run) -> dict[str, Any]:
        """A run with the end of its 核对期: until then its units look it over (null past the calendar's end)."""
        standing = await self._office.standing()
        try:
            until = standing.later(standing.settings.text("check_period"), run.at, None).isoformat()
        except Refused:
            until = None
        return {**as_json(run), "check_until": until}

    async def get(self, run_id: int) -> Run:
        """The run. Refused `unknown_run`."""
        run = await self._store.run(run_id)
        if run is None:
            raise Refused("unknown_run", id=run_id)
        return run

    async def holds(self, run_id: int) -> bool:
        """Whether the run, reckoned again from what it was reckoned from, is still the same to the last sign."""
        run = await self.get(run_id)
        inputs = run.sheet["inputs"]
        return run.hash == seal(run.sheet) == seal({"inputs": inputs, "result": assemble(inputs)})


def as_json(run: Run) -> dict[str, Any]:
    """A run as doors show it."""
    return {
        "id": run.id, "scheme": run.scheme or None, "state": run.state, "hash": run.hash, "by": run.by,
        "at": run.at.isoformat(), "locked_by": run.locked_by,
        "locked_at": None if run.locked_at is None else run.locked_at.isoformat(),
        "revision_of": run.revision_of, **run.sheet["result"],
    }  # fmt: skip
