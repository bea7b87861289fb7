"""Whatever is changed behind the house's back is found, wherever it was changed (FR20, G22)."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from backend.domain.acts import Actor
from backend.domain.ticket import Role
from backend.integrity.journal import JournalSealer
from storage import tables as t
from storage.integrity.journal import SqlJournalStore, decode_ids, encode_ids
from tests.tickets.conftest import CLERK, Bench

HANDLER = Actor("H101", Role.HANDLER, "U01")
REVIEWER = Actor("SH01", Role.REVIEWER, "M01")
HEAD = "ticket_no,category,grade,channel,text,requester_phone\n"


@pytest.fixture
async def busy(bench: Bench) -> Bench:
    """Tickets at all stations of the road, sealed."""
    rows = "".join(f"T{n},help,general,phone,第{n}件,13800002{n:03d}\n" for n in range(8))
    await bench.bring("tickets", HEAD + rows)
    for n in range(1, 8):
        await bench.act("dispatch", CLERK, f"T{n}", unit="U01")
        bench.later(minutes=7)
        if n > 1:
            await bench.act("sign", HANDLER, f"T{n}")
            bench.later(minutes=5)
        if n in (5, 6, 7):
            await bench.act("contact", HANDLER, f"T{n}", reached=True)
            await bench.act("reply", HANDLER, f"T{n}", text="已修复", way="phone")
            bench.later(minutes=3)
        if n in (6, 7):
            await bench.act("close", HANDLER, f"T{n}", feedback="满意", no_objection=True)
        if n == 3:
            await bench.act("return", HANDLER, "T3", reason="不属于本单位", files=["f"], signed_by="seal")
            await bench.act("decide_return", REVIEWER, "T3", accept=True)
            await bench.act("dispatch", CLERK, "T3", unit="U02")
        if n == 4:
            await bench.act("assist", CLERK, "T4", unit="U04")
            await bench.act("sign", Actor("H401", Role.HANDLER, "U04"), "T4")
            await bench.act("reassign", CLERK, "T4", unit="U05")
        if n == 7:
            await bench.act("send_back", REVIEWER, "T7", reason="答复太空")
    await bench.act("cancel", CLERK, "T1", reason="撤回")
    bench.later(hours=1)
    await sealer(bench).run_once()
    return bench


def sealer(bench: Bench) -> JournalSealer:
    house = bench.house
    return JournalSealer(SqlJournalStore(house.db, house.ids), house.encryption.journal, house.clock)


async def found(bench: Bench) -> set[str]:
    return {f.code for f in (await bench.house.journal_verifier.verify()).findings}


async def test_an_honest_house_has_nothing_to_find(busy: Bench) -> None:
    verdict = await busy.house.journal_verifier.verify()
    assert verdict.findings == ()
    assert (verdict.tickets, verdict.seals) == (8, 1)
    assert verdict.lines == await busy.count(t.journal)


J, K, A = t.journal.c, t.tickets.c, t.assignments.c


def _no(no: str) -> Any:
    return select(K.id).where(K.no == no).scalar_subquery()


def _last(c: Connection, no: str) -> Any:
    return c.execute(select(t.journal).where(J.ticket_id == _no(no)).order_by(J.version.desc()).limit(1)).one()


def _cut(c: Connection) -> None:
    """The last line vanishes, and the ticket is made to look as if it had never been."""
    last = _last(c, "T2")
    c.execute(delete(t.journal).where(J.id == last.id))
    before = _last(c, "T2")
    c.execute(
        update(t.tickets).where(K.no == "T2").values(version=before.version, head=before.hash, state=before.to_state)
    )
    c.execute(
        update(t.assignments).where(A.ticket_id == _no("T2")).values(state="dispatched", signed_at=None, signed_by=None)
    )


def _swap(c: Connection) -> None:
    one, two = _last(c, "T5"), _last(c, "T6")
    c.execute(update(t.journal).where(J.id == one.id).values(hash=two.hash))


TAMPERED: dict[str, tuple[Callable[[Connection], Any], str]] = {
    "a state": (lambda c: c.execute(update(t.tickets).where(K.no == "T5").values(state="closed")), "state_differs"),
    "an unknown state": (lambda c: c.execute(update(t.tickets).where(K.no == "T5").values(state="x")), "ticket_missing"),
    "a version": (lambda c: c.execute(update(t.tickets).where(K.no == "T5").values(version=9)), "version_differs"),
    "a head": (lambda c: c.execute(update(t.tickets).where(K.no == "T5").values(head="0" * 64)), "head_differs"),
    "a text": (lambda c: c.execute(update(t.tickets).where(K.no == "T5").values(text="别的")), "ticket_changed"),
    "a birth": (lambda c: c.execute(update(t.tickets).where(K.no == "T5").values(generated_at=K.generated_at + 1)),
                "ticket_changed"),
    "a signing": (lambda c: c.execute(update(t.assignments).where(A.ticket_id == _no("T5"))
                                      .values(signed_at=A.signed_at - 1)), "assignment_changed"),
    "a signer": (lambda c: c.execute(update(t.assignments).where(A.ticket_id == _no("T5")).values(signed_by="H102")),
                 "assignment_changed"),
    "a closing": (lambda c: c.execute(update(t.assignments).where(A.ticket_id == _no("T6"))
                                      .values(closed_at=A.closed_at - 1)), "assignment_changed"),
    "a line gone": (lambda c: c.execute(delete(t.journal).where(J.ticket_id == _no("T5"), J.version == 2)), "line_missing"),
    "the last line gone": (lambda c: c.execute(delete(t.journal).where(J.id == _last(c, "T5").id)), "version_differs"),
    "the end cut cleanly": (_cut, "sealed_line_missing"),
    "a ticket gone": (lambda c: c.execute(delete(t.tickets).where(K.no == "T5")), "ticket_missing"),
    "a hash of another": (_swap, "line_forged"),
    "a seal": (lambda c: c.execute(update(t.seals).values(hash="0" * 64)), "seal_broken"),
    "blanks in words": (lambda c: c.execute(update(t.journal).where(J.id == _last(c, "T5").id)
                                            .values(words=" " + _last(c, "T5").words)), "line_unreadable"),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERED)
async def test_each_kind_of_tampering_is_named(busy: Bench, what: str) -> None:
    change, finding = TAMPERED[what]
    await busy.house.db.write(lambda c: change(c) and None)
    assert finding in await found(busy)


def _other(value: Any, dice: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + dice.choice((-1, 1)) * dice.choice((1, 1_000_000, 86_400_000_000))
    text = str(value or "")
    place = dice.randrange(len(text) + 1)
    return text[:place] + dice.choice("0a字 ") + text[place + dice.choice((0, 1)) :]


COLUMNS = [(t.journal, c.name) for c in t.journal.columns] + [
    (t.tickets, name) for name in ("state", "version", "head", "text", "title", "no", "channel", "region", "generated_at")
]  # fmt: skip


async def test_a_hundred_copies_changed_in_one_cell_are_all_found_G22(busy: Bench) -> None:
    """Each turn changes one cell of the journal or a ticket, looks, and puts it back."""
    dice = random.Random(2026)
    missed = []
    for turn in range(100):
        table, name = dice.choice(COLUMNS)
        column = table.c[name]
        rows = await busy.house.db.read(lambda c, k=table.c.id, v=column: c.execute(select(k, v)).all())
        row_id, old = dice.choice(rows)
        new = _other(old, dice)
        if new == old:
            continue
        at = table.c.id == row_id
        try:
            await busy.house.db.write(
                lambda c, a=at, n=name, v=new, s=table: c.execute(update(s).where(a).values({n: v})) and None
            )
        except Exception:  # the engine itself refused (a second line of the same version)
            continue
        if not (await busy.house.journal_verifier.verify()).findings:
            missed.append((turn, table.name, name, old, new))
        back = table.c.id == (new if name == "id" else row_id)
        await busy.house.db.write(
            lambda c, a=back, n=name, v=old, s=table: c.execute(update(s).where(a).values({n: v})) and None
        )
    assert missed == []
    assert (await busy.house.journal_verifier.verify()).findings == ()


async def test_seals_follow_one_another_and_leave_young_lines_alone(busy: Bench) -> None:
    await busy.bring("tickets", HEAD + "T90,help,general,phone,新,\n")
    assert await sealer(busy).run_once() == 0
    busy.later(minutes=6)
    assert await sealer(busy).run_once() == 1
    assert await sealer(busy).run_once() == 0
    verdict = await busy.house.journal_verifier.verify()
    assert (verdict.seals, verdict.findings) == (2, ())
    kept = await busy.house.db.read(
        lambda c: c.execute(select(t.seals.c.hash).order_by(t.seals.c.id.desc())).scalars().first()
    )
    assert verdict.seal == kept


async def test_a_line_from_a_clock_set_back_is_no_alarm(busy: Bench) -> None:
    busy.moment[0] -= timedelta(hours=2)
    await busy.bring("tickets", HEAD + "T91,help,general,phone,早,\n")
    busy.later(hours=3)
    await sealer(busy).run_once()
    assert await found(busy) == set()


async def test_a_forged_extra_line_is_found(busy: Bench) -> None:
    def forge(c: Connection) -> None:
        last = _last(c, "T5")._asdict()
        c.execute(
            insert(t.journal).values(**{**last, "id": 999_999, "version": last["version"] + 1, "prev": last["hash"]})
        )

    await busy.house.db.write(forge)
    assert {"line_forged", "version_differs"} <= await found(busy)


def test_ids_are_kept_short_and_come_back() -> None:
    for members in ([5], [5, 9, 7_000_000], [9, 3, 4]):
        assert decode_ids(encode_ids(members)) == tuple(members)
