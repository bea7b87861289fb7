"""Whatever is changed in the database by hand is found, wherever it was changed (FR20, G22)."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from backend.domain.acts import Actor
from backend.domain.journal_hash import TICKET_COLUMNS
from backend.domain.ticket_enums import Role
from backend.integrity.journal import JournalSealer
from storage import tables as t
from storage.integrity.journal import SqlJournalStore
from tests.figures import SIZES, Figures, choose_size
from tests.tickets.conftest import DISPATCHER, HANDLER, SampleCity

REVIEWER = Actor("SH01", Role.REVIEWER, "M01")
HEAD = "ticket_no,category,grade,channel,text,requester_phone\n"


@pytest.fixture
async def busy_city(city: SampleCity) -> SampleCity:
    """A city with tickets in many states, their journal sealed."""
    rows = "".join(f"T{n},help,general,phone,第{n}件,13800002{n:03d}\n" for n in range(8))
    await city.import_text("tickets", HEAD + rows)
    for n in range(1, 8):
        await city.act("dispatch", DISPATCHER, f"T{n}", unit="U01")
        city.advance(minutes=7)
        if n > 1:
            await city.act("sign", HANDLER, f"T{n}")
            city.advance(minutes=5)
        if n in (5, 6, 7):
            await city.act("contact", HANDLER, f"T{n}", reached=True)
            await city.act("reply", HANDLER, f"T{n}", text="已修复", way="phone")
            city.advance(minutes=3)
        if n in (6, 7):
            await city.act("close", HANDLER, f"T{n}", feedback="满意", no_objection=True)
        if n == 3:
            await city.act("return", HANDLER, "T3", reason="不属于本单位", files=["f"], signed_by="seal")
            await city.act("decide_return", REVIEWER, "T3", accept=True)
            await city.act("dispatch", DISPATCHER, "T3", unit="U02")
        if n == 4:
            await city.act("assist", DISPATCHER, "T4", unit="U04")
            await city.act("sign", Actor("H401", Role.HANDLER, "U04"), "T4")
            await city.act("reassign", DISPATCHER, "T4", unit="U05")
        if n == 7:
            await city.act("send_back", REVIEWER, "T7", reason="答复太空")
    await city.act("cancel", DISPATCHER, "T1", reason="撤回")
    city.advance(hours=1)
    await seal(city)
    return city


async def seal(city: SampleCity) -> int:
    """Seal the newest entries; return how many seals were made."""
    core = city.core
    return await JournalSealer(SqlJournalStore(core.db, core.ids), city.built.encryption.journal, core.clock).run_once()


async def find(city: SampleCity) -> set[str]:
    """Return the codes of all findings."""
    return {f.code for f in (await city.verify_journal()).findings}


async def test_a_journal_nobody_tampered_with_has_no_findings(busy_city: SampleCity) -> None:
    verdict = await busy_city.verify_journal()
    assert verdict.findings == ()
    assert (verdict.tickets, verdict.seals) == (8, 1)
    assert verdict.lines == await busy_city.count(t.journal)


J, K, A = t.journal.c, t.tickets.c, t.assignments.c
Change = Callable[[Connection], Any]


def _ticket_id(no: str) -> Any:
    return select(K.id).where(K.ticket_no == no).scalar_subquery()


def _load_last(c: Connection, no: str) -> Any:
    return c.execute(select(t.journal).where(J.ticket_id == _ticket_id(no)).order_by(J.version.desc()).limit(1)).one()


def _cut_end(c: Connection) -> None:
    """Delete the last entry, and make the ticket look as if it had never been."""
    last = _load_last(c, "T2")
    c.execute(delete(t.journal).where(J.id == last.id))
    before = _load_last(c, "T2")
    c.execute(
        update(t.tickets)
        .where(K.ticket_no == "T2")
        .values(version=before.version, journal_head=before.hash, state=before.to_state)
    )
    c.execute(
        update(t.assignments)
        .where(A.ticket_id == _ticket_id("T2"))
        .values(state="dispatched", signed_at=None, signed_by=None)
    )


def _swap_hash(c: Connection) -> None:
    entry, other = _load_last(c, "T5"), _load_last(c, "T6")
    c.execute(update(t.journal).where(J.id == entry.id).values(hash=other.hash))


def _change_ticket(**values: Any) -> Change:
    return lambda c: c.execute(update(t.tickets).where(K.ticket_no == "T5").values(**values))


def _change_assignment(no: str, **values: Any) -> Change:
    return lambda c: c.execute(update(t.assignments).where(A.ticket_id == _ticket_id(no)).values(**values))


def _delete_entry(c: Connection) -> None:
    c.execute(delete(t.journal).where(J.ticket_id == _ticket_id("T5"), J.version == 2))


def _delete_last(c: Connection) -> None:
    c.execute(delete(t.journal).where(J.id == _load_last(c, "T5").id))


def _prepend_blank(c: Connection) -> None:
    last = _load_last(c, "T5")
    c.execute(update(t.journal).where(J.id == last.id).values(arguments=" " + last.arguments))


TAMPERED: dict[str, tuple[Change, str]] = {
    "a state": (_change_ticket(state="closed"), "state_differs"),
    "an unknown state": (_change_ticket(state="x"), "ticket_missing"),
    "a version": (_change_ticket(version=9), "version_differs"),
    "a hash of the newest entry": (_change_ticket(journal_head="0" * 64), "head_differs"),
    "a text": (_change_ticket(text="别的"), "ticket_changed"),
    "the time of the demand": (_change_ticket(generated_at=K.generated_at + 1), "ticket_changed"),
    "a signing": (_change_assignment("T5", signed_at=A.signed_at - 1), "assignment_changed"),
    "a signer": (_change_assignment("T5", signed_by="H102"), "assignment_changed"),
    "a closing": (_change_assignment("T6", closed_at=A.closed_at - 1), "assignment_changed"),
    "an entry deleted": (_delete_entry, "line_missing"),
    "the last entry deleted": (_delete_last, "version_differs"),
    "the end cut off without a trace": (_cut_end, "sealed_line_missing"),
    "a ticket deleted": (lambda c: c.execute(delete(t.tickets).where(K.ticket_no == "T5")), "ticket_missing"),
    "the hash of another entry": (_swap_hash, "line_forged"),
    "a seal": (lambda c: c.execute(update(t.journal_seals).values(hash="0" * 64)), "seal_broken"),
    "a blank in the arguments": (_prepend_blank, "line_forged"),
}  # fmt: skip


async def test_each_kind_of_tampering_is_named(busy_city: SampleCity) -> None:
    """Tamper in every way, one after another, and put everything back each time."""
    db, unnamed = busy_city.core.db, {}
    tables = (t.journal, t.tickets, t.assignments, t.journal_seals)
    stored = await db.read(lambda c: [(table, c.execute(select(table)).mappings().all()) for table in tables])

    def restore(c: Connection) -> None:
        for table, rows in stored:
            c.execute(delete(table))
            c.execute(insert(table), [dict(row) for row in rows])

    for what, (change, finding) in TAMPERED.items():
        await db.write(lambda c, change=change: change(c) and None)
        codes = await find(busy_city)
        if finding not in codes:
            unnamed[what] = codes
        await db.write(restore)
        assert await find(busy_city) == set(), what
    assert unnamed == {}


def _change(value: Any, chance: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + chance.choice((-1, 1)) * chance.choice((1, 1_000_000, 86_400_000_000))
    text = str(value or "")
    place = chance.randrange(len(text) + 1)
    return text[:place] + chance.choice("0a字 ") + text[place + chance.choice((0, 1)) :]


COLUMNS = [(t.journal, c.name) for c in t.journal.columns] + [
    (t.tickets, name) for name in ("state", "version", "journal_head", *TICKET_COLUMNS)
] + [(t.journal_seals, c.name) for c in t.journal_seals.columns]  # fmt: skip


@SIZES
async def test_a_change_of_any_one_cell_is_found_each_time_G22(
    busy_city: SampleCity, size: str, figures: Figures
) -> None:
    """Change one cell of the journal, a ticket or a seal, verify, and put it back."""
    db, chance = busy_city.core.db, random.Random(2026)
    missed, tried = [], 0
    for turn in range(choose_size(size, small=100, quick=300, full=1_400)):
        table, name = chance.choice(COLUMNS)
        query = select(table.c.id, table.c[name])
        rows = await db.read(lambda c, query=query: c.execute(query).all())
        row_id, old = chance.choice(rows)
        new = _change(old, chance)
        if new == old:
            continue
        try:
            await db.execute(update(table).where(table.c.id == row_id).values({name: new}))
        except Exception:  # the database itself refused (a second entry of the same version)
            continue
        tried += 1
        if not (await busy_city.verify_journal()).findings:
            missed.append((turn, table.name, name, old, new))
        changed_id = new if name == "id" else row_id
        await db.execute(update(table).where(table.c.id == changed_id).values({name: old}))
    figures.report("G22", tampered=tried, missed=len(missed))
    assert missed == [] and tried > 60
    assert (await busy_city.verify_journal()).findings == ()


async def test_seals_follow_one_another_and_leave_new_entries_alone(busy_city: SampleCity) -> None:
    await busy_city.import_text("tickets", HEAD + "T90,help,general,phone,新,\n")
    assert await seal(busy_city) == 0
    busy_city.advance(minutes=6)
    assert await seal(busy_city) == 1
    assert await seal(busy_city) == 0
    verdict = await busy_city.verify_journal()
    assert (verdict.seals, verdict.findings) == (2, ())
    newest = await busy_city.core.db.read(
        lambda c: c.execute(select(t.journal_seals.c.hash).order_by(t.journal_seals.c.id.desc())).scalars().first()
    )
    assert verdict.seal == newest


async def test_an_entry_written_while_the_clock_was_set_back_is_no_finding(busy_city: SampleCity) -> None:
    busy_city.at -= timedelta(hours=2)
    await busy_city.import_text("tickets", HEAD + "T91,help,general,phone,早,\n")
    busy_city.advance(hours=3)
    await seal(busy_city)
    assert await find(busy_city) == set()


async def test_a_forged_additional_entry_is_found(busy_city: SampleCity) -> None:
    def forge(c: Connection) -> None:
        last = _load_last(c, "T5")._asdict()
        c.execute(
            insert(t.journal).values(
                **{**last, "id": 999_999, "version": last["version"] + 1, "prev_hash": last["hash"]}
            )
        )

    await busy_city.core.db.write(forge)
    assert {"line_forged", "version_differs"} <= await find(busy_city)
