"""What tickets went through becomes drafts with the tickets as evidence, and their honest twins do not (XD22, XM5).

One province lives through each group of lives once on each engine: about a second each.
"""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text

from backend.domain.acts import SYSTEM, Act, Actor
from backend.domain.refusals import Refused
from backend.domain.scoring.scheme_file import load_scheme
from backend.domain.ticket_enums import Role, Source
from backend.scoring.drafts import DRAFTED_KINDS
from tests.scoring.world import AGENT, CLERK, HANDLER, LIAISON, NOV, SECOND_CLERK, World, find_line
from tests.tickets.world import DISPATCHER, REVIEWER, SUPERVISOR, ZONE

OTHER_HANDLER = Actor("HU02", Role.HANDLER, "U02")
HANDLERS = {"U01": HANDLER, "U02": OTHER_HANDLER}
Draft = tuple[str, str, tuple[str, ...]]


def at(month: int, day: int, hour: int = 9) -> datetime:
    """A time of 2026."""
    return datetime(2026, month, day, hour, tzinfo=ZONE)


async def receive(world: World, no: str, when: datetime, caller: str = "", category: str = "complaint") -> None:
    """Take in a demand of a caller at a time."""
    world.at = when
    await world.add_ticket(no)
    change = text("UPDATE tickets SET phone_index = :p, category = :c WHERE ticket_no = :no")
    await world.db.write(lambda c: c.execute(change, {"p": caller or no, "c": category, "no": no}))


async def give(world: World, no: str, when: datetime, caller: str = "", unit: str = "U01") -> None:
    """Take in a demand, which is dispatched at once and signed."""
    await receive(world, no, when, caller)
    await world.act("dispatch", DISPATCHER, no, unit=unit)
    await world.act("sign", HANDLERS[unit], no)


async def close(world: World, no: str, way: str = "phone", unit: str = "U01") -> None:
    """The unit closes it as solved."""
    await world.act("close", HANDLERS[unit], no, text="已修复", way=way, no_objection=True)


async def visit(world: World, no: str, kind: str = "manual", **answers: str) -> None:
    """Ask the requester."""
    await world.act("visit", AGENT, no, kind=kind, **{"answer": "satisfied", "note": "原话", **answers})


async def draft(world: World, when: datetime, *kinds: str) -> list[Draft]:
    """Draft November as of a time; return kind, unit and tickets of the drafts of these kinds."""
    world.at = when
    await world.scoring.ledger_drafts.draft_month(NOV)
    assert await world.scoring.ledger_drafts.draft_month(NOV) == 0  # nothing is drafted twice
    found, _ = await world.scoring.ledgers.list_lines(CLERK, month=NOV, state="draft", limit=200)
    assert all(row["note"] and not row["note"].startswith("draft.") for row in found), found
    return sorted((row["kind"], row["unit"], tuple(row["tickets"])) for row in found if row["kind"] in kinds)


async def test_a_reply_the_visit_contradicts_may_be_invented_B48_XD22(world: World) -> None:
    for n, (way, answers) in enumerate((
        ("online", [("manual", {"answer": "unsatisfied", "resolved": "unresolved"})]),
        ("online", [("auto", {"answer": "unsatisfied", "resolved": "unresolved"}), ("manual", {"resolved": "resolved"})]),
        ("phone", [("manual", {"contacted": "no"})]),
        ("online", [("manual", {"contacted": "no"})]),  # no contact was claimed
        ("phone", [("manual", {"contacted": "yes", "resolved": "partly_resolved"})]),
        ("online", [("manual", {"answer": "unsatisfied", "resolved": "unresolved"})]),  # recognised as unreasonable
        ("online", [("auto", {"answer": "unsatisfied", "resolved": "unresolved"})]),  # a person has yet to ask
    )):  # fmt: skip
        await give(world, f"A{n}", at(11, 9))
        await close(world, f"A{n}", way)
        for kind, said in answers:
            world.at = at(11, 10)
            await visit(world, f"A{n}", kind, **said)
    await world.act("claim_unreasonable", HANDLER, "A5", reason="诉求不合政策", files=["f1"])
    await world.act("decide_unreasonable", REVIEWER, "A5", accept=True, reason="属实", **{"class": "against_policy"})
    assert await draft(world, at(11, 12), "fabrication") == [
        ("fabrication", "U01", ("A0",)),
        ("fabrication", "U01", ("A2",)),
    ]


async def test_who_is_not_answered_in_time_and_comes_again_is_drafted_unless_they_prevented_it_B49_XM5(
    world: World,
) -> None:
    await give(world, "A", at(11, 9), "silent")
    await give(world, "B", at(11, 9), "answered")
    await give(world, "C", at(11, 9), "early")
    await give(world, "D", at(11, 9), "unreachable")
    await give(world, "E", at(11, 9), "neighbour")
    await receive(world, "C2", at(11, 10), "early")  # within the limit, and answered within it
    for no in ("B", "C"):
        await world.act("reply", HANDLER, no, text="已处理", way="sms")
    for n in range(3):
        arguments = {"way": "phone", "reached": False, "note": f"第 {n + 1} 次未接通"}
        await world.tickets.act(Act("contact", HANDLER, Source.PHONE, ticket_no="D", arguments=arguments))
    for no, caller in (("A2", "silent"), ("B2", "answered"), ("D2", "unreachable"), ("A3", "silent")):
        await receive(world, no, at(11, 18), caller)
    await receive(world, "E2", at(11, 18), "another neighbour", "help")
    await world.act("merge", DISPATCHER, "E2", into="E", reason="同一事项")
    assert await draft(world, at(11, 19), "no_reply_repeat") == [
        ("no_reply_repeat", "U01", ("A", "A2", "A3")),
        ("no_reply_repeat", "U01", ("E", "E2")),
    ]
    lines, _ = await world.scoring.ledgers.list_lines(CLERK, month=NOV, kind="no_reply_repeat")
    line = next(row for row in lines if "A" in row["tickets"])
    assert "A 超过期限未答复" in line["note"] and "A2、A3" in line["note"]

    async def lost() -> str:
        return str(find_line(await world.scoring.compute_sheet(NOV, "U01"), "diligence_reply")["deduction"])

    assert await lost() == "0.00"  # a draft counts nothing by itself
    await world.scoring.review_ledger(line["id"], True, CLERK)
    assert await lost() == "1.00"


async def test_an_exemption_of_the_row_is_kept_with_the_line_it_refuses_B47_B49_XM5(world: World) -> None:
    ledgers = world.scoring.ledgers
    for kind in ("no_reply_repeat", "absence", "praise"):
        await world.scoring.draft(kind, "U01", NOV, source=kind, note="经核实")
    lines = {row["kind"]: row["id"] for row in (await ledgers.list_lines(CLERK, month=NOV))[0]}
    for kind, accept, word, code in (("no_reply_repeat", True, "no_reply_wanted", "exempt_and_counted"),
                                     ("no_reply_repeat", False, "good_reason", "bad_field"),
                                     ("praise", False, "good_reason", "bad_field")):  # fmt: skip
        with pytest.raises(Refused, match=code):
            await ledgers.review_ledger(lines[kind], accept, CLERK, word)
    for kind, word in (("no_reply_repeat", "no_reply_wanted"), ("absence", "good_reason")):
        refused = await ledgers.review_ledger(lines[kind], False, CLERK, word)
        assert (refused["state"], refused["exemption"]) == ("refused", word)
        assert (await ledgers.list_lines(CLERK, month=NOV, kind=kind))[0][0]["exemption"] == word
    assert "exemption" not in await ledgers.review_ledger(lines["praise"], False, CLERK)


async def test_a_complaint_about_record_or_dispatch_that_is_found_valid_is_the_institutions_B22_XD22(
    world: World,
) -> None:
    for no, found in (("A", {"valid_complaint": "record"}), ("B", {})):
        await give(world, no, at(11, 9))
        await close(world, no)
        await world.act("review", REVIEWER, no, conclusion="办理不力", **found)
    for no, hour in (("C", 22), ("D", 12)):  # the twelve hours end at 21:00
        await receive(world, no, at(11, 9), f"caller of {no}")
        await receive(world, f"{no}2", at(11, 9, hour), f"caller of {no}")
        world.at = at(11, 9, 23 if no == "C" else 13)
        await world.act("dispatch", DISPATCHER, no, unit="U01")
    for no, hour in (("E", 23), ("F", 10)):
        await receive(world, no, at(11, 9))
        world.at = at(11, 9, hour)
        await world.act("dispatch", DISPATCHER, no, unit="U02")
        world.at = at(11, 10)
        await world.act("sign", OTHER_HANDLER, no)
    for no in ("E", "F"):
        lead = (await world.load(no)).lead
        assert lead is not None
        world.at = max(world.at, at(11, 18))
        await world.tickets.act(Act("red_card", SYSTEM, Source.CLOCK, assignment_id=lead.id))
        await world.act("object", OTHER_HANDLER, no, reason="派单太迟")
        await world.act("decide_objection", REVIEWER, no, accept=True, reason="属实")
    assert await draft(world, at(11, 19), "valid_complaint") == [
        ("valid_complaint", "M01", ("A",)),
        ("valid_complaint", "M01", ("C", "C2")),
        ("valid_complaint", "M01", ("E",)),
    ]


async def test_a_complaint_without_result_for_long_is_its_units_or_the_institutions_B30_B55_XD22(world: World) -> None:
    await give(world, "A", at(9, 8))
    await receive(world, "B", at(9, 8))  # nobody has it
    await give(world, "C", at(9, 8))
    await close(world, "C")
    await visit(world, "C", resolved="resolved")
    await give(world, "D", at(9, 8))
    await close(world, "D")
    await visit(world, "D", kind="manual", answer="unsatisfied", resolved="unresolved")
    await give(world, "E", at(8, 3), "tired")
    await close(world, "E")  # and was not asked
    await give(world, "F", at(11, 2))  # not long
    await receive(world, "E2", at(11, 9), "tired")
    assert await draft(world, at(11, 12), "exposure") == [
        ("exposure", "M01", ("B",)), ("exposure", "U01", ("A",)), ("exposure", "U01", ("D",)),
        ("exposure", "U01", ("E", "E2")),
    ]  # fmt: skip
    lines, _ = await world.scoring.ledgers.list_lines(CLERK, month=NOV, kind="exposure")
    assert all("60 天" in row["note"] for row in lines)


async def test_a_flagged_matter_that_grew_worse_before_any_unit_was_consulted_is_drafted_B21_XD22(world: World) -> None:
    async def grow(no: str, how: str) -> None:
        if how == "urgent":
            await world.act("regrade", DISPATCHER, no, grade="urgent", reason="扬言上访")
        elif how == "mass":
            await world.act("flag", HANDLER, no, mass_incident=True, reason="人数增多")
            await world.act("decide_flag", REVIEWER, no, accept=True, reason="属实")
        else:
            await receive(world, f"{no}2", at(11, 11), no)
            await world.act("merge", DISPATCHER, f"{no}2", into=no)

    for no, how in (("A", "urgent"), ("B", "mass"), ("C", "again"), ("D", "urgent"), ("E", "mass"), ("F", "urgent")):
        await give(world, no, at(11, 9))
        if no != "F":  # never flagged
            await world.act("flag", HANDLER, no, hard_case=True, reason="涉及多个部门")
        world.at = at(11, 10)
        if no == "D":
            await world.act("assist", DISPATCHER, no, unit="U02")
        if no == "E":
            await world.act("supervise", SUPERVISOR, no, reason="会同解决")
        world.at = at(11, 11)
        await grow(no, how)
    assert await draft(world, at(11, 12), "escalation") == [
        ("escalation", "M01", ("A",)), ("escalation", "M01", ("B",)), ("escalation", "M01", ("C",)),
    ]  # fmt: skip


async def test_who_has_tickets_and_named_no_leader_liaison_or_unit_in_charge_is_drafted_B44_B45_XM5(
    world: World,
) -> None:
    kinds = ("contact_unreported", "lead_unit_missing")
    add = world.scoring.registers.add
    await give(world, "A", at(11, 9))
    await give(world, "B", at(11, 9), unit="U02")
    await add("contact", {"name": "周某", "role": "leader", "on_date": "2026-11-02", "unit": "U02"}, CLERK)
    await add("contact", {"name": "赵某", "role": "liaison", "on_date": "2026-11-02", "unit": "U02"}, CLERK)
    assert await draft(world, at(11, 9), *kinds) == [("contact_unreported", "U01", ("A",))]  # U03 has no tickets
    (line,) = (await world.scoring.ledgers.list_lines(CLERK, month=NOV, state="draft"))[0]
    assert (line["count"], line["note"]) == (2, "本月有工单在办，未确定分管领导、联络员：A。")
    await add("contact", {"name": "周某", "role": "leader", "on_date": "2026-11-09"}, LIAISON)
    await add("lead_unit", {"name": "办公室", "on_date": "2026-11-02", "unit": "U02"}, CLERK)  # now it is kept
    assert await draft(world, at(11, 9, 10), *kinds) == [
        ("contact_unreported", "U01", ("A",)),
        ("lead_unit_missing", "U01", ("A",)),
    ]
    lines = {row["kind"]: row for row in (await world.scoring.ledgers.list_lines(CLERK, month=NOV, unit="U01"))[0]}
    assert lines["contact_unreported"]["count"] == 1
    await world.scoring.review_ledger(lines["lead_unit_missing"]["id"], True, SECOND_CLERK)
    sheet = await world.scoring.compute_sheet(NOV, "U01")
    assert find_line(sheet, "organisation_lead")["deduction"] == "1.00"
    await add("lead_unit", {"name": "综合科", "on_date": "2026-11-09"}, LIAISON)  # a unit reports its own
    world.at = at(12, 1)
    assert await world.scoring.ledger_drafts.draft_month(NOV) == 0  # who was named in November is not known any more


async def test_a_unit_whose_last_handler_is_gone_has_nobody_in_charge_B44(world: World) -> None:
    await give(world, "A", at(11, 9))

    def leave(c: Any) -> None:
        c.execute(text("UPDATE people SET active = :no WHERE unit = 'U01'"), {"no": False})

    await world.db.write(leave)
    world.office.invalidate()
    assert await draft(world, at(11, 9), "lead_unit_missing") == [("lead_unit_missing", "U01", ("A",))]


def test_what_the_house_cannot_know_stays_by_hand_B31_B56_XD22() -> None:
    schemes = [load_scheme(name) for name in ("jilin-mgmt", "jilin-unit")]
    assert frozenset().union(*(s.list_kinds() for s in schemes)) - DRAFTED_KINDS == {
        "connect", "criticism", "honour", "media", "task",
    }  # fmt: skip
    assert {line.source for s in schemes for line in s.ledger if line.kind == "criticism"} == {"B31", "B56"}
