"""我的待办: lists the unit's open tickets page by page, shows them one by one, or puts them off."""

from backend.domain.button_data import ButtonData, encode
from backend.domain.calendar import Calendar
from backend.domain.time_words import describe_time_left
from backend.ports.chat import TodoItem
from backend.ports.tickets import TicketRef
from bot.actions.send_card import send_card
from bot.conversation import Conversation
from bot.ticket_context import TicketContext
from notify.message import Button, Card

PAGE_SIZE = 20
MAX_ITEMS = 200  # considered at all; nobody pages through more


async def show_todo(chat: Conversation, text: str = "") -> None:
    """Handle /todo: list open tickets, urgent first, then by what is waited for next, each with a button for its card."""
    await show_page(chat, 0)


async def show_page(chat: Conversation, first: int) -> None:
    """Send twenty from `first` on, with a button for the next page."""
    who = chat.bound_person
    count, items = await chat.services.chat_state.list_todo(who.unit, min(first + PAGE_SIZE, MAX_ITEMS))
    items = items[first:]
    calendar = (await chat.services.office.snapshot()).calendar
    if not items:
        await chat.answer(chat.render("message.todo_none"))
        return
    lines = [
        chat.render("message.todo_head", n=count)
        if count <= PAGE_SIZE
        else chat.render("todo.page", **{"n": count, "from": first + 1, "to": first + len(items)}),
        *(_format_item(chat, i, calendar) for i in items),
    ]
    rows = [
        (Button(i.ticket.ticket_no, encode(ButtonData("todo", i.assignment.id, i.assignment.version))),) for i in items
    ]
    later = first + len(items)
    if later < min(count, MAX_ITEMS):
        rows.append((Button(chat.render("button.more"), encode(ButtonData("todo_page", later))),))
    elif count > later:
        lines.append(chat.render("message.todo_more", n=count - later))
    await chat.show_toast(chat.render("toast.shown"))
    await chat.send_card(Card("\n".join(lines), tuple(rows)))


def _format_item(chat: Conversation, item: TodoItem, calendar: Calendar) -> str:
    words, a = chat.services.texts, item.assignment
    due, now, zone = a.next_due_at, chat.now, chat.services.office.clock.zone
    left = describe_time_left(words, now, due, item.ticket.grade, calendar, zone) if due > now else ""
    marks = [words.get_word("grade", item.ticket.grade)] if item.ticket.grade.is_urgent else []
    marks += [words.get_word("flag", f) for f in ("red", "yellow", "supervised") if f in item.ticket.flags]
    return words.render("message.todo_line", ticket_no=chat.name_ticket(item.ticket), state=words.get_word("state", a.state),
                     due=chat.format_time(due), left=left, mark=" ".join(marks))  # fmt: skip


async def show_next(chat: Conversation, after: int = 0) -> None:
    """Handle 逐件处理: send one ticket's card and a button for the next; `after` is the assignment shown last."""
    count, items = await chat.services.chat_state.list_todo(chat.bound_person.unit, MAX_ITEMS)
    if not items:
        await chat.answer(chat.render("message.todo_none"))
        return
    ids = [i.assignment.id for i in items]
    place = ids.index(after) + 1 if after in ids else 0
    if place >= len(items):
        await chat.answer_key("todo.last")
        return
    if after:
        await chat.remove_buttons()
    item = items[place]
    await chat.show_toast(chat.render("toast.shown"))
    snap = await chat.services.tickets.moves.load(TicketRef(assignment_id=item.assignment.id))
    if snap is None:
        return
    await resend_card(chat, TicketContext(snap, item.assignment))
    under = ((("button.next", ButtonData("next", item.assignment.id)),),) if place + 1 < len(items) else ()
    await chat.send_text(chat.render("todo.one", i=place + 1, n=count), under)


async def resend_card(chat: Conversation, context: TicketContext) -> None:
    """Send the card of an assignment again, to this person's own chat."""
    await send_card(chat, context, chat.bound_person, chat.private_address or chat.chat_id, chat.network)
    await chat.show_toast(chat.render("toast.shown"))


async def snooze(chat: Conversation, assignment_id: int = 0) -> None:
    """Handle the button under a digest, or under one reminder."""
    snooze = chat.services.snooze
    at = await (
        snooze.snooze_reminder(chat.bound_person, assignment_id)
        if assignment_id
        else snooze.snooze_list(chat.bound_person)
    )
    await chat.answer_key("todo.snoozed", at=chat.format_time(at))
