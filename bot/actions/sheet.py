"""查看明细 and 提出异议 under M21: shows a unit's score sheet line by line, and files a contest of one line."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiogram.types import Message

from backend.delivery.buttons import arrange_rows
from backend.domain.button_data import ButtonData, encode
from backend.domain.masking import cut
from backend.domain.refusals import Refused
from bot import attachments
from bot.conversation import Conversation
from bot.services import ScoringService
from notify.message import Button, Card

CONTEST_QUESTION = "contest"  # the question that asks for a reason: `contest.PLACE`, about a run
MAX_TEXT = 3_000  # characters of a message
SheetRow = Mapping[str, Any]


def is_contest_question(what: str | None) -> bool:
    """Whether a question is about a contest of a line."""
    return what is not None and what.partition(".")[0] == CONTEST_QUESTION


async def show_lines(chat: Conversation, run_id: int) -> None:
    """Handle 查看明细: list the lines that count, without those at zero. Refused as `_sheet`."""
    sheet, period = await _load_sheet(chat, run_id)
    texts = [chat.render("sheet.head", period=period, unit=sheet["name"], score=sheet["total"] or "—")]
    texts += [_format_line(chat, line) for line in sheet["lines"] if _is_counted(line)]
    keys = arrange_rows([Button(chat.render("button.object"), encode(ButtonData("contest", run_id)))])
    await _send_privately(chat, Card(cut("\n".join(texts), MAX_TEXT), keys))


async def choose_line(chat: Conversation, run_id: int, more: int) -> None:
    """Handle 提出异议: offer the lines that count, the others (`more`) behind a button. Refused as `_sheet`."""
    sheet, period = await _load_sheet(chat, run_id)
    made = [
        Button(str(line["name"]), encode(ButtonData("contest_line", run_id, place)))
        for place, line in enumerate(sheet["lines"])
        if _is_counted(line) is not bool(more)
    ]
    if not more and len(made) < len(sheet["lines"]):
        made.append(Button(chat.render("sheet.others"), encode(ButtonData("contest", run_id, 1))))
    await _send_privately(chat, Card(chat.render("sheet.which", period=period), arrange_rows(made)))
    await chat.show_toast(chat.render("toast.asked"))


async def ask_contest_reason(chat: Conversation, run_id: int, place: int) -> None:
    """Handle a chosen line: ask for the reason. Refused `not_found`, and as `_sheet`."""
    sheet, period = await _load_sheet(chat, run_id)
    line = _get_line(sheet["lines"], place)
    await chat.ask("sheet.ask", f"{CONTEST_QUESTION}.{place}", run_id, facts={"period": period, "item": line["name"]})


async def file_contest(chat: Conversation, question: str, run_id: int, text: str, message: Message) -> None:
    """File the contest with its reason and any attached file, as the console does. Refused as `Contests.object`."""
    place = question.partition(".")[2]
    if not text or not place.isdecimal():
        await ask_contest_reason(chat, run_id, int(place) if place.isdecimal() else 0)
        return
    sheet, period = await _load_sheet(chat, run_id)
    line = _get_line(sheet["lines"], int(place))
    given = {"item": line["item"], "words": text, "files": await attachments.store_files(chat, message)}
    await _get_scoring(chat).submit_contest(run_id, given, chat.actor)
    await chat.delete_question()
    await chat.answer_key("sheet.done", period=period, item=line["name"])


def _get_scoring(chat: Conversation) -> ScoringService:
    if chat.services.scoring is None:
        raise Refused("unavailable")
    return chat.services.scoring


async def _load_sheet(chat: Conversation, run_id: int) -> tuple[Mapping[str, Any], str]:
    """Return the sheet of the person's own unit in a run, and the period. Refused `forbidden`, `unknown_run`."""
    actor = chat.actor
    if not actor.is_unit_member:
        raise Refused("forbidden", verb="scores")
    run = await _get_scoring(chat).view_run(run_id, actor)
    if not run["units"]:
        raise Refused("unknown_run", id=run_id)
    return run["units"][0], str(run["period"])


def _get_line(found: Sequence[SheetRow], place: int) -> SheetRow:
    if place >= len(found):
        raise Refused("not_found", place=place)
    return found[place]


def _is_counted(line: SheetRow) -> bool:
    """Whether the line counts: a base item, or points given or deducted."""
    return line["part"] == "base" or any(float(line[name] or 0) for name in ("deduction", "score"))


def _format_line(chat: Conversation, line: SheetRow) -> str:
    rated = line["denominator"] is not None
    taken = str(line["deduction"]) if float(line["deduction"] or 0) else ""
    return chat.render(
        "sheet.line", item=line["name"], counts=f"{line['numerator']}/{line['denominator']}" if rated else "",
        taken=taken, score=line["score"],
    )  # fmt: skip


async def _send_privately(chat: Conversation, card: Card) -> None:
    """Send scores, to the person's own chat only. Refused `unavailable` when they cannot be sent."""
    if await chat.send(str(chat.chat_id) if chat.private else str(chat.bound_person.address), card) is None:
        raise Refused("unavailable")
