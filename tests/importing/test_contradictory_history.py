"""A ticket whose history contradicts itself is refused by row, field and reason, in a dry run as in the import."""

import json
from typing import Any

import pytest

from tests.tickets.conftest import SampleCity

DAY = "2026-10-{:02d}T{:02d}:00:00+08:00"


def at(day: int, hour: int = 9) -> str:
    return DAY.format(day, hour)


def build_ticket(no: str, **more: Any) -> dict[str, Any]:
    assignment = {"unit": "U01", "lead": True, "dispatched_at": at(8, 10), "signed_at": at(8, 11), **more}
    return {"ticket_no": no, "category": "help", "grade": "general", "generated_at": at(8), "assignments": [assignment]}


def returned(day: int, decision: str) -> dict[str, Any]:
    return {"return": {"submitted_at": at(day), "decision": decision, "decided_at": at(day, 10)}}


def extended(*granted: int) -> dict[str, Any]:
    return {"extensions": [{"granted_at": at(g), "new_due_at": at(20 + n)} for n, g in enumerate(granted)]}


BEYOND_CALENDAR = {**build_ticket("far"), "generated_at": "2031-01-03T09:00:00+08:00",
       "assignments": [{"unit": "U01", "dispatched_at": "2031-01-03T10:00:00+08:00"}]}  # fmt: skip
CONTRADICTORY: list[tuple[dict[str, Any], str, str, str]] = [
    (build_ticket("b1", closed_at=at(8, 9)), "assignments[0].closed_at", "contradiction", "办结早于派单"),
    (build_ticket("b2", **extended(9, 10, 11)), "assignments[0].extensions", "contradiction", "延期超过两次"),
    (build_ticket("b3", unit="U0X"), "assignments[0].unit", "unknown_unit", "U0X"),
    (build_ticket("b4", closed_at=at(9), **returned(10, "refused")), "assignments[0].return.submitted_at", "contradiction", "退单晚于办结"),
    (build_ticket("b5", closed_at=at(9), **returned(9, "accepted")), "assignments[0].closed_at", "contradiction", "退单已获同意"),
    (build_ticket("b6", **returned(9, "accepted"), **extended(10)), "assignments[0].extensions[0].granted_at", "contradiction", "延期晚于同意退单"),
    (build_ticket("b7", red_card=True, close_due_at=at(12), closed_at=at(12)), "assignments[0].red_card", "contradiction", "办结时间却在办结时限之内"),
    (build_ticket("b8", red_card=True, close_due_at=at(9), closed_at=at(12), **extended(9)), "assignments[0].red_card", "contradiction", "办结"),
    (build_ticket("b9", red_card=True, close_due_at=at(12), **returned(9, "accepted")), "assignments[0].red_card", "contradiction", "退单"),
    (build_ticket("good", closed_at=at(10)), "ticket_no", "duplicate_in_file", "good"),
    (BEYOND_CALENDAR, "", "calendar_ends", "日历"),
]  # fmt: skip


#: what does not contradict its own times is taken, a card taken back among it (XD19)
CARDED = [
    build_ticket("c1", red_card=True, close_due_at=at(12), closed_at=at(13)),
    build_ticket("c2", red_card=True, close_due_at=at(12)),
    build_ticket("c3", red_card=False, close_due_at=at(12), closed_at=at(13)),
    build_ticket("c4", red_card=True, closed_at=at(9)),  # its limit is not in the file
    build_ticket("c5", red_card=True, close_due_at=at(9), **returned(12, "accepted")),
]


@pytest.mark.parametrize("order", ["bad_first", "bad_last"])
async def test_a_contradictory_ticket_is_refused_and_the_others_are_imported_XD19(city: SampleCity, order: str) -> None:
    good = [build_ticket("good"), {**build_ticket("open", **returned(9, "withdrawn"), closed_at=at(12))}, *CARDED]
    contradictory = [ticket for ticket, *_ in CONTRADICTORY]
    rows = [*good, *contradictory] if order == "bad_last" else [good[0], *contradictory, *good[1:]]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    trial = await city.import_text("history", text, dry_run=True)
    done = await city.import_text("history", text)
    assert trial == done
    assert (done["read"], done["imported"], done["already"]) == (len(rows), len(good), 0)
    assert [(r["row"], r["field"], r["code"]) for r in done["refused"]] == [
        (rows.index(ticket) + 1, field, code) for ticket, field, code, _ in CONTRADICTORY
    ]
    for refusal, (*_, reason) in zip(done["refused"], CONTRADICTORY, strict=True):
        assert reason in refusal["message"]
    again = await city.import_text("history", text)
    assert (again["imported"], again["already"]) == (0, len(good))
    assert not (await city.verify_journal()).findings
