"""The page on which requesters rate: the questions of the call, and when its answer counts (XM30); 0.3 s in all."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from backend.domain.acts import Actor
from backend.domain.decision import Unchanged
from backend.domain.rating_page import (
    MAX_REASON,
    SETTLE_BEFORE,
    PageState,
    check_offer,
    find_deadline,
    judge_page,
    list_questions,
    may_give,
    parse_rating,
)
from backend.domain.refusals import Refused
from backend.domain.script_files import load_script
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Answer, Category, Grade, Obligation, Role, Source, State
from tests.domain.move_world import ROLES, Flow, closed, refused, signed, unsatisfied

ANSWERS = {"contacted": "no", "resolved": "unresolved", "satisfaction": "unsatisfied", "reason": " 灯还是不亮\r\n "}


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_the_page_asks_what_the_call_asks_in_its_words_and_its_order_XM30(language: str) -> None:
    texts, steps = Texts(language), load_script("visit").steps
    questions = list_questions()
    assert [q.name for q in questions] == ["contacted", "resolved", "satisfaction"]
    for question, step in zip(questions, ("V2", "V3", "V4"), strict=True):
        keys = [branch.answer[question.name] for branch in steps[step].on.values() if branch.answer]
        assert list(question.options) == keys
        assert texts.render(f"visit.{step}").startswith(texts.render(f"rating.{question.name}"))


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"contacted": ""}, "rating_incomplete", "contacted"),
        ({"resolved": "yes"}, "rating_incomplete", "resolved"),  # an answer to another question
        ({"satisfaction": "unclear"}, "rating_incomplete", "satisfaction"),  # stored, but nobody can choose it
        ({"satisfaction": "SATISFIED"}, "rating_incomplete", "satisfaction"),
        ({"reason": "灯" * (MAX_REASON + 1)}, "rating_too_long", "reason"),
    ],
)
def test_only_the_answers_of_the_call_are_taken(changed: dict[str, str], code: str, field: str) -> None:
    with pytest.raises(Refused, match=f"^{code}$") as told:
        parse_rating({**ANSWERS, **changed})
    assert told.value.facts["field"] == field


@pytest.mark.parametrize(
    ("satisfaction", "reason", "recorded", "in_danger"),
    [
        ("satisfied", "", Answer.SATISFIED, False),
        ("basically_satisfied", "师傅态度好", Answer.BASICALLY_SATISFIED, False),
        ("unsatisfied", "灯还是不亮", Answer.UNSATISFIED, False),
        ("unsatisfied", "再没人管我就不想活了", Answer.UNSATISFIED, True),
        ("satisfied", "我不想活了", Answer.UNCLEAR, True),  # never settled without a person
    ],
)
def test_words_of_danger_are_heard_whatever_was_ticked_XM19(
    satisfaction: str, reason: str, recorded: Answer, in_danger: bool
) -> None:
    rating = parse_rating({**ANSWERS, "satisfaction": satisfaction, "reason": reason})
    assert (rating.answer, rating.in_danger) == (recorded, in_danger)


def test_what_was_written_is_kept_without_what_browsers_add() -> None:
    assert parse_rating(ANSWERS).reason == "灯还是不亮"


# -- when its answer counts


def visited(**answer: object) -> Flow:
    """A ticket whose automatic visit ended so."""
    return closed().act("clock", "start_visit").act("clock", "visit", kind="auto", **answer)


def kept_secret() -> Flow:
    """A confidential ticket, which a person visits from the start."""
    flow = Flow().act("dispatcher", "flag", reason="诉求人要求保密", confidential=True)
    flow.act("dispatcher", "dispatch", unit="U01").act("handler", "sign")
    flow.act("handler", "close", text="已办", feedback="好", no_objection=True).act("clock", "start_visit")
    assert flow.state is State.REVISIT_MANUAL
    return flow


BY_HAND: dict[str, Callable[[], Flow]] = {
    "a person was to visit anyway": kept_secret,
    "drawn as a sample of the unreached": lambda: visited(answer="unreached", sampled=True),
    "a person tried once in vain": lambda: visited(answer="unreached", sampled=True).act(
        "agent", "visit", kind="manual", answer="unreached"
    ),
}
SETTLED: dict[str, tuple[Callable[[], Flow], PageState]] = {
    "not closed": (signed, PageState.ENDED),
    "answered by telephone": (lambda: visited(answer="satisfied"), PageState.ENDED),
    "a no to the machine, which a person must hear": (lambda: visited(answer="unsatisfied"), PageState.ENDED),
    "words of danger": (lambda: visited(answer="unclear", want_person=True, because="danger"), PageState.ENDED),
    "silence, deemed": (lambda: visited(answer="no_reply"), PageState.ENDED),
    "a person's result": (unsatisfied, PageState.ENDED),
    "by a page": (lambda: rate(closed().act("clock", "start_visit"), "satisfied"), PageState.ANSWERED),
    "by a page, not satisfied": (lambda: rate(closed(), "unsatisfied"), PageState.ANSWERED),
    "by a page while a person was to visit": (lambda: rate(kept_secret(), "unsatisfied"), PageState.ANSWERED),
}


def rate(flow: Flow, answer: str, because: str = "") -> Flow:
    """Answer on the page."""
    follows = {"want_person": bool(because), "because": because}
    return flow.act("clock", "visit", source=Source.PAGE, kind="auto", answer=answer, note="page", **follows)


@pytest.mark.parametrize("start", [closed, lambda: closed().act("clock", "start_visit"), *BY_HAND.values()])
def test_one_answer_settles_the_visit_as_a_call_would_XM30(start: Callable[[], Flow]) -> None:
    flow = start()
    assert judge_page(flow.snap, 1) is PageState.OPEN
    rate(flow, "basically_satisfied")
    assert (flow.state, flow.ticket.final_answer, flow.ticket.deemed_satisfied) == (
        State.FINALIZED, "basically_satisfied", False)  # fmt: skip
    assert "revisit" not in flow.open_duties
    with refused("not_now"):
        rate(flow, "satisfied")


@pytest.mark.parametrize("start", [closed, lambda: closed().act("clock", "start_visit"), *BY_HAND.values()])
def test_a_no_on_the_page_goes_to_a_person_and_no_second_page_takes_it_back_XD6(start: Callable[[], Flow]) -> None:
    flow = start()
    due = find_deadline(flow.snap) if flow.state is State.REVISIT_MANUAL else None
    rate(flow, "unsatisfied", "unsatisfied")
    assert flow.state is State.REVISIT_MANUAL
    assert due in (None, find_deadline(flow.snap))  # whoever had the task has no more time for it
    with refused("not_now"):
        rate(flow, "satisfied")
    flow.act("agent", "visit", kind="manual", answer="satisfied", note="“修好了”")
    assert flow.ticket.final_answer == "satisfied"


def test_words_of_danger_make_the_task_of_a_person_urgent_XM19() -> None:
    flow = rate(kept_secret(), "unclear", "danger")
    (duty,) = [d for d in flow.snap.duties if d.kind is Obligation.REVISIT and d.met_at is None]
    assert duty.grade is Grade.URGENT and duty.due_at - flow.at <= timedelta(hours=2)


@pytest.mark.parametrize("name", SETTLED)
def test_a_page_of_a_settled_visit_takes_nothing(name: str) -> None:
    start, state = SETTLED[name]
    flow = start()
    before = flow.ticket.version
    assert judge_page(flow.snap, 1) is state
    with pytest.raises((Refused, Unchanged)):  # unchanged: the very same answer once more
        rate(flow, "satisfied")
    assert flow.ticket.version == before


def test_a_page_belongs_to_one_round_of_visits() -> None:
    flow = unsatisfied().act("reviewer", "rework", summary="路灯还是不亮").act("handler", "reply", text="已再修")
    assert (judge_page(flow.snap, 1), judge_page(flow.snap, 2)) == (PageState.ENDED, PageState.OPEN)


# -- who may be given one


def test_a_page_is_open_as_long_as_the_visit_may_last() -> None:
    flow = closed()
    due = check_offer(flow.snap, flow.snapshot.settings, flow.at)
    deadline = find_deadline(flow.snap)
    assert deadline is not None and due == deadline - SETTLE_BEFORE > flow.at  # the visit that waits for it is in time
    assert check_offer(flow.snap, flow.snapshot.settings, due) == deadline
    with refused("visit_overdue"):
        check_offer(flow.snap, flow.snapshot.settings, deadline)


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (signed, "not_now"),
        (lambda: visited(answer="satisfied"), "not_now"),
        (lambda: visited(answer="unsatisfied"), "not_now"),
        (lambda: rate(kept_secret(), "unsatisfied"), "not_now"),
        (lambda: closed(category=Category.PRAISE), "not_now"),  # nobody is visited about praise (Q40)
        (lambda: closed(visit__by_machine="false"), "visited_elsewhere"),  # 12351 asks (Q45)
    ],
)
def test_no_page_is_offered_where_there_is_nothing_to_answer(start: Callable[[], Flow], code: str) -> None:
    flow = start()
    with refused(code):
        check_offer(flow.snap, flow.snapshot.settings, flow.at)


def test_who_handled_a_ticket_does_not_hand_over_its_page() -> None:
    flow = closed()

    def is_offered(actor: Actor, of: Flow = flow) -> bool:
        return may_give(of.snap, actor, of.snapshot.settings, of.at)

    assert {role for role in Role if is_offered(Actor("X9", role, "M01"))} == {Role.REVISIT_AGENT, Role.ADMIN}
    assert not is_offered(ROLES["handler"]) and is_offered(ROLES["agent"])
    assert not is_offered(Actor("H1", Role.ADMIN, "M01"))  # H1 signed and closed it
    for nothing in (closed(category=Category.PRAISE), closed(visit__by_machine="false"), signed()):
        assert not is_offered(ROLES["agent"], nothing), "what would be refused is not offered (Q40, Q45)"
