"""我的待办: lists the unit's open tickets page by page, or shows them one by one."""

from backend.domain.button_data import ButtonData, encode
from backend.domain.calendar import Calendar
from backend.domain.ticket import State
from backend.domain.time_words import describe_time_left
from backend.ports.chat_state import TodoItem
from backend.ports.moves import TicketRef
from bot.case import Case
from bot.hand import hand
from bot.talk import Talk
from notify.message import Button, Card

LISTED = 20
MOST = 200  # considered at all; nobody pages through more


async def todo(talk: Talk, words: str = "") -> None:
    """Handle /todo: list open tickets, unsigned first, then by deadline, each with a button for its card."""
    await page(talk, 0)


async def page(talk: Talk, first: int) -> None:
    """Send twenty from `first` on, with a button for the next page."""
    who = talk.who
    count, items = await talk.house.drafts.list_todo(who.unit, min(first + LISTED, MOST))
    items = items[first:]
    calendar = (await talk.house.office.snapshot()).calendar
    if not items:
        await talk.tell(talk.say_key("chat.todo_none"))
        return
    lines = [
        talk.say_key("chat.todo_head", n=count) if count <= LISTED
        else talk.say_key("todo.page", **{"n": count, "from": first + 1, "to": first + len(items)}),
        *(_line(talk, i, calendar) for i in items),
    ]  # fmt: skip
    rows = [(Button(i.ticket.no, encode(ButtonData("todo", i.assignment.id, i.assignment.version))),) for i in items]
    later = first + len(items)
    if later < min(count, MOST):
        rows.append((Button(talk.say_key("button.more"), encode(ButtonData("todo_page", later))),))
    elif count > later:
        lines.append(talk.say_key("chat.todo_more", n=count - later))
    await talk.toast(talk.say_key("toast.shown"))
    if talk.chat_id is not None:
        await talk.send(str(talk.chat_id), Card("\n".join(lines), tuple(rows)))


def _line(talk: Talk, item: TodoItem, calendar: Calendar) -> str:
    words, a = talk.house.catalogue, item.assignment
    due = a.sign_due_at if a.state is State.DISPATCHED else a.close_due_at
    now, zone = talk.now, talk.house.office.clock.zone
    left = describe_time_left(words, now, due, item.ticket.grade, calendar, zone) if due > now else ""
    marks = [words.get_word("grade", "urgent")] if item.ticket.grade == "urgent" else []
    marks += [words.get_word("flag", f) for f in ("red", "yellow", "supervised") if f in item.ticket.flags]
    return words.render("chat.todo_line", ticket_no=item.ticket.no, state=words.get_word("state", a.state),
                     due=talk.when(due), left=left, mark=" ".join(marks))  # fmt: skip


async def one_by_one(talk: Talk, after: int = 0) -> None:
    """Handle 逐件处理: send one ticket's card and a button for the next; `after` is the assignment shown last."""
    count, items = await talk.house.drafts.list_todo(talk.who.unit, MOST)
    if not items:
        await talk.tell(talk.say_key("chat.todo_none"))
        return
    ids = [i.assignment.id for i in items]
    place = ids.index(after) + 1 if after in ids else 0
    if place >= len(items):
        await talk.told("todo.last")
        return
    if after:
        await talk.strip()
    item = items[place]
    await talk.toast(talk.say_key("toast.shown"))
    snap = await talk.house.desk.moves.load(TicketRef(assignment_id=item.assignment.id))
    if snap is None:
        return
    await again(talk, Case(snap, item.assignment))
    under = ((("button.next", ButtonData("next", item.assignment.id)),),) if place + 1 < len(items) else ()
    await talk.say(talk.say_key("todo.one", i=place + 1, n=count), under)


async def again(talk: Talk, case: Case) -> None:
    """Send the card of an assignment again, to this person's own chat."""
    address = str(talk.chat_id) if talk.private else talk.who.address or str(talk.chat_id)
    await hand(talk, case, talk.who, address)
    await talk.toast(talk.say_key("toast.shown"))
