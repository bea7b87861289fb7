"""查看明细 and 提出异议 under M21: shows a unit's score sheet line by line, and files a contest of one line."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiogram.types import Message

from backend.delivery.buttons import arrange_rows
from backend.domain.button_data import ButtonData, encode
from backend.domain.masking import cut
from backend.domain.refusals import Refused
from bot import attachments
from bot.house import Scores
from bot.talk import Talk
from notify.message import Button, Card

WHAT = "contest"  # the question that asks for a reason: `contest.PLACE`, about a run
MOST = 3_000  # characters of a message
Line = Mapping[str, Any]


def about(what: str | None) -> bool:
    """Whether a question is about a contest of a line."""
    return what is not None and what.partition(".")[0] == WHAT


async def lines(talk: Talk, run_id: int) -> None:
    """Handle 查看明细: list the lines that count, without those at zero. Refused as `_sheet`."""
    sheet, period = await _sheet(talk, run_id)
    said = [talk.say_key("sheet.head", period=period, unit=sheet["name"], score=sheet["total"] or "—")]
    said += [_words(talk, line) for line in sheet["lines"] if _counts(line)]
    keys = arrange_rows([Button(talk.say_key("button.object"), encode(ButtonData("contest", run_id)))])
    await _send(talk, Card(cut("\n".join(said), MOST), keys))


async def choose(talk: Talk, run_id: int, more: int) -> None:
    """Handle 提出异议: offer the lines that count, the others (`more`) behind a button. Refused as `_sheet`."""
    sheet, period = await _sheet(talk, run_id)
    made = [
        Button(str(line["name"]), encode(ButtonData("contest_line", run_id, place)))
        for place, line in enumerate(sheet["lines"])
        if _counts(line) is not bool(more)
    ]
    if not more and len(made) < len(sheet["lines"]):
        made.append(Button(talk.say_key("sheet.others"), encode(ButtonData("contest", run_id, 1))))
    await _send(talk, Card(talk.say_key("sheet.which", period=period), arrange_rows(made)))
    await talk.toast(talk.say_key("toast.asked"))


async def ask(talk: Talk, run_id: int, place: int) -> None:
    """Handle a chosen line: ask for the reason. Refused `not_found`, and as `_sheet`."""
    sheet, period = await _sheet(talk, run_id)
    line = _line(sheet["lines"], place)
    await talk.ask("sheet.ask", f"{WHAT}.{place}", run_id, said={"period": period, "item": line["name"]})


async def words(talk: Talk, what: str, run_id: int, text: str, message: Message) -> None:
    """File the contest with its reason and any attached file, as the console does. Refused as `Contests.object`."""
    place = what.partition(".")[2]
    if not text or not place.isdecimal():
        await ask(talk, run_id, int(place) if place.isdecimal() else 0)
        return
    sheet, period = await _sheet(talk, run_id)
    line = _line(sheet["lines"], int(place))
    given = {"item": line["item"], "words": text, "files": await attachments.take(talk, message)}
    await _marks(talk).submit_contest(run_id, given, talk.actor)
    await talk.settled()
    await talk.told("sheet.done", period=period, item=line["name"])


def _marks(talk: Talk) -> Scores:
    if talk.house.marks is None:
        raise Refused("unavailable")
    return talk.house.marks


async def _sheet(talk: Talk, run_id: int) -> tuple[Mapping[str, Any], str]:
    """Return the sheet of the person's own unit in a run, and the period. Refused `forbidden`, `unknown_run`."""
    actor = talk.actor
    if not actor.is_unit_member:
        raise Refused("forbidden", verb="scores")
    run = await _marks(talk).view_run(run_id, actor)
    if not run["units"]:
        raise Refused("unknown_run", id=run_id)
    return run["units"][0], str(run["period"])


def _line(found: Sequence[Line], place: int) -> Line:
    if place >= len(found):
        raise Refused("not_found", place=place)
    return found[place]


def _counts(line: Line) -> bool:
    """Whether the line counts: a base item, or points given or deducted."""
    return line["part"] == "base" or any(float(line[name] or 0) for name in ("deduction", "score"))


def _words(talk: Talk, line: Line) -> str:
    rated = line["denominator"] is not None
    taken = str(line["deduction"]) if float(line["deduction"] or 0) else ""
    return talk.say_key(
        "sheet.line", item=line["name"], counts=f"{line['numerator']}/{line['denominator']}" if rated else "",
        taken=taken, score=line["score"],
    )  # fmt: skip


async def _send(talk: Talk, card: Card) -> None:
    """Send scores, to the person's own chat only. Refused `unavailable` when they cannot be sent."""
    if await talk.send(str(talk.chat_id) if talk.private else str(talk.who.address), card) is None:
        raise Refused("unavailable")
