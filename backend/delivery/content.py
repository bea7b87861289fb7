"""Fills the text of each message kind: a table of the facts it needs beyond the common ones."""

from collections.abc import Callable
from typing import Any

from backend.delivery.kinds import KINDS, OPEN_STATES, REVIEWS, find_request
from backend.delivery.view import MessageView
from backend.domain.texts import find_placeholders
from backend.domain.ticket_enums import Answer, Obligation

Facts = dict[str, Any]


def _reason(v: MessageView) -> Facts:
    return {"reason": v.mask_text(v.message_facts.get("reason")).rstrip("。.")}


def _due(kind: Obligation) -> Callable[[MessageView], Facts]:
    def facts(v: MessageView) -> Facts:
        due = v.find_due(kind) or v.get_instant("due")
        return {"due": v.format_time(due), "left": v.format_left(due)}

    return facts


def _returned(v: MessageView) -> Facts:
    timely = v.texts.get_word("return_timely", "yes" if v.message_facts.get("timely") else "no")
    asked = next((r.asked_at for r in reversed(v.snap.requests) if r.kind == "return"), v.now)
    return {"at": v.format_time(asked), "timely_text": timely, "review_due": v.format_time(v.get_instant("review_due"))}


def _extension(v: MessageView) -> Facts:
    count = v.message_facts.get("n") or (v.target.extension_count + 1 if v.target else 1)
    new, review = v.get_instant("new_due"), v.get_instant("review_due")
    return {"n": count, "new_due": v.format_time(new), "review_due": v.format_time(review)}


def _review(v: MessageView) -> Facts:
    request_id = find_request(v.snap, str(v.message_facts.get("what", "return")), v.target.id if v.target else None)
    request = next((r for r in v.snap.requests if r.id == request_id), None)
    due = v.get_instant("review_due") or (request.review_due_at if request else None)
    return _extension(v) | _reason(v) | {"review_due": v.format_time(due)}


def _withdrawn(v: MessageView) -> Facts:
    how = str(v.message_facts.get("how"))
    return {"what": v.texts.get_word("taken_away", how if how in ("reassigned", "handed_on") else "cancelled")}


def _closed(v: MessageView) -> Facts:
    at = v.target.closed_at if v.target else None
    timely = v.message_facts.get("timely")
    timely_text = v.format_timeliness(at) if timely is None else v.texts.get_word("timely", "yes" if timely else "no")
    return {"at": v.format_time(at or v.now), "timely": timely_text}


def _is_overdue(v: MessageView) -> bool:
    return v.target is not None and v.target.state in OPEN_STATES and v.now > v.target.close_due_at


def _claim(v: MessageView) -> Facts:
    accepted = bool(v.message_facts.get("accepted"))
    again = v.objection_days if v.message_facts.get("appealable") and not accepted else ""
    decision = v.texts.get_word("unreasonable", "accepted" if accepted else "refused")
    return _reason(v) | {"decision": decision, "n": again}


def _visit(v: MessageView) -> Facts:
    ticket, last = v.snap.ticket, v.snap.visits[-1] if v.snap.visits else None
    if "confidential" in ticket.flags:
        why = "confidential"
    elif v.message_facts.get("why"):
        why = str(v.message_facts["why"])
    elif not ticket.has_phone:
        why = "no_phone"
    elif last is not None and last.answer == Answer.UNSATISFIED:
        why = "unsatisfied"
    else:
        why = "unclear"
    return {"reason": v.texts.get_word("visit_reason", why), "due": v.format_time(v.find_due(Obligation.REVISIT))}


#: kind → facts beyond View.facts
EXTRA_FACTS: dict[str, Callable[[MessageView], Facts]] = {
    "close_reminder": lambda v: {"left": v.format_left(v.target.close_due_at if v.target else None)},
    "red_card": lambda v: {"n": v.objection_days},
    "objection_decided": lambda v: (
        _reason(v)
        | {"decision": v.texts.get_word("objection", "accepted" if v.message_facts.get("accepted") else "refused")}
    ),
    "return_submitted": _returned,
    "review_requested": _review,
    "return_refused": _reason,
    "return_arbitrated": _reason,
    "assignment_withdrawn": _withdrawn,
    "extension_submitted": _extension,
    "extension_accepted": _extension,
    "extension_refused": _reason,
    "explained_close_refused": _reason,
    "supervised": lambda v: (
        _reason(v) | {"supervise_due": v.format_time(v.get_instant("due") or v.find_due(Obligation.SUPERVISE))}
    ),
    "progress_reported": lambda v: {"text": v.mask_text(v.message_facts.get("text"))},
    "unit_explained": lambda v: {"text": v.mask_text(v.message_facts.get("text"))},
    "closed": _closed,
    "sent_back": lambda v: _reason(v) | {"due": v.facts["close_due"]},
    "rework_ordered": lambda v: {
        "summary": v.mask_text(v.message_facts.get("summary")).rstrip("。."),
        "due": v.format_time(v.get_instant("due")),
    },
    "unreasonable_decided": _claim,
    "visit_unsatisfied": lambda v: {"n": v.objection_days},
    "visit_task": _visit,
    "dispatch_reminder": _due(Obligation.DISPATCH),
    "contact_reminder": _due(Obligation.CONTACT),
    "supervision_overdue": _due(Obligation.SUPERVISE),
    "rework_reminder": _due(Obligation.REWORK),
    "recheck_today": lambda v: {"explanation": v.mask_text(v.message_facts.get("explanation"))},
    "part_closed": lambda v: {"text": v.mask_text(v.message_facts.get("text"))},
    "repeat_merged": lambda v: {"n": v.message_facts.get("n", v.snap.ticket.merged_count)},
    "review_overdue": _due(Obligation.REVIEW),
    "visit_due": _due(Obligation.REVISIT),
    "visit_overdue": _due(Obligation.REVISIT),
    "coordination_requested": _reason,
    "call_missed": lambda v: {
        "n": v.message_facts.get("n", 1),
        "time": v.format_time(v.get_instant("at")),
        "duty_phone": v.message_facts.get("duty_phone", ""),
        "next": v.texts.get_word("next_step", "sign" if v.target and v.target.state.is_unsigned else "handle"),
        "overdue": v.facts["close_due"] if _is_overdue(v) else "",
    },
    "bridge_not_started": lambda v: {
        "reason": v.texts.get_word_or_value("call_outcome", str(v.message_facts.get("outcome"))),
        "time": v.format_time(v.get_instant("at")),
    },
    "bridge_unanswered": lambda v: {
        "n": v.message_facts.get("n", 1),
        "time": v.format_time(v.get_instant("at")),
        "enough": v.texts.render("message.bridge_unanswered_enough", n=v.message_facts["n"])
        if v.message_facts.get("enough")
        else "",
    },
    "bridge_done": lambda v: {"seconds": v.message_facts.get("seconds", 0)},
    "bridge_too_short": lambda v: {"seconds": v.message_facts.get("seconds", 0)},
    "duty_callback": lambda v: {"person": v.message_facts.get("person", "")},
    "chat_lost": lambda v: {"name": v.message_facts.get("name", ""), "unit": v.message_facts.get("unit", "")},
}


#: kind → the fact that chooses its text, and the texts that differ from `KINDS`
TEXT_BY_FACT: dict[str, tuple[str, dict[str, str]]] = {
    "visit_unsatisfied": ("to", {"reviewer": "message.visit_undecided"}),
    "visit_task": ("why", {"danger": "message.visit_task_urgent"}),
    "call_missed": ("script", {"danger": "message.missed_danger", "supervise": "message.missed_supervise"}),
}


def get_text_key(kind: str, facts: Any) -> str:
    """Return the catalogue key for a kind; a reviewer's depends on what is asked, a missed call's on what it was about."""
    if kind == "review_requested":
        return REVIEWS[facts.get("what", "return")][0]
    fact, texts = TEXT_BY_FACT.get(kind, ("", {}))
    return texts.get(str(facts.get(fact)), KINDS[kind].text)


def render_text(kind: str, view: MessageView) -> str:
    """Render the text of a message."""
    extra = EXTRA_FACTS.get(kind)
    facts = {**view.facts, "ticket": view.ticket_name, **(extra(view) if extra else {})}
    key = get_text_key(kind, view.message_facts)
    text = view.texts.render(key, **facts)
    if not view.title or "ticket" in find_placeholders(view.texts.get_template(key)):
        return text
    return view.texts.render("message.titled", text=text, title=view.title)


def render_status(view: MessageView) -> str:
    """Render the status lines of a live card from the assignment's state."""
    target = view.target
    assert target is not None
    say, state, facts = view.texts.render, str(target.state), view.facts
    if state == "cancelled":
        word = "cancelled" if str(view.snap.ticket.state) == "cancelled" else "reassigned"
        return say("card.taken_away", what=view.texts.get_word("taken_away", word))
    if state in ("revisit_auto", "revisit_manual", "unreasonable_review"):
        state = "closed"
    if state == "archived":
        state = "finalized"
    if state == "signed" and target.sign_method == "auto":
        state = "auto_signed"
    if state == "replied" and _explained(view):
        state = "explained"
    who = target.replied_by if state == "replied" else target.signed_by
    asked = next((r for r in reversed(view.snap.requests) if r.decision is None), None)
    text = say(
        f"card.{state}", **facts, name=view.get_person_name(who), timely=view.format_timeliness(target.closed_at),
        due=view.format_time(view.find_due(Obligation.REWORK)),
        review_due=view.format_time(asked.review_due_at if asked else None),
        new_due=view.format_time(_new_due(view)),
    )  # fmt: skip
    if state == "replied" and _new_due(view) is not None:
        text += "\n" + say("card.extension_review", **facts, new_due=view.format_time(_new_due(view)))
    ahead = []
    if target.red_card_at is not None and target.closed_at is None and target.ended_at is None:
        ahead.append(say("card.red"))
    supervise = view.find_due(Obligation.SUPERVISE)
    if "supervised" in view.snap.ticket.flags and supervise is not None and target.ended_at is None:
        ahead.append(say("card.supervised", supervise_due=view.format_time(supervise)))
    return "\n".join([*ahead, text])


def _explained(view: MessageView) -> bool:
    return any(
        r.kind == "explained_close" and r.decision is None and view.target and r.assignment_id == view.target.id
        for r in view.snap.requests
    )


def _new_due(view: MessageView) -> Any:
    mine = (r for r in reversed(view.snap.requests) if view.target and r.assignment_id == view.target.id)
    asked = next((r for r in mine if r.kind == "extension" and r.decision is None), None)
    value = asked.facts.get("new_due_at") if asked else None
    return view.now.fromisoformat(value) if isinstance(value, str) else None
