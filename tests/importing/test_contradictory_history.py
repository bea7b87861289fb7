"""Lives that contradict themselves are refused by row, field and words; a trial reading says what the import will."""

import json
from typing import Any

import pytest

from tests.tickets.conftest import Bench

DAY = "2026-10-{:02d}T{:02d}:00:00+08:00"


def at(day: int, hour: int = 9) -> str:
    return DAY.format(day, hour)


def life(no: str, **more: Any) -> dict[str, Any]:
    one = {"unit": "U01", "lead": True, "dispatched_at": at(8, 10), "signed_at": at(8, 11), **more}
    return {"ticket_no": no, "category": "help", "grade": "general", "generated_at": at(8), "assignments": [one]}


def back(day: int, decision: str) -> dict[str, Any]:
    return {"return": {"submitted_at": at(day), "decision": decision, "decided_at": at(day, 10)}}


def longer(*granted: int) -> dict[str, Any]:
    return {"extensions": [{"granted_at": at(g), "new_due_at": at(20 + n)} for n, g in enumerate(granted)]}


FAR = {**life("far"), "generated_at": "2031-01-03T09:00:00+08:00",
       "assignments": [{"unit": "U01", "dispatched_at": "2031-01-03T10:00:00+08:00"}]}  # fmt: skip
BAD: list[tuple[dict[str, Any], str, str, str]] = [
    (life("b1", closed_at=at(8, 9)), "assignments[0].closed_at", "contradiction", "办结早于派单"),
    (life("b2", **longer(9, 10, 11)), "assignments[0].extensions", "contradiction", "延期超过两次"),
    (life("b3", unit="U0X"), "assignments[0].unit", "unknown_unit", "U0X"),
    (life("b4", closed_at=at(9), **back(10, "refused")), "assignments[0].return.submitted_at", "contradiction", "退单晚于办结"),
    (life("b5", closed_at=at(9), **back(9, "accepted")), "assignments[0].closed_at", "contradiction", "退单已获同意"),
    (life("b6", **back(9, "accepted"), **longer(10)), "assignments[0].extensions[0].granted_at", "contradiction", "延期晚于同意退单"),
    (life("b7", red_card=True, close_due_at=at(12), closed_at=at(12)), "assignments[0].red_card", "contradiction", "办结（closed_at）"),
    (life("b8", red_card=True, close_due_at=at(9), closed_at=at(12), **longer(9)), "assignments[0].red_card", "contradiction", "办结"),
    (life("b9", red_card=True, close_due_at=at(12), **back(9, "accepted")), "assignments[0].red_card", "contradiction", "退单"),
    (life("good", closed_at=at(10)), "ticket_no", "duplicate_in_file", "good"),
    (FAR, "", "calendar_ends", "日历"),
]  # fmt: skip


#: XD19: what does not contradict its own times is taken, a card taken back among it
CARDED = [
    life("c1", red_card=True, close_due_at=at(12), closed_at=at(13)),
    life("c2", red_card=True, close_due_at=at(12)),
    life("c3", red_card=False, close_due_at=at(12), closed_at=at(13)),
    life("c4", red_card=True, closed_at=at(9)),  # its limit is not in the file
    life("c5", red_card=True, close_due_at=at(9), **back(12, "accepted")),
]


@pytest.mark.parametrize("engine_order", ["bad_first", "bad_last"])
async def test_a_contradictory_life_costs_its_row_and_no_other_XD19(bench: Bench, engine_order: str) -> None:
    good = [life("good"), {**life("open", **back(9, "withdrawn"), closed_at=at(12))}, *CARDED]
    odd = [one for one, *_ in BAD]
    rows = [*good, *odd] if engine_order == "bad_last" else [good[0], *odd, *good[1:]]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    tried = await bench.bring("history", text, dry_run=True)
    done = await bench.bring("history", text)
    assert tried == done
    assert (done["read"], done["imported"], done["already"]) == (len(rows), len(good), 0)
    assert [(no["row"], no["field"], no["code"]) for no in done["refused"]] == [
        (rows.index(one) + 1, field, code) for one, field, code, _ in BAD
    ]
    for no, (*_, said) in zip(done["refused"], BAD, strict=True):
        assert said in no["message"]
    again = await bench.bring("history", text)
    assert (again["imported"], again["already"]) == (0, len(good))
    assert not (await bench.house.journal_verifier.verify()).findings
