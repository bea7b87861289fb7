"""Random walks through the move table, compared with a small model written apart from it (G25)."""

import os
import random
from datetime import timedelta

import pytest

from backend.domain.decision import Unchanged
from backend.domain.journal_hash import hash_entry
from backend.domain.move_table import is_allowed
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Category, Grade
from tests.domain.move_world import KEY, ROLES, Flow

STEPS = int(os.environ.get("JIESU_WALK_STEPS", "16000"))

#: The model: state → verb → states it may lead to ("=" stays). Written from the rules, not from the code.
UNIT_ANY = {"contact": "=", "attach": "=", "supervise": "=", "report_progress": "=", "accept_progress": "=", "flag": "=",
            "decide_flag": "=", "regrade": "=", "assist": "=", "yellow_card": "=", "red_card": "=",
            "object": "=", "decide_objection": "=", "cancel": "cancelled"}  # fmt: skip
VISIT_ANY = {"attach": "=", "supervise": "=", "report_progress": "=", "accept_progress": "=", "flag": "=", "decide_flag": "=",
             "object": "=", "decide_objection": "=",
             "review": "=", "amend": "=", "cancel": "cancelled", "finalize": "finalized",
             "visit": "finalized revisit_manual"}  # fmt: skip
NEW_ANY = {"answer": "finalized", "merge": "merged", "regrade": "=", "flag": "=", "decide_flag": "=",
           "supervise": "=", "accept_progress": "=", "report_progress": "=", "cancel": "cancelled"}  # fmt: skip
MODEL: dict[str, dict[str, str]] = {
    "registered": NEW_ANY | {"accept": "pending_dispatch"},
    "pending_dispatch": NEW_ANY | {"dispatch": "dispatched"},
    "dispatched": {k: v for k, v in UNIT_ANY.items() if k != "contact"}
    | {"sign": "signed", "auto_sign": "signed", "reassign": "dispatched"},
    "signed": UNIT_ANY
    | {"return": "return_review", "extend": "extension_review", "reply": "replied", "close": "closed replied",
       "reassign": "dispatched", "hand_on": "signed dispatched"},
    "return_review": UNIT_ANY | {"decide_return": "pending_dispatch signed dispatched"},
    "extension_review": UNIT_ANY | {"decide_extension": "signed", "reply": "replied", "close": "closed replied"},
    "replied": UNIT_ANY
    | {"close": "closed replied", "decide_close": "closed replied", "decide_extension": "replied", "amend": "="},
    "closed": VISIT_ANY | {"send_back": "signed", "start_visit": "revisit_auto revisit_manual finalized"},
    "revisit_auto": VISIT_ANY,
    "revisit_manual": VISIT_ANY,
    "finalized": {"rework": "rework", "claim_unreasonable": "unreasonable_review", "appeal": "unreasonable_review",
                  "archive": "archived", "review": "=", "supervise": "=", "report_progress": "=",
                  "accept_progress": "=", "flag": "=", "decide_flag": "="},
    "rework": UNIT_ANY | {"reply": "revisit_manual"},
    "unreasonable_review": {"decide_unreasonable": "finalized", "supervise": "=", "report_progress": "=",
                            "accept_progress": "=", "flag": "=", "decide_flag": "=", "cancel": "cancelled"},
    "archived": {}, "merged": {}, "cancelled": {},
}  # fmt: skip
ENDED = {"archived", "merged", "cancelled"}
VERBS = sorted({verb for row in MODEL.values() for verb in row})


def draw_arguments(verb: str, flow: Flow, dice: random.Random) -> dict[str, object]:
    """Draw plausible arguments for a verb; now and then something is missing."""
    lead = flow.snap.lead
    due = ((lead.close_due_at if lead else flow.at) + timedelta(hours=dice.randrange(1, 60))).isoformat()
    informed = {"at": flow.at.isoformat(), "way": "phone"}
    table: dict[str, dict[str, object]] = {
        "answer": {"text": "答复"}, "merge": {"into": "T2", "reason": dice.choice(["", "同一事项"])},
        "dispatch": {"unit": dice.choice(["U01", "U01", "U02", "U03", "X"])}, "assist": {"unit": "U02"},
        "hand_on": {"unit": dice.choice(["U11", "U11", "U21"]), "dispatch_kind": dice.choice(["entrust", "transfer"])},
        "reassign": {"unit": dice.choice(["U01", "U02"])},
        "regrade": {"grade": dice.choice(["general", "urgent"]), "reason": "扬言"},
        "return": {"reason": "不属于", "files": ["f"], "signed_by": "seal"},
        "attach": {"files": [f"f{dice.randrange(9)}"]}, "contact": {"reached": dice.random() < 0.5},
        "extend": {"new_due_at": due, "reason": "待料", "requester_informed": informed},
        "reply": {"text": f"答复{dice.randrange(9)}"}, "amend": {"text": "更正"},
        "close": dice.choice([{"feedback": "好", "no_objection": True, "text": "答复"}, {"feedback": "好"},
                              {"close_type": "explained_unresolvable", "explanation": "政策", "text": "答复"}]),
        "send_back": {"reason": "答复为空"}, "supervise": {"reason": "媒体"}, "report_progress": {"text": "已办"},
        "visit": {"note": "原话", "kind": dice.choice(["auto", "manual"]),
                  "answer": dice.choice(["satisfied", "unsatisfied", "unsatisfied", "no_reply", "unreached"])},
        "rework": {"summary": "仍不亮"}, "claim_unreasonable": {"reason": "超职权", "files": ["f"]},
        "decide_unreasonable": {"accept": dice.random() < 0.5, "reason": "x", "class": "untrue"},
        "appeal": {"reason": "有纪要"}, "object": {"reason": "已按时答复"}, "review": {"conclusion": "不力"},
        "flag": {dice.choice(["mass_incident", "hard_case"]): True, "reason": "多户"}, "cancel": {"reason": "撤回"},
    }  # fmt: skip
    if verb == "decide_return" and dice.random() < 0.3:
        return {"accept": True, "unit": dice.choice(["U01", "U02"])}
    if verb.startswith(("decide_", "accept_")) and verb not in table:
        return {"accept": dice.random() < 0.6, "reason": dice.choice(["理由", ""])}
    return dict(table.get(verb, {}))


@pytest.mark.timeout(3600)
def test_a_random_walk_never_leaves_the_model_and_never_loses_a_duty_or_a_responsible_unit_G25() -> None:
    dice = random.Random(20261110)
    done = 0
    moved: set[str] = set()
    while done < STEPS:
        flow = Flow(grade=dice.choice(list(Grade)), category=dice.choice(list(Category)))
        flow.other = Flow(number=2, category=dice.choice(list(Category)))
        while done < STEPS and str(flow.state) not in ENDED and len(flow.plans) < 60:
            done += 1
            allowed = MODEL[str(flow.state)]
            unlikely = {"cancel", "merge", "answer", "archive"}
            if str(flow.state) == "finalized" and flow.ticket.final_answer != "unsatisfied":
                unlikely.remove("archive")  # little else can happen to it
            verb = dice.choice(sorted(set(allowed) - unlikely) or VERBS) if dice.random() < 0.9 else dice.choice(VERBS)
            fitting = [name for name, actor in ROLES.items() if is_allowed(actor.role, verb)]
            role = dice.choice(fitting) if dice.random() < 0.85 else dice.choice(list(ROLES))
            before, version = str(flow.state), flow.ticket.version
            flow.wait(minutes=dice.choice([0, 0, 1, 5, 30, 240]))
            try:
                flow.act(role, verb, **draw_arguments(verb, flow, dice))
            except Refused:
                assert flow.ticket.version == version
                continue
            except Unchanged:
                continue
            moved.add(verb)
            check(flow, before, verb, role)
    assert moved >= set(VERBS) - {"accept"}, set(VERBS) - moved  # no walk begins in `registered`


def check(flow: Flow, before: str, verb: str, role: str) -> None:
    """Assert what must hold after every move."""
    after = str(flow.state)
    lead = flow.snap.lead
    entry = flow.plans[-1].entry
    is_assisting = entry.assignment_id is not None and (lead is None or entry.assignment_id != lead.id)
    if not is_assisting or verb == "decide_return":
        assert verb in MODEL[before], (before, verb, role)
        targets = MODEL[before][verb].replace("=", before).split()
        assert after in targets, (before, verb, after)
    ticket = flow.snap.ticket
    assert ticket.version == len(flow.plans) + 1 and ticket.journal_head == entry.hash
    assert entry.hash == hash_entry(KEY, entry)
    open_duties = [d for d in flow.snap.duties if d.met_at is None]
    if after in ENDED - {"archived"}:
        assert not open_duties
    if after == "pending_dispatch":
        assert lead is None  # the institution is responsible
    if after in ("dispatched", "signed", "return_review", "extension_review", "replied"):
        assert lead is not None and lead.ended_at is None and lead.state == after
        closing = [d for d in open_duties if d.kind == "close" and d.assignment_id == lead.id]
        assert len(closing) == 1 and closing[0].due_at == lead.close_due_at
        signing = [d for d in open_duties if d.kind == "sign" and d.assignment_id == lead.id]
        assert len(signing) == (after == "dispatched")
    assert lead is None or lead.extension_count <= 2
    assert ticket.first_receiver == "M01"  # A3
    if after == "dispatched" and lead is not None:
        assert {d.due_at for d in open_duties if d.kind == "reply" and d.assignment_id == lead.id} == {
            lead.close_due_at
        }
    assert not [d for d in open_duties if d.kind == "reply" and after in ("closed", "archived") and not is_assisting]
    cards = [p for p in flow.plans if p.entry.verb == "red_card"]
    withdrawn_cards = sum("card_taken_back" in p.entry.arguments for p in flow.plans if p.entry.verb == "decide_return")
    assert len(cards) - len({p.entry.assignment_id for p in cards}) <= withdrawn_cards  # one red card per assignment
    if after in ENDED | {"finalized"}:  # nobody assists what is over
        assert all(a.lead or a.ended_at for a in flow.snap.assignments)
    other = flow.other.snap.ticket if flow.other else None
    assert other is None or other.merged_count == (after == "merged")
