"""同意 and 不同意: decides a request by button or by replying to the card; a refusal needs a reason."""

from typing import Any

from backend.delivery.buttons import DECISION_VERB_OF, PER_ROW
from backend.domain.button_data import ButtonData
from backend.domain.move_table import is_allowed
from backend.domain.records import Request
from backend.domain.refusals import Refused
from backend.domain.verb_fields import UNREASONABLE_CLASSES
from backend.ports.tickets import TicketRef
from bot.actions import ticket
from bot.conversation import ButtonRows, Conversation

REVIEW_CARD = "review_requested"  # the kind of card that asks for a decision
REQUEST_QUESTION = "request"  # the question a reply to such a card answers, while none was asked
AGREE, DISAGREE = "agree", "disagree"
CLASSIFIED_KINDS = ("unreasonable", "appeal")  # approved only with class and reason (Q38)


def is_review_question(what: str | None) -> bool:
    """Whether a question is about a request; `agree.CLASS` holds the chosen class."""
    return what is not None and what.partition(".")[0] in (REQUEST_QUESTION, AGREE, DISAGREE)


async def _load_request(chat: Conversation, request_id: int) -> tuple[Request, str]:
    """Load an open request and its verb. Refused `forbidden`, `not_found`, `overtaken` once it is decided."""
    request = await chat.services.chat_state.get_request(request_id)
    if request is None or request.kind not in DECISION_VERB_OF or chat.actor.is_unit_member:
        raise Refused("not_found", request=request_id)
    if not is_allowed(chat.actor.role, DECISION_VERB_OF[request.kind]):
        raise Refused("forbidden", verb=DECISION_VERB_OF[request.kind])
    if request.decision is not None and request.decided_at is not None:
        raise Refused("overtaken", by=request.decided_by, at=request.decided_at.isoformat())
    return request, DECISION_VERB_OF[request.kind]


async def approve(chat: Conversation, request_id: int, why: str = "") -> None:
    """Handle 同意; for a claim or appeal, ask for the class first."""
    request, verb = await _load_request(chat, request_id)
    if request.kind in CLASSIFIED_KINDS:
        await _check(chat, request, verb, accept=True, **{"class": UNREASONABLE_CLASSES[0]})
        await _ask_class(chat, request)
        return
    await _decide(chat, request, verb, accept=True, reason=why)
    await chat.answer_key("toast.approved")
    await chat.update_card()


async def _ask_class(chat: Conversation, request: Request) -> None:
    """Send the eight classes as buttons (Q38)."""
    keys = [
        (f"word.class.{name}", ButtonData("class", request.id, place))
        for place, name in enumerate(UNREASONABLE_CLASSES)
    ]
    rows: ButtonRows = [keys[i : i + PER_ROW] for i in range(0, len(keys), PER_ROW)]
    await chat.send_text(chat.render("decide.class", ticket_no=await _get_ticket_no(chat, request)), rows)
    await chat.show_toast(chat.render("toast.asked"))


async def choose_class(chat: Conversation, request_id: int, place: int) -> None:
    """Handle a chosen class: ask for the reason."""
    request, _ = await _load_request(chat, request_id)
    if request.kind not in CLASSIFIED_KINDS or place >= len(UNREASONABLE_CLASSES):
        raise Refused("not_found", request=request_id)
    await chat.remove_buttons()
    await chat.ask(
        "decide.agree_reason",
        f"{AGREE}.{UNREASONABLE_CLASSES[place]}",
        request_id,
        ticket_no=await _get_ticket_no(chat, request),
    )


async def ask_refusal_reason(chat: Conversation, request_id: int) -> None:
    """Handle 不同意: ask for the reason."""
    request, verb = await _load_request(chat, request_id)
    await _check(chat, request, verb, accept=False)
    await chat.ask("decide.refuse_reason", DISAGREE, request_id, ticket_no=await _get_ticket_no(chat, request))


async def answer_review(chat: Conversation, question: str, request_id: int, text: str) -> None:
    """Handle a reply to the card or to the question asked."""
    asked, _, class_ = question.partition(".")
    if asked == AGREE and class_ in UNREASONABLE_CLASSES:
        await _approve_with_class(chat, request_id, class_, text)
        return
    refusal, approval = (
        _strip_keyword(chat, "decide.refuse_words", text),
        _strip_keyword(chat, "decide.agree_words", text),
    )
    if asked == DISAGREE or refusal is not None:
        await _refuse(chat, request_id, text if refusal is None else refusal)
    elif approval is not None:
        await approve(chat, request_id, approval)
    else:
        await _load_request(chat, request_id)
        await chat.answer_key("decide.how")


async def _approve_with_class(chat: Conversation, request_id: int, class_: str, text: str) -> None:
    request, verb = await _load_request(chat, request_id)
    if not text:
        await chat.ask(
            "decide.agree_reason", f"{AGREE}.{class_}", request_id, ticket_no=await _get_ticket_no(chat, request)
        )
        return
    await _decide(chat, request, verb, accept=True, reason=text, **{"class": class_})
    await chat.delete_question()
    await chat.answer_key("decide.done_class", **{"class": chat.render(f"word.class.{class_}")})


async def _refuse(chat: Conversation, request_id: int, text: str) -> None:
    """Refuse the request with this reason; ask for it when it is empty."""
    request, verb = await _load_request(chat, request_id)
    if not text:
        await chat.ask("decide.refuse_reason", DISAGREE, request_id, ticket_no=await _get_ticket_no(chat, request))
        return
    await _decide(chat, request, verb, accept=False, reason=text)
    await chat.delete_question()
    await chat.answer_key("toast.refused")


def _strip_keyword(chat: Conversation, key: str, text: str) -> str | None:
    """Return the text after one of the words of that key; None when it begins with none of them."""
    word = next((w for w in chat.render(key).split() if text.lower().startswith(w)), None)
    return None if word is None else text[len(word) :].strip(" ,.:;，。：；、\n")


async def send_request_files(chat: Conversation, request_id: int) -> bool:
    """Handle 查看材料 on a reviewer's card, whose subject is the request; False when it is no request."""
    request = await chat.services.chat_state.get_request(request_id)
    if request is None:
        return False
    if not chat.actor.may_see(request.unit):
        raise Refused("not_found", request=request_id)
    await ticket.send_files(chat, [str(f) for f in request.facts.get("files", ())])
    return True


async def _get_ticket_no(chat: Conversation, request: Request) -> str:
    snap = await chat.services.tickets.moves.load(TicketRef(ticket_id=request.ticket_id))
    if snap is None:
        raise Refused("not_found", request=request.id)
    chat.subject = snap.ticket
    return snap.ticket.ticket_no


async def _check(chat: Conversation, request: Request, verb: str, **arguments: Any) -> None:
    """Refuse a decision that would be refused whatever its reason, before that is asked for (XM21)."""
    snap = await chat.services.tickets.moves.load(TicketRef(ticket_id=request.ticket_id))
    if snap is not None:
        chat.subject = snap.ticket
        which: dict[str, Any] = {"flag": request.kind} if verb == "decide_flag" else {}
        await chat.check(verb, snap, request.assignment_id, reason="…", **which, **arguments)


async def _decide(chat: Conversation, request: Request, verb: str, **arguments: Any) -> None:
    if request.assignment_id is not None and verb != "decide_unreasonable":
        await chat.act(verb, assignment_id=request.assignment_id, **arguments)
        return
    which: dict[str, Any] = {"flag": request.kind} if verb == "decide_flag" else {}  # a ticket may have several open
    await chat.act(verb, ticket_no=await _get_ticket_no(chat, request), **which, **arguments)
