"""Dispatches button presses: decoded, answered once; forged or outdated ones change nothing."""

from collections.abc import Awaitable, Callable

from backend.domain.button_data import ButtonData, decode
from backend.domain.refusals import Refused
from bot.case import Case, open_case
from bot.talk import Talk
from bot.things import (
    contact,
    duty,
    extend,
    loose,
    orders,
    progress,
    reply,
    return_,
    review,
    sheet,
    sign,
    snooze,
    supervisor,
    ticket,
    todo,
    urging,
    view,
)

OnCase = Callable[[Talk, Case, ButtonData], Awaitable[None]]
FORGED = ("not_found", "forbidden", "unbound")  # worth an audit row (FT13, FT34)
STALE = ("overtaken", "not_now", "nothing_pending")


async def _sign(talk: Talk, case: Case, press: ButtonData) -> None:
    await sign.sign(talk, case, press.value)


async def _view(talk: Talk, case: Case, press: ButtonData) -> None:
    await view.view(talk, case)


async def _order(talk: Talk, case: Case, press: ButtonData) -> None:
    await orders.start(talk, case, press.verb)


async def _signed(talk: Talk, case: Case, press: ButtonData) -> None:
    await return_.signed(talk, case, press.verb)


async def _contacted(talk: Talk, case: Case, press: ButtonData) -> None:
    await contact.logged(talk, case, press.verb == "reached")


def _plain(work: Callable[[Talk, Case], Awaitable[None]]) -> OnCase:
    async def done(talk: Talk, case: Case, press: ButtonData) -> None:
        await work(talk, case)

    return done


#: verb of a press about an assignment → its handler
ON_CASE: dict[str, OnCase] = {
    "sign": _sign,
    "view": _view,
    "return": _plain(return_.start),
    "seal": _signed,
    "leader": _signed,
    "go_on": _plain(return_.go_on),
    "go_back": _plain(return_.go_back),
    "reply": _plain(reply.start),
    "close": _plain(reply.start_close),
    "confirm": _plain(reply.no_objection),
    "extend": _plain(extend.start),
    "informed": _plain(extend.informed),
    "contact": _plain(contact.start),
    "reached": _contacted,
    "not_reached": _contacted,
    "report_progress": _plain(progress.start),
    "call_supervisor": _plain(supervisor.start),
    "call_unit": _plain(urging.call_unit),
    "whole": _plain(ticket.opened),
    "attach": _plain(loose.attach),
    "not_attach": _plain(loose.drop),
    "pass_to_duty": _plain(duty.pass_on),
    "view_files": _plain(view.of_case),
    "todo": _plain(todo.again),
    **dict.fromkeys(orders.ORDERS, _order),
}
#: read-only verbs, allowed even after the assignment has ended
ENDED_ALLOWED = frozenset({"view_files", "whole"})


async def _snooze(talk: Talk, press: ButtonData) -> None:
    await snooze.later(talk, press.subject)


async def _class(talk: Talk, press: ButtonData) -> None:
    await review.chosen(talk, press.subject, press.value)


async def _agree(talk: Talk, press: ButtonData) -> None:
    await review.agree(talk, press.subject)


async def _disagree(talk: Talk, press: ButtonData) -> None:
    await review.disagree(talk, press.subject)


async def _next(talk: Talk, press: ButtonData) -> None:
    await todo.one_by_one(talk, press.subject)


async def _page(talk: Talk, press: ButtonData) -> None:
    await todo.page(talk, press.subject)


async def _lines(talk: Talk, press: ButtonData) -> None:
    await sheet.lines(talk, press.subject)


async def _contest(talk: Talk, press: ButtonData) -> None:
    await sheet.choose(talk, press.subject, press.value)


async def _contest_line(talk: Talk, press: ButtonData) -> None:
    await sheet.ask(talk, press.subject, press.value)


#: verb of a press about a request, a run or no single ticket → its handler
BESIDE: dict[str, Callable[[Talk, ButtonData], Awaitable[None]]] = {
    "snooze": _snooze,
    "agree": _agree,
    "disagree": _disagree,
    "class": _class,
    "next": _next,
    "todo_page": _page,
    "lines": _lines,
    "contest": _contest,
    "contest_line": _contest_line,
}


async def pressed(talk: Talk) -> None:
    """Handle a button press."""
    talk.watch()
    data = talk.press.data if talk.press else None
    press = decode(data)
    try:
        if press is None:
            await talk.note("forged_press", data=repr(data)[:80])
            await talk.told("toast.unknown_button")
            return
        await _do(talk, press)
    except Refused as refused:
        if refused.code in FORGED:
            await talk.note("press_refused", data=repr(data)[:80], code=refused.code)
        await talk.refuse(refused)
        if refused.code in STALE:
            await talk.redraw()
    finally:
        await talk.toast("")  # stops the app's spinner if nothing was answered


async def _do(talk: Talk, press: ButtonData) -> None:
    if press.verb in BESIDE:
        talk.actor  # noqa: B018 - refuses an unbound person
        await BESIDE[press.verb](talk, press)
        return
    if press.verb == "todo" and press.subject == 0:
        await todo.one_by_one(talk)
        return
    if press.verb == "view_files" and await review.files(talk, press.subject):
        return
    case = await open_case(talk, press.subject)
    if case.assignment.ended_at is not None and press.verb not in ENDED_ALLOWED:
        await talk.told("chat.closed_line")
        await talk.strip()
        return
    await ON_CASE[press.verb](talk, case, press)
