"""The chain is walked without being asked: what was altered is found within minutes or a week, told, and heals (XR11)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, select, update

from backend.domain.texts import Texts
from backend.integrity.chain_walk import LEAST_SLICE, ChainWalk
from backend.integrity.checks import IntegrityChecks
from backend.integrity.journal import JournalSealer
from storage import tables as t
from storage.integrity.checks import SqlIntegrityStore
from storage.integrity.journal import SqlJournalStore
from tests.tickets.conftest import DISPATCHER, HANDLER, SampleCity

TICKETS = 5


def build_walk(city: SampleCity) -> ChainWalk:
    core = city.core
    store = SqlJournalStore(core.db, core.ids)
    return ChainWalk(store, SqlIntegrityStore(core.db, core.ids), city.services.journal, core.key_values, core.clock)


@pytest.fixture
async def quiet_city(city: SampleCity) -> SampleCity:
    """Tickets signed hours ago, and sealed."""
    head = "ticket_no,category,grade,channel,text,requester_phone\n"
    await city.import_text(
        "tickets", head + "".join(f"T{n},help,general,phone,第{n}件,13800002{n:03d}\n" for n in range(TICKETS))
    )
    for n in range(TICKETS):
        await city.act("dispatch", DISPATCHER, f"T{n}", unit="U01")
        await city.act("sign", HANDLER, f"T{n}")
    city.advance(hours=3)
    core = city.core
    await JournalSealer(SqlJournalStore(core.db, core.ids), city.built.encryption.journal, core.clock).run_once()
    return city


def _of(no: str) -> Any:
    return select(t.tickets.c.id).where(t.tickets.c.ticket_no == no).scalar_subquery()


def _forge(c: Connection) -> None:
    c.execute(update(t.journal).where(t.journal.c.ticket_id == _of("T3"), t.journal.c.version == 2).values(by="H999"))


def _cut(c: Connection) -> None:
    c.execute(delete(t.journal).where(t.journal.c.ticket_id == _of("T3"), t.journal.c.version == 2))


def _rewrite(c: Connection) -> None:
    c.execute(update(t.tickets).where(t.tickets.c.ticket_no == "T3").values(text="另一件事"))


def _vanish(c: Connection) -> None:
    c.execute(delete(t.tickets).where(t.tickets.c.ticket_no == "T3"))


def _unseal(c: Connection) -> None:
    newest = select(func.max(t.journal_seals.c.id)).scalar_subquery()
    c.execute(update(t.journal_seals).where(t.journal_seals.c.id == newest).values(hash="0" * 64))


EDITS = [(_forge, "chain_ticket"), (_cut, "chain_ticket"), (_rewrite, "chain_ticket"), (_vanish, "chain_ticket"),
         (_cut, "chain_seal"), (_unseal, "chain_seal")]  # fmt: skip


@pytest.mark.parametrize(("edit", "kind"), EDITS)
async def test_whatever_is_altered_is_found_by_the_walk_XR11(
    quiet_city: SampleCity, edit: Callable[[Connection], None], kind: str
) -> None:
    walk = build_walk(quiet_city)
    assert await walk.walk() == []
    await quiet_city.core.db.write(edit)
    found = {finding.kind: finding for finding in await walk.walk()}
    assert kind in found
    assert await walk.walk() == []  # stored once
    for language in ("zh_CN", "en"):
        finding = found[kind]
        assert finding.subject in Texts(language).render(f"finding.{kind}", subject=finding.subject, **finding.facts)


async def test_a_finding_of_the_chain_heals_by_the_walk_and_not_by_the_checks_XR11(quiet_city: SampleCity) -> None:
    walk, core = build_walk(quiet_city), quiet_city.core
    checks = IntegrityChecks(SqlIntegrityStore(core.db, core.ids), core.clock)
    before = await core.db.read(
        lambda c: c.execute(select(t.tickets.c.text).where(t.tickets.c.ticket_no == "T3")).scalar_one()
    )
    await core.db.write(_rewrite)
    assert [f.kind for f in await walk.walk()] == ["chain_ticket"]
    await checks.check()
    assert "chain_ticket" in {f.kind for f in await checks.list_findings()}
    await core.db.execute(update(t.tickets).where(t.tickets.c.ticket_no == "T3").values(text=before))
    await build_walk(quiet_city).walk()  # also after a restart, wherever the walk stands
    assert "chain_ticket" not in {f.kind for f in await checks.list_findings()}


async def test_the_newest_hour_is_looked_at_each_minute_and_all_in_slices_from_where_the_walk_stood_XR11(
    quiet_city: SampleCity,
) -> None:
    def start() -> ChainWalk:
        walk = build_walk(quiet_city)
        walk._slice = 2
        return walk

    assert await start().walk() == []  # T0 and T1
    await quiet_city.core.db.write(_forge)
    assert [f.subject for f in await start().walk()] == ["T3"]  # another process goes on with T2 and T3
    for _ in range(4):
        assert await start().walk() == []
    await quiet_city.act("reply", HANDLER, "T4", text="已修复", way="phone")
    await quiet_city.core.db.execute(update(t.journal).where(t.journal.c.ticket_id == _of("T4"), t.journal.c.version == 4)
                                     .values(by="H999"))  # fmt: skip
    assert [f.subject for f in await start().walk()] == ["T4"]  # at once: it moved a moment ago


async def test_the_walk_runs_once_a_minute_XR11(quiet_city: SampleCity) -> None:
    walk = build_walk(quiet_city)
    assert await walk.run_once() == 0
    await quiet_city.core.db.write(_forge)
    assert await walk.run_once() == 0
    walk._next -= timedelta(minutes=1).total_seconds()
    assert await walk.run_once() == 1
    assert LEAST_SLICE * 7 * 24 * 60 > 1_000_000
