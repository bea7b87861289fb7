"""Scores: /rank and /report (Q52), and a unit's score sheet line by line, with a contest of one line."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from backend.delivery.buttons import arrange_rows
from backend.domain.button_data import ButtonData, encode
from backend.domain.masking import cut
from backend.domain.permissions import require
from backend.domain.refusals import Refused
from backend.domain.reply_parser import find_month
from backend.domain.scoring.period import find_period_before
from backend.domain.scoring.ranking import rank
from backend.domain.setting_words import word_scheme
from backend.domain.typed_numbers import read_typed
from backend.reporting import chat_charts
from bot import attachments
from bot.conversation import Conversation
from notify.chat_events import Said
from notify.message import Button, Card, Document, Picture

MONTH_PATTERN = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)
PERIOD_PATTERN = re.compile(r"20\d\d(Q[1-4])?", re.ASCII)
MAX_UNITS = 40  # units on a list
CONTEST_QUESTION = "contest"  # the question that asks for a reason: `contest.PLACE`, about a run
MAX_TEXT = 3_000  # characters of a message
SheetRow = Mapping[str, Any]


def _read_period(chat: Conversation, text: str) -> str:
    """Return the period typed: 12月 is the latest such month that has begun."""
    typed = read_typed(text).strip().upper()
    month = find_month(typed)
    if month is None:
        return typed
    return f"{chat.now.year - (month > chat.now.month)}-{month:02d}"


async def show_ranking(chat: Conversation, text: str = "") -> None:
    """Handle /rank [MONTH], also a quarter or a year; this month by default."""
    period = _read_period(chat, text) or f"{chat.now:%Y-%m}"
    month = bool(MONTH_PATTERN.fullmatch(period))
    if not (month or PERIOD_PATTERN.fullmatch(period)):
        await chat.answer_key("office.rank_usage")
        return
    actor, scoring = chat.actor, chat.services.scoring
    found: Mapping[str, Any]
    if month:
        found = await scoring.get_scores(month=period, scheme=None, unit=None, actor=actor)
        final = found.get("state") == "locked"
    else:
        found, final = await scoring.compute_period(period, evidence=False), await scoring.is_locked(period)
    sheets: Sequence[Mapping[str, Any]] = found["units"]
    state = chat.render("office.state_locked" if final else "office.state_trial")
    if actor.is_unit_member and (month or not final):
        await _show_own_score(chat, [s for s in sheets if s["unit"] == actor.unit], period, state, month=month)
        return
    await _show_all_scores(chat, sheets, period, state, month=month)


async def _show_own_score(
    chat: Conversation, sheets: Sequence[Mapping[str, Any]], period: str, state: str, *, month: bool
) -> None:
    """Send a unit its own score only."""
    score = sheets[0]["total"] if sheets else None
    if score is None:
        await chat.answer_key("office.rank_none", period=period)
        return
    key = "office.rank_own" if month else "office.rank_not_yet"
    await chat.answer_key(key, unit=sheets[0]["name"], period=period, score=score, state=state)


async def _show_all_scores(
    chat: Conversation, sheets: Sequence[Mapping[str, Any]], period: str, state: str, *, month: bool
) -> None:
    """Send all scores, handling units and institutions apart; with places and how they changed, unless tiers are published."""
    tiers = (await chat.services.office.snapshot()).settings.choice("bulletin.ranking") == "tiers"
    groups = _group(sheets)
    if not groups:
        await chat.answer_key("office.rank_none", period=period)
        return
    lines = [chat.render("office.rank_month" if month else "office.rank_longer", period=period, state=state)]
    bars: list[tuple[str, str, str]] = []
    places = {scheme: _rank(group) for scheme, group in groups.items()}
    earlier = {} if tiers else await _load_earlier_places(chat, period, month=month)
    for scheme in sorted(groups, key=lambda name: -len(groups[name])):
        if len(groups) > 1:
            lines.append(word_scheme(chat.services.texts, scheme))
        for sheet in sorted(groups[scheme], key=lambda s: (-float(s["total"]), s["unit"]))[:MAX_UNITS]:
            place = "" if tiers else _format_place(chat, places[scheme], sheet["unit"])
            change = "" if tiers else _format_change(chat, places[scheme], earlier, sheet["unit"])
            band = (
                chat.services.texts.get_word_or_value("tier", str(sheet.get("tier") or ""))
                if tiers and not month
                else ""
            )
            lines.append(
                chat.render(
                    "office.rank_line",
                    rank=place,
                    unit=sheet["name"],
                    score=sheet["total"],
                    tier=band,
                    change=change,
                    flags=_format_flags(chat, sheet),
                )
            )
            bars.append((sheet["name"], sheet["total"], band or place))
    idle = chat.render("bot.and").join(s["name"] for s in sheets if s["total"] is None)
    if idle:
        lines.append(chat.render("office.rank_unscored", units=idle))
    address = await get_private_address(chat)
    await chat.send(address, Card("\n".join(lines)))
    drawn = await chat_charts.render_ranking(chat.services.texts, period, state, bars[:MAX_UNITS])
    if drawn is not None:
        await chat.send(address, Card("", (), Picture(f"{period}.png", drawn)))


def _format_flags(chat: Conversation, sheet: SheetRow) -> str:
    """Return what must be known beside a score: a small sample, counts that were never reported (XD14)."""
    words = [chat.services.texts.get_word_or_value("sheet", flag) for flag in sheet.get("flags", ())]
    return chat.render("bot.and").join(words)


def _group(sheets: Sequence[SheetRow]) -> dict[str, list[SheetRow]]:
    """Return the scored sheets by scheme: only like is ranked with like."""
    groups: dict[str, list[SheetRow]] = {}
    for sheet in sheets:
        if sheet["total"] is not None:
            groups.setdefault(str(sheet.get("of") or sheet["scheme"]), []).append(sheet)
    return groups


def _rank(sheets: Sequence[SheetRow]) -> dict[str, int]:
    """Return the place of each unit; equal totals share one (1, 2, 2, 4)."""
    return {r.code: r.rank for r in rank({s["unit"]: s["total"] for s in sheets}) if r.rank is not None}


async def _load_earlier_places(chat: Conversation, period: str, *, month: bool) -> dict[str, int]:
    """Return the places of the period before, by unit; {} where it has no scores."""
    scoring, before = chat.services.scoring, find_period_before(period)
    found: Mapping[str, Any]
    try:
        if month:
            found = await scoring.get_scores(month=before, scheme=None, unit=None, actor=chat.actor)
        else:
            found = await scoring.compute_period(before, evidence=False)
    except Refused:
        return {}
    return {unit: place for group in _group(found["units"]).values() for unit, place in _rank(group).items()}


def _format_place(chat: Conversation, places: Mapping[str, int], unit: str) -> str:
    place = places[unit]
    tied = sum(other == place for other in places.values()) > 1
    return chat.render("office.rank_tied" if tied else "office.rank_place", n=place)


def _format_change(chat: Conversation, places: Mapping[str, int], earlier: Mapping[str, int], unit: str) -> str:
    """Return by how many places a unit rose or fell, "" where it had none before."""
    moved = earlier[unit] - places[unit] if unit in earlier else None
    if moved is None:
        return ""
    return chat.render(
        "office.rank_up" if moved > 0 else "office.rank_down" if moved else "office.rank_same", n=abs(moved)
    )


async def send_report(chat: Conversation, text: str = "") -> None:
    """Handle /report [MONTH], also a quarter or a year: send its documents, and a month's chart; last month by default.

    Office only.
    """
    require(chat.actor, "reports.send")
    month = _read_period(chat, text) or find_period_before(f"{chat.now:%Y-%m}")
    if not (MONTH_PATTERN.fullmatch(month) or PERIOD_PATTERN.fullmatch(month)):
        await chat.answer_key("office.report_usage")
        return
    bulletins = chat.services.reporting
    address = await get_private_address(chat)
    await chat.send_text(chat.render("office.report_working", month=month))
    get_documents = (
        bulletins.make_month
        if MONTH_PATTERN.fullmatch(month)
        else bulletins.make_quarter
        if "Q" in month
        else bulletins.make_year
    )
    documents = await get_documents(month, by=chat.actor)
    drawn = await bulletins.render_glance(month) if MONTH_PATTERN.fullmatch(month) else None
    if drawn is not None:
        await chat.send(address, Card("", (), Picture(f"{month}.png", drawn)))
    for name, content in documents:
        if await chat.send(address, Card(name, (), Document(name, content))) is None:
            await chat.send(address, Card(chat.render("office.report_unsent", name=name)))
    await chat.audit("report_sent", month=month, files=[name for name, _ in documents])
    await chat.send(address, Card(chat.render("office.report_done", month=month, n=len(documents))))


async def get_private_address(chat: Conversation) -> str:
    """Return where scores may be sent: the person's own chat, even when asked in a group. Refused `unavailable`."""
    address = chat.private_address
    if not address:
        raise Refused("unavailable")
    if not chat.private:
        await chat.answer_key("office.sent_privately")
    return address


def is_contest_question(what: str | None) -> bool:
    """Whether a question is about a contest of a line."""
    return what is not None and what.partition(".")[0] == CONTEST_QUESTION


async def show_lines(chat: Conversation, run_id: int) -> None:
    """Handle 查看明细: list the lines that count, without those at zero. Refused as `_load_sheet`."""
    sheet, period = await _load_sheet(chat, run_id)
    flags = _format_flags(chat, sheet)
    texts = [chat.render("sheet.head", period=period, unit=sheet["name"], score=sheet["total"] or "—", flags=flags)]
    texts += [_format_line(chat, line) for line in sheet["lines"] if _is_counted(line)]
    keys = arrange_rows([Button(chat.render("button.object"), encode(ButtonData("contest", run_id)))])
    await _send_privately(chat, Card(cut("\n".join(texts), MAX_TEXT), keys))


async def choose_line(chat: Conversation, run_id: int, more: int) -> None:
    """Handle 提出异议: offer the lines that count, the others (`more`) behind a button. Refused as `_load_sheet`."""
    await chat.services.scoring.check_contest(run_id, chat.actor)
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
    """Handle a chosen line: ask for the reason. Refused `not_found`, and as `_load_sheet`."""
    await chat.services.scoring.check_contest(run_id, chat.actor)
    sheet, period = await _load_sheet(chat, run_id)
    line = _get_line(sheet["lines"], place)
    await chat.ask("sheet.ask", f"{CONTEST_QUESTION}.{place}", run_id, facts={"period": period, "item": line["name"]})


async def file_contest(chat: Conversation, question: str, run_id: int, text: str, said: Said) -> None:
    """File the contest with its reason and any attached file, as the console does. Refused as `Contests.object`."""
    place = question.partition(".")[2]
    if not text or not place.isdecimal():
        await ask_contest_reason(chat, run_id, int(place) if place.isdecimal() else 0)
        return
    sheet, period = await _load_sheet(chat, run_id)
    line = _get_line(sheet["lines"], int(place))
    given = {"item": line["item"], "words": text, "files": await attachments.store_files(chat, said)}
    await chat.services.scoring.submit_contest(run_id, given, chat.actor)
    await chat.delete_question()
    await chat.answer_key("sheet.done", period=period, item=line["name"])


async def _load_sheet(chat: Conversation, run_id: int) -> tuple[Mapping[str, Any], str]:
    """Return the sheet of the person's own unit in a run, and the period. Refused `forbidden`, `unknown_run`."""
    actor = chat.actor
    if not actor.is_unit_member:
        raise Refused("forbidden", verb="scores")
    run = await chat.services.scoring.view_run(run_id, actor)
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
        taken=taken, score=line["score"], answers=chat.services.texts.render("score.answers", **line["answers"]) if "answers" in line else "",
    )  # fmt: skip


async def _send_privately(chat: Conversation, card: Card) -> None:
    """Send scores, to the person's own chat only. Refused `unavailable` when they cannot be sent."""
    sent = await (chat.send_card(card) if chat.private else chat.send(await get_private_address(chat), card))
    if sent is None:
        raise Refused("unavailable")
