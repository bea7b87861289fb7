"""同意 and 不同意: decides a request by button or by replying to the card; a refusal needs a reason."""

from typing import Any

from backend.delivery.buttons import DECISION_VERB_OF, PER_ROW
from backend.domain.button_data import ButtonData
from backend.domain.move_table import is_allowed
from backend.domain.records import Request
from backend.domain.refusals import Refused
from backend.domain.verb_fields import UNREASONABLE_CLASSES
from backend.ports.moves import TicketRef
from bot.talk import Rows, Talk
from bot.things import view

CARD = "M9r"  # the kind of card that asks for a decision
REQUEST = "request"  # the question a reply to such a card answers, while none was asked
AGREE, DISAGREE = "agree", "disagree"
WITH_CLASS = ("unreasonable", "appeal")  # approved only with class and reason (Q38)


def about(what: str | None) -> bool:
    """Whether a question is about a request; `agree.CLASS` holds the chosen class."""
    return what is not None and what.partition(".")[0] in (REQUEST, AGREE, DISAGREE)


async def _open(talk: Talk, request_id: int) -> tuple[Request, str]:
    """Load an open request and its verb. Refused `forbidden`, `not_found`, `overtaken` once it is decided."""
    request = await talk.house.drafts.get_request(request_id)
    if request is None or request.kind not in DECISION_VERB_OF or talk.actor.is_unit_member:
        raise Refused("not_found", request=request_id)
    if not is_allowed(talk.actor.role, DECISION_VERB_OF[request.kind]):
        raise Refused("forbidden", verb=DECISION_VERB_OF[request.kind])
    if request.decision is not None and request.decided_at is not None:
        raise Refused("overtaken", by=request.decided_by, at=request.decided_at.isoformat())
    return request, DECISION_VERB_OF[request.kind]


async def agree(talk: Talk, request_id: int, why: str = "") -> None:
    """Handle 同意; for a claim or appeal, ask for the class first."""
    request, verb = await _open(talk, request_id)
    if request.kind in WITH_CLASS:
        await _ask_class(talk, request)
        return
    await _decide(talk, request, verb, accept=True, reason=why)
    await talk.told("toast.approved")
    await talk.redraw()


async def _ask_class(talk: Talk, request: Request) -> None:
    """Send the eight classes as buttons (Q38)."""
    keys = [
        (f"word.class.{name}", ButtonData("class", request.id, place))
        for place, name in enumerate(UNREASONABLE_CLASSES)
    ]
    rows: Rows = [keys[i : i + PER_ROW] for i in range(0, len(keys), PER_ROW)]
    await talk.say(talk.say_key("decide.class", ticket_no=await _no(talk, request)), rows)
    await talk.toast(talk.say_key("toast.asked"))


async def chosen(talk: Talk, request_id: int, place: int) -> None:
    """Handle a chosen class: ask for the reason."""
    request, _ = await _open(talk, request_id)
    if request.kind not in WITH_CLASS or place >= len(UNREASONABLE_CLASSES):
        raise Refused("not_found", request=request_id)
    await talk.strip()
    await talk.ask(
        "decide.agree_reason", f"{AGREE}.{UNREASONABLE_CLASSES[place]}", request_id, no=await _no(talk, request)
    )


async def disagree(talk: Talk, request_id: int) -> None:
    """Handle 不同意: ask for the reason."""
    request, _ = await _open(talk, request_id)
    await talk.ask("decide.refuse_reason", DISAGREE, request_id, no=await _no(talk, request))


async def words(talk: Talk, what: str, request_id: int, text: str) -> None:
    """Handle a reply to the card or to the question asked."""
    asked, _, class_ = what.partition(".")
    if asked == AGREE and class_ in UNREASONABLE_CLASSES:
        await _agreed_by_class(talk, request_id, class_, text)
        return
    refusal, approval = _after(talk, "decide.refuse_words", text), _after(talk, "decide.agree_words", text)
    if asked == DISAGREE or refusal is not None:
        await _refused(talk, request_id, text if refusal is None else refusal)
    elif approval is not None:
        await agree(talk, request_id, approval)
    else:
        await _open(talk, request_id)
        await talk.told("decide.how")


async def _agreed_by_class(talk: Talk, request_id: int, class_: str, text: str) -> None:
    request, verb = await _open(talk, request_id)
    if not text:
        await talk.ask("decide.agree_reason", f"{AGREE}.{class_}", request_id, no=await _no(talk, request))
        return
    await _decide(talk, request, verb, accept=True, reason=text, **{"class": class_})
    await talk.settled()
    await talk.told("decide.done_class", **{"class": talk.say_key(f"word.class.{class_}")})


async def _refused(talk: Talk, request_id: int, text: str) -> None:
    """Refuse the request with this reason; ask for it when it is empty."""
    request, verb = await _open(talk, request_id)
    if not text:
        await talk.ask("decide.refuse_reason", DISAGREE, request_id, no=await _no(talk, request))
        return
    await _decide(talk, request, verb, accept=False, reason=text)
    await talk.settled()
    await talk.told("toast.refused")


def _after(talk: Talk, key: str, text: str) -> str | None:
    """Return the text after one of the words of that key; None when it begins with none of them."""
    word = next((w for w in talk.say_key(key).split() if text.lower().startswith(w)), None)
    return None if word is None else text[len(word) :].strip(" ,.:;，。：；、\n")


async def files(talk: Talk, request_id: int) -> bool:
    """Handle 查看材料 on a reviewer's card, whose subject is the request; False when it is no request."""
    request = await talk.house.drafts.get_request(request_id)
    if request is None:
        return False
    if talk.actor.is_unit_member and request.unit != talk.actor.unit:
        raise Refused("not_found", request=request_id)
    await view.files(talk, [str(f) for f in request.facts.get("files", ())])
    return True


async def _no(talk: Talk, request: Request) -> str:
    snap = await talk.house.desk.moves.load(TicketRef(ticket_id=request.ticket_id))
    if snap is None:
        raise Refused("not_found", request=request.id)
    return snap.ticket.no


async def _decide(talk: Talk, request: Request, verb: str, **said: Any) -> None:
    if request.assignment_id is not None and verb != "decide_unreasonable":
        await talk.act(verb, assignment_id=request.assignment_id, **said)
        return
    which: dict[str, Any] = {"flag": request.kind} if verb == "decide_flag" else {}  # a ticket may have several open
    await talk.act(verb, ticket_no=await _no(talk, request), **which, **said)
