"""/status, /overdue, and /help by role."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from backend.domain.button_data import ButtonData, encode
from backend.domain.move_table import count_stages, is_allowed
from backend.domain.permissions import may, require
from backend.ports.tickets import OverdueTicket
from backend.reporting import chat_charts
from bot.conversation import Conversation
from notify.message import Button, Card, Picture

MAX_LISTED = 30  # overdue tickets on one list
MAX_BUTTONS = 10  # of them with buttons
MAX_UNITS = 8  # units listed in the text
FAILED_STATES = ("failed", "dead")
DECISION_VERBS = ("decide_return", "decide_close")


async def show_help(chat: Conversation, text: str = "") -> None:
    """Handle /help: what everyone may do, and what this role may do besides."""
    lines = [chat.render("command.help")]
    if chat.person is not None:
        role = chat.actor.role
        if chat.actor.is_unit_member:
            lines.append(chat.render("office.help_unit"))
        else:
            lines.append(chat.render("office.help_read"))
            lines += [chat.render("office.help_supervise")] if is_allowed(role, "supervise") else []
            lines += [chat.render("office.help_call")] if may(chat.actor, "unit.call") else []
            lines += (
                [chat.render("office.help_decide")] if any(is_allowed(role, verb) for verb in DECISION_VERBS) else []
            )
    await chat.answer("\n".join(lines))


async def show_status(chat: Conversation, text: str = "") -> None:
    """Handle /status: today's counts and the current state, as text and as a picture."""
    require(chat.actor, "status.read")
    glance = chat.services.overview
    now = chat.now
    counts = await chat.services.queries.count_open(now)
    today = await glance.count_since(now.replace(hour=0, minute=0, second=0, microsecond=0))
    loads = await glance.list_unit_loads(now)
    units = (await chat.services.office.snapshot()).config.units
    named = [(units[one.unit].name if one.unit in units else one.unit, one.open, one.late) for one in loads]
    facts = {
        "received": today["received"], "dispatched": today.get("dispatch", 0) + today.get("reassign", 0),
        "signed": today.get("sign", 0) + today.get("auto_sign", 0), "closed": today.get("close", 0),
        "visited": today.get("visit", 0), "red_today": today.get("red_card", 0),
        **count_stages(counts), "overdue": counts.get("overdue", 0), "red": counts.get("red", 0),
    }  # fmt: skip
    at = chat.format_time(now)
    buttons = [[("button.overdue", ButtonData("overdue", 0))]] if counts.get("overdue") else []
    failed = await _count_failed(chat)
    buttons += [[("button.undelivered", ButtonData("undelivered", 0))]] if failed else []
    await chat.send_text(chat.render(
        "office.status", at=at, **facts, messages=await _format_backlog(chat),
        units="".join("\n" + chat.render("office.status_unit", unit=name, open=held, late=late or "")
                      for name, held, late in named[:MAX_UNITS]),
    ), buttons)  # fmt: skip
    figures = [
        (chat.render(f"drawn.{name}"), int(facts[name]))
        for name in ("received", "dispatched", "signed", "closed", "overdue", "red")
    ]
    drawn = await chat_charts.render_today(chat.services.texts, at, figures, named)
    if drawn is not None and chat.chat_id:
        await chat.send(chat.chat_id, Card("", (), Picture("today.png", drawn)))


async def _format_backlog(chat: Conversation) -> str:
    """Return a line about messages that wait or failed, "" when there are none."""
    waiting, failed = (await _count_messages(chat)).get("pending", 0), await _count_failed(chat)
    return chat.render("office.status_messages", waiting=waiting, failed=failed) if waiting or failed else ""


async def _count_messages(chat: Conversation) -> Mapping[str, int]:
    return (await chat.services.queries.count_recent()).get("messages", {})


async def _count_failed(chat: Conversation) -> int:
    counts = await _count_messages(chat)
    return counts.get("failed", 0) + counts.get("dead", 0)


async def show_undelivered(chat: Conversation) -> None:
    """List the newest messages that could not be delivered: what, to whom, about which ticket, with its button (XM23)."""
    require(chat.actor, "status.read")
    queries, snapshot, texts = chat.services.queries, await chat.services.office.snapshot(), chat.services.texts
    found = [
        one for state in FAILED_STATES for one in (await queries.list_deliveries(state=state, limit=MAX_BUTTONS)).items
    ][:MAX_BUTTONS]
    lines, rows = [], []
    for one in found:
        message, person = one.message, snapshot.by_code.get(one.message.person)
        kind = texts.get_word_or_value("letter_kind", message.kind)
        name = person.name if person else message.person
        lines.append(chat.render("office.undelivered_line", ticket_no=one.ticket_no or "", what=kind, name=name))
        if message.assignment_id is not None and one.ticket_no:
            rows.append((Button(one.ticket_no, encode(ButtonData("whole", message.assignment_id))),))
    head = chat.render("office.undelivered_head" if lines else "office.undelivered_none")
    await chat.send_card(Card("\n".join([head, *lines]), tuple(dict.fromkeys(rows))))


async def show_overdue(chat: Conversation, text: str = "") -> None:
    """Handle /overdue: tickets with an overdue duty, by unit; a unit sees its own."""
    glance, actor = chat.services.overview, chat.actor
    count, found = await glance.list_overdue(chat.now, MAX_LISTED, actor.only_unit)
    if not found:
        await chat.answer_key("office.overdue_none")
        return
    units = (await chat.services.office.snapshot()).config.units
    lines = [chat.render("office.overdue_head", n=count)]
    in_order = sorted(found, key=lambda one: (one.unit is None, one.unit or "", one.due_at))
    for code, group in groupby(in_order, key=lambda one: one.unit):
        rows = list(group)
        name = units[code].name if code in units else code or chat.render("office.no_unit")
        lines.append(chat.render("office.overdue_unit", unit=name, n=len(rows)))
        lines += [_format_line(chat, one) for one in rows]
    if count > len(found):
        lines.append(chat.render("office.overdue_more", n=count - len(found)))
    if chat.chat_id:
        await chat.send(chat.chat_id, Card("\n".join(lines), _build_buttons(chat, in_order)))


def _format_line(chat: Conversation, one: OverdueTicket) -> str:
    what = chat.services.texts.get_word("obligation", one.kind)
    return chat.render(
        "office.overdue_line",
        ticket_no=one.ticket.ticket_no,
        title=chat.get_title(one.ticket),
        what=what,
        due=chat.format_time(one.due_at),
    )


def _build_buttons(chat: Conversation, found: Sequence[OverdueTicket]) -> tuple[tuple[Button, ...], ...]:
    """Build the buttons: open each ticket, and supervise it where the role may."""
    rows = []
    for one in [o for o in found if o.assignment_id is not None][:MAX_BUTTONS]:
        row = [Button(one.ticket.ticket_no, encode(ButtonData("whole", one.assignment_id or 0, one.version)))]
        if is_allowed(chat.actor.role, "supervise"):
            row.append(Button(chat.render("button.supervise"), encode(ButtonData("supervise", one.assignment_id or 0))))
        rows.append(tuple(row))
    return tuple(rows)
