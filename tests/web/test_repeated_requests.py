"""Every act sent twice over the API: who won may repeat it without effect, a rival learns who was quicker."""

from typing import Any

import pytest

from backend.domain.move_table import SYSTEM_ONLY, TRANSITIONS
from backend.domain.records import Unit
from backend.domain.ticket_enums import Role, UnitKind
from backend.office.people import PersonForm
from tests.web.world import World

Step = tuple[str, str, str, dict[str, Any]]  # who, their rival, the verb, its arguments
NOW = "2026-11-10T09:00:00+08:00"
RETURN = {"reason": "不属于本单位职责", "reason_code": "not_our_duty", "signed_by": "seal", "files": ["STATEMENT"]}
EXTENSION = {"reason": "待配件", "requester_informed": {"at": NOW, "way": "phone"}}

#: One long way of a ticket with nearly every verb, and four short ones for verbs that end it early.
WAYS: dict[str, tuple[Step, ...]] = {
    "long": (
        ("R1", "D1", "accept", {"category": "complaint"}),
        ("D1", "A1", "dispatch", {"unit": "U01"}),
        ("H1", "H2", "sign", {}),
        ("H1", "H2", "contact", {"reached": True, "way": "phone", "note": "已联系"}),
        ("H1", "H2", "attach", {"files": ["STATEMENT"]}),
        ("H1", "L1", "extend", {"new_due_at": "2026-11-20T17:00:00+08:00", **EXTENSION}),
        ("R1", "A1", "decide_extension", {"accept": True}),
        ("H1", "H2", "return", RETURN),
        ("R1", "A1", "decide_return", {"accept": True, "reason": "确不属于"}),
        ("D1", "A1", "dispatch", {"unit": "U01"}),
        ("H2", "H1", "sign", {}),
        ("D1", "A1", "assist", {"unit": "U02"}),
        ("D1", "A1", "regrade", {"grade": "urgent", "reason": "扬言"}),
        ("H1", "H2", "flag", {"mass_incident": True, "reason": "涉及多户"}),
        ("R1", "A1", "decide_flag", {"accept": True}),
        ("S1", "A1", "supervise", {"reason": "媒体关注"}),
        ("H1", "L1", "report_progress", {"text": "已派人"}),
        ("S1", "A1", "accept_progress", {"accept": True}),
        ("D1", "A1", "reassign", {"unit": "U02"}),
        ("H9", "L9", "sign", {}),
        ("H9", "L9", "reply", {"text": "已答复诉求人并说明原因", "way": "phone", "cause": "线路老化"}),
        ("H9", "L9", "amend", {"text": "已答复诉求人，补充说明"}),
        ("H9", "L9", "close", {"close_type": "explained_unresolvable", "explanation": "政策所限", "feedback": "理解"}),
        ("S1", "A1", "decide_close", {"accept": True}),
        ("R1", "A1", "send_back", {"reason": "答复过于笼统"}),
        ("H9", "L9", "close", {"text": "已更换灯具并恢复照明", "feedback": "好", "no_objection": True}),
        ("V1", "A1", "visit", {"kind": "manual", "answer": "unsatisfied", "note": "还是不亮"}),
        ("R1", "A1", "review", {"conclusion": "办理不力"}),
        ("R1", "A1", "rework", {"summary": "还是不亮"}),
        ("H9", "L9", "reply", {"text": "已再次更换灯具并恢复照明"}),
        ("V1", "A1", "visit", {"kind": "manual", "answer": "unsatisfied", "note": "要求每天巡查"}),
        ("H9", "L9", "claim_unreasonable", {"reason": "超出职责", "files": ["STATEMENT"]}),
        ("R1", "A1", "decide_unreasonable", {"accept": False, "reason": "属合理诉求"}),
        ("H9", "L9", "appeal", {"reason": "有会议纪要"}),
        ("A1", "R1", "decide_unreasonable", {"accept": True, "class": "beyond_reason", "reason": "纪要属实"}),
    ),
    "praise": (
        ("D1", "A1", "dispatch", {"unit": "U01"}),
        ("L1", "H1", "sign", {}),
        ("L1", "H1", "close", {"text": "已转达感谢，向您致意", "feedback": "好", "no_objection": True}),
        ("R1", "A1", "finalize", {}),
    ),
    "entrusted": (
        ("D1", "A1", "dispatch", {"unit": "U01"}),
        ("H1", "H2", "sign", {}),
        ("H1", "H2", "hand_on", {"unit": "U11", "dispatch_kind": "entrust", "reason": "在其辖区"}),
    ),
    "transferred": (
        ("D1", "A1", "dispatch", {"unit": "U01"}),
        ("H1", "H2", "sign", {}),
        ("H1", "H2", "hand_on", {"unit": "U11", "dispatch_kind": "transfer"}),
    ),
    "answered": (("D1", "A1", "answer", {"text": "请拨打供电服务热线办理"}),),
    "cancelled": (("D1", "A1", "cancel", {"reason": "诉求人撤回"}),),
    "merged": (("D1", "A1", "merge", {"into": "T0", "reason": "同一盏灯"}),),
}  # fmt: skip
CREATED: dict[str, dict[str, Any]] = {"long": {"category": None}, "praise": {"category": "praise"}}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("way", list(WAYS))
async def test_the_winner_may_repeat_an_act_and_the_loser_learns_who_won(world: World, way: str) -> None:
    people = world.services.people
    assert people is not None
    await people.save_units([Unit("U11", "住建局工会", UnitKind.HANDLING, "A市", parent="U01")], "test")
    await people.save_people([PersonForm("工会经办", "U11", Role.HANDLER, "H7", "13800138099")], "test")
    await world.create_ticket("T0")
    created = await world.create_ticket("T1", **CREATED.get(way, {}))
    version = created["version"]
    for who, rival, verb, arguments in WAYS[way]:
        sent: dict[str, Any] = {**arguments, "version": version}
        if "files" in arguments:
            sent["files"] = [(await world.upload(who))[1]["id"]]
        status, done = await world.act(who, "T1", verb, **sent)
        assert status == 200, (verb, done)
        status, same = await world.act(who, "T1", verb, **sent)
        assert (status, same.get("version")) == (200, done["version"]), (verb, same)
        status, lost = await world.act(rival, "T1", verb, **sent)
        assert (status, lost["error"]["code"]) == (409, "overtaken"), (verb, lost)
        assert {"state", "by", "at"} <= set(lost["error"]["details"]), verb
        version = (await world.load())["version"]


def test_every_verb_of_people_is_covered_here_but_the_two_about_an_objection_to_a_red_card() -> None:
    covered = {verb for way in WAYS.values() for _, _, verb, _ in way}
    assert covered >= {row.verb for row in TRANSITIONS if row.roles != SYSTEM_ONLY} - {"object", "decide_objection"}
