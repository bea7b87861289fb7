"""同意 and 不同意: what one person asked, another decides; a no needs its reason."""

from backend.domain.records import Request
from backend.domain.refusals import Refused
from backend.domain.table import may
from backend.ports.moves import Find
from bot.talk import Talk
from bot.things import view

#: The verb that decides each kind of request.
DECIDES = {
    "return": "decide_return",
    "extension": "decide_extension",
    "explained_close": "decide_close",
    "mass_incident": "decide_flag",
    "unreasonable": "decide_unreasonable",
    "appeal": "decide_unreasonable",
}
ON_CONSOLE = ("unreasonable", "appeal")  # they need a class and a reason from a list


async def _open(talk: Talk, request_id: int) -> tuple[Request, str]:
    """The request and its verb. Refused `forbidden`, `not_found`, or `overtaken` once it is decided."""
    request = await talk.house.drafts.request(request_id)
    if request is None or request.kind not in DECIDES or talk.actor.of_unit:
        raise Refused("not_found", request=request_id)
    if not may(talk.actor.role, DECIDES[request.kind]):
        raise Refused("forbidden", verb=DECIDES[request.kind])
    if request.decision is not None and request.decided_at is not None:
        raise Refused("overtaken", by=request.decided_by, at=request.decided_at.isoformat())
    return request, DECIDES[request.kind]


async def agree(talk: Talk, request_id: int) -> None:
    """同意."""
    request, verb = await _open(talk, request_id)
    if request.kind in ON_CONSOLE:
        await talk.told("bot.on_console")
        return
    await _decide(talk, request, verb, True, "")
    await talk.told("toast.approved")
    await talk.redraw()


async def disagree(talk: Talk, request_id: int) -> None:
    """不同意: first the reason."""
    request, _ = await _open(talk, request_id)
    if request.kind in ON_CONSOLE:
        await talk.told("bot.on_console")
        return
    await talk.ask("ask.decide_reason", "disagree", request_id)


async def reason(talk: Talk, request_id: int, text: str) -> None:
    """The reason of a no."""
    request, verb = await _open(talk, request_id)
    if not text:
        await talk.ask("ask.decide_reason", "disagree", request_id)
        return
    await _decide(talk, request, verb, False, text)
    await talk.settled()
    await talk.told("toast.refused")


async def files(talk: Talk, request_id: int) -> bool:
    """查看材料 on a reviewer's card, whose subject is the request; False when it is no request."""
    request = await talk.house.drafts.request(request_id)
    if request is None:
        return False
    if talk.actor.of_unit and request.unit != talk.actor.unit:
        raise Refused("not_found", request=request_id)
    await view.files(talk, [str(f) for f in request.facts.get("files", ())])
    return True


async def _decide(talk: Talk, request: Request, verb: str, accept: bool, why: str) -> None:
    if request.assignment_id is not None:
        await talk.act(verb, assignment_id=request.assignment_id, accept=accept, reason=why)
        return
    snap = await talk.house.desk.moves.load(Find(ticket_id=request.ticket_id))
    if snap is None:
        raise Refused("not_found", request=request.id)
    await talk.act(verb, ticket_no=snap.ticket.no, accept=accept, reason=why)
