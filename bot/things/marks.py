"""/rank and /report: a unit sees its own scores, the office all, and everyone a quarter once it is final (Q52)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from backend.domain.refusals import Refused
from backend.reporting import chat_charts
from bot.talk import Talk
from notify.message import Card, Document, Picture

MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)
LONGER = re.compile(r"20\d\d(Q[1-4])?", re.ASCII)
LISTED = 40  # units on a list


async def rank(talk: Talk, words: str = "") -> None:
    """Handle /rank [MONTH], also a quarter or a year; this month by default."""
    period = words.strip().upper() or f"{talk.now:%Y-%m}"
    month = bool(MONTH.fullmatch(period))
    if not (month or LONGER.fullmatch(period)):
        await talk.told("office.rank_usage")
        return
    actor, marks = talk.actor, talk.house.marks
    if marks is None:
        raise Refused("unavailable")
    if month:
        found = await marks.get_scores(month=period, scheme=None, unit=None, actor=actor)
        final = found.get("state") == "locked"
    else:
        found, final = await marks.compute_period(period, evidence=False), await marks.is_locked(period)
    sheets: Sequence[Mapping[str, Any]] = found["units"]
    state = talk.say_key("office.state_locked" if final else "office.state_trial")
    if actor.is_unit_member and (month or not final):
        await _own(talk, [s for s in sheets if s["unit"] == actor.unit], period, state, month=month)
        return
    await _all(talk, sheets, period, state, month=month)


async def _own(talk: Talk, sheets: Sequence[Mapping[str, Any]], period: str, state: str, *, month: bool) -> None:
    """Send a unit its own score only."""
    score = sheets[0]["total"] if sheets else None
    if score is None:
        await talk.told("office.rank_none", period=period)
        return
    key = "office.rank_own" if month else "office.rank_not_yet"
    await talk.told(key, unit=sheets[0]["name"], period=period, score=score, state=state)


async def _all(talk: Talk, sheets: Sequence[Mapping[str, Any]], period: str, state: str, *, month: bool) -> None:
    """Send all scores, handling units and institutions apart; with ranks only where ranks are published."""
    tiers = (await talk.house.office.snapshot()).settings.choice("bulletin.ranking") == "tiers"
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for sheet in sheets:
        if sheet["total"] is not None:
            groups.setdefault(str(sheet.get("of") or sheet["scheme"]), []).append(sheet)
    if not groups:
        await talk.told("office.rank_none", period=period)
        return
    lines = [talk.say_key("office.rank_month" if month else "office.rank_longer", period=period, state=state)]
    bars: list[tuple[str, str, str]] = []
    for scheme in sorted(groups, key=lambda name: -len(groups[name])):
        if len(groups) > 1:
            lines.append(talk.house.catalogue.get_word_or_value("scheme", scheme))
        for sheet in sorted(groups[scheme], key=lambda s: (-float(s["total"]), s["unit"]))[:LISTED]:
            place = "" if month or tiers else str(sheet.get("rank") or "")
            band = (
                talk.house.catalogue.get_word_or_value("tier", str(sheet.get("tier") or ""))
                if tiers and not month
                else ""
            )
            lines.append(
                talk.say_key("office.rank_line", rank=place, unit=sheet["name"], score=sheet["total"], tier=band)
            )
            bars.append((sheet["name"], sheet["total"], band or place))
    idle = talk.say_key("bot.and").join(s["name"] for s in sheets if s["total"] is None)
    if idle:
        lines.append(talk.say_key("office.rank_unscored", units=idle))
    address = await privately(talk)
    await talk.send(address, Card("\n".join(lines)))
    drawn = await chat_charts.render_ranking(talk.house.catalogue, period, state, bars[:LISTED])
    if drawn is not None:
        await talk.send(address, Card("", (), Picture(f"{period}.png", drawn)))


async def report(talk: Talk, words: str = "") -> None:
    """Handle /report MONTH, also a quarter or a year: send its documents, and a month's chart. Office only."""
    if talk.actor.is_unit_member:
        raise Refused("forbidden")
    month = words.strip().upper()
    if not (MONTH.fullmatch(month) or LONGER.fullmatch(month)):
        await talk.told("office.report_usage")
        return
    bulletins = talk.house.bulletins
    if bulletins is None:
        raise Refused("unavailable")
    address = await privately(talk)
    await talk.say(talk.say_key("office.report_working", month=month))
    make = (
        bulletins.make_month
        if MONTH.fullmatch(month)
        else bulletins.make_quarter
        if "Q" in month
        else bulletins.make_year
    )
    papers = await make(month, by=talk.actor)
    drawn = await bulletins.render_glance(month) if MONTH.fullmatch(month) else None
    if drawn is not None:
        await talk.send(address, Card("", (), Picture(f"{month}.png", drawn)))
    for name, content in papers:
        if await talk.send(address, Card(name, (), Document(name, content))) is None:
            await talk.send(address, Card(talk.say_key("office.report_unsent", name=name)))
    await talk.note("report_sent", month=month, files=[name for name, _ in papers])
    await talk.send(address, Card(talk.say_key("office.report_done", month=month, n=len(papers))))


async def privately(talk: Talk) -> str:
    """Return where scores may be sent: the person's own chat, even when asked in a group. Refused `unavailable`."""
    if talk.private:
        return str(talk.chat_id)
    if not talk.who.address:
        raise Refused("unavailable")
    await talk.told("office.sent_privately")
    return talk.who.address
