"""我的待办 and /ticket: what the unit has in hand, and one of them again."""

from backend.domain.flow import visible
from backend.domain.presses import Press, encode
from backend.domain.refusals import Refused
from backend.domain.ticket import State
from backend.ports.drafts import Todo
from backend.ports.moves import Find
from bot.case import Case
from bot.hand import hand
from bot.talk import Talk
from bot.things import view
from notify.message import Button, Card

LISTED = 20


async def todo(talk: Talk, words: str = "") -> None:
    """The list, the unsigned first, then by deadline; a button each shows the ticket again."""
    who = talk.who
    count, items = await talk.house.drafts.todo(who.unit, LISTED)
    if not items:
        await talk.tell(talk.say_key("chat.todo_none"))
        return
    lines = [talk.say_key("chat.todo_head", n=count), *(_line(talk, i) for i in items)]
    if count > len(items):
        lines.append(talk.say_key("chat.todo_more", n=count - len(items)))
    keys = [Press("todo", i.assignment.id, i.assignment.version) for i in items]
    await talk.toast(talk.say_key("toast.shown"))
    await _send(talk, "\n".join(lines), [(i.ticket.no, k) for i, k in zip(items, keys, strict=True)])


async def _send(talk: Talk, text: str, keys: list[tuple[str, Press]]) -> None:
    if talk.chat_id is None:
        return
    rows = tuple((Button(label, encode(press)),) for label, press in keys)
    await talk.send(str(talk.chat_id), Card(text, rows))


def _line(talk: Talk, item: Todo) -> str:
    words, a = talk.house.catalogue, item.assignment
    due = a.sign_due_at if a.state is State.DISPATCHED else a.close_due_at
    marks = [words.word("grade", "urgent")] if item.ticket.grade == "urgent" else []
    marks += [words.word("flag", f) for f in ("red", "yellow", "supervised") if f in item.ticket.flags]
    return words.say("chat.todo_line", ticket_no=item.ticket.no, state=words.word("state", a.state),
                     due=talk.when(due), mark=" ".join(marks))  # fmt: skip


async def again(talk: Talk, case: Case) -> None:
    """The card of an assignment again, in this person's own chat."""
    address = str(talk.chat_id) if talk.private else talk.who.address or str(talk.chat_id)
    await hand(talk, case, talk.who, address)
    await talk.toast(talk.say_key("toast.shown"))


async def ticket(talk: Talk, words: str = "") -> None:
    """/ticket NO: the unit's card again, or for the office the details. Refused `not_found`."""
    actor = talk.actor
    if not words:
        await talk.told("command.ticket_usage")
        return
    snap = await talk.house.desk.moves.load(Find(no=words.split(maxsplit=1)[0]))
    if snap is None or not visible(snap, actor):
        raise Refused("not_found", ticket=words)
    mine = [a for a in snap.assignments if a.unit == actor.unit and a.ended_at is None]
    if mine and actor.of_unit and mine[-1].state not in (State.CLOSED, State.FINALIZED, State.ARCHIVED):
        await again(talk, Case(snap, mine[-1]))
        return
    await talk.say(await view.detail(talk, snap.ticket, mine[-1] if mine else snap.lead))
