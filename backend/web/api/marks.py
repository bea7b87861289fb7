"""Ledgers, contests, runs, registers, knowledge, and explanations of scores."""

from collections.abc import Mapping
from typing import Any

from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.domain.ticket import Role
from backend.rooms import Rooms
from backend.scoring import Scoring
from backend.web.api.marks_wants import (
    CorrectWant,
    DecideWant,
    ExcludeWant,
    KnowledgeWant,
    MonthWant,
    OpinionWant,
    RegisterWant,
    WhatIfWant,
)
from backend.web.api.tickets import view_of
from backend.web.asked import Answer, Ask
from backend.web.console.act_forms import target_of
from backend.web.gate import Route
from backend.web.queries import cursor, limit_of, place_of, yes
from backend.web.shapes import Json
from backend.web.wants import Nothing, ReviewWant, Want

CLERK = frozenset({Role.SCORE_CLERK})
PAGED = ("limit", "cursor")


def marks_of(rooms: Rooms) -> Scoring:
    """Return the scoring service. Refused `not_found` where there is none."""
    if not isinstance(rooms.marks, Scoring):
        raise Refused("not_found")
    return rooms.marks


def number_of(written: str) -> int:
    """Parse an id from a path. Refused `not_found`."""
    if not (written.isascii() and written.isdigit() and len(written) <= 18):
        raise Refused("not_found", id=written[:20])
    return int(written)


def said(catalogue: Texts, why: Mapping[str, Any]) -> str:
    """Return a line's formula in words, "" without one."""
    formula = str(why.get("formula") or "")
    if not formula or not catalogue.has(f"explain.{formula}"):
        return ""
    facts = {**why, "mode": catalogue.get_word_or_value("slope_mode", str(why.get("mode", "")))}
    return str(catalogue.render(f"explain.{formula}", **facts))


def _given(body: Want) -> Json:
    return body.model_dump(exclude_none=True)


async def ledger(ask: Ask) -> Answer:
    """List ledger rows (台账), newest first."""
    q = ask.query
    found, more = await marks_of(ask.rooms).ledgers.list_lines(
        ask.actor, month=q.get("month"), unit=q.get("unit"), kind=q.get("kind"), state=q.get("state"),
        before=place_of(q), limit=limit_of(q),
    )  # fmt: skip
    return Answer({"items": found, "next": cursor(more)})


async def correct(ask: Ask) -> Answer:
    """Enter a correction (更正): a new line that voids the old one once accepted."""
    room = marks_of(ask.rooms).ledgers
    return Answer(await room.correct(number_of(ask.path["id"]), _given(ask.body), ask.actor), 201)


async def draw_drafts(ask: Ask) -> Answer:
    """Search a month for ledger drafts now."""
    return Answer({"drafts": await marks_of(ask.rooms).ledger_drafts.draft_month(ask.body.month)})


async def runs(ask: Ask) -> Answer:
    """List runs, newest first."""
    return Answer({"items": await marks_of(ask.rooms).runs.list_runs(ask.query.get("period")), "next": None})


async def run(ask: Ask) -> Answer:
    """Return a run with its sheets."""
    return Answer(await marks_of(ask.rooms).runs.inspect(number_of(ask.path["id"]), ask.actor))


async def check(ask: Ask) -> Answer:
    """Open the check period (核对); units are notified."""
    return Answer(await marks_of(ask.rooms).runs.check(number_of(ask.path["id"]), ask.actor))


async def difference(ask: Ask) -> Answer:
    """Return what a revision changed."""
    other = ask.query.get("with")
    room = marks_of(ask.rooms).runs
    return Answer(await room.compare(number_of(ask.path["id"]), number_of(other) if other else None, ask.actor))


async def contests(ask: Ask) -> Answer:
    """List contests, newest first."""
    q = ask.query
    found = await marks_of(ask.rooms).contests.list_contests(
        ask.actor, period=q.get("period"), unit=q.get("unit"), state=q.get("state")
    )
    return Answer({"items": found, "next": None})


async def propose(ask: Ask) -> Answer:
    """Record the first clerk's opinion on a contest."""
    return Answer(await marks_of(ask.rooms).contests.propose(number_of(ask.path["id"]), _given(ask.body), ask.actor))


async def confirm(ask: Ask) -> Answer:
    """Record the second clerk's decision on a contest."""
    return Answer(await marks_of(ask.rooms).contests.confirm(number_of(ask.path["id"]), ask.body.accept, ask.actor))


async def exclude(ask: Ask) -> Answer:
    """Exclude tickets (剔除), to be reviewed by a second person."""
    return Answer({"items": await marks_of(ask.rooms).contests.exclude(_given(ask.body), ask.actor)}, 201)


async def exclusions(ask: Ask) -> Answer:
    """List a month's exclusions. Refused `missing`."""
    if "month" not in ask.query:
        raise Refused("missing", field="month")
    found = await marks_of(ask.rooms).contests.list_exclusions(ask.query["month"], ask.query.get("unit"), ask.actor)
    return Answer({"items": found, "next": None})


async def decide_exclusion(ask: Ask) -> Answer:
    """Record the second person's decision on an exclusion."""
    room = marks_of(ask.rooms).contests
    return Answer(await room.decide_exclusion(number_of(ask.path["id"]), ask.body.accept, ask.actor))


def month_and_unit(ask: Ask) -> tuple[str, str]:
    """Return the month and unit of a query; people of a unit may omit it. Refused `missing`."""
    unit = ask.query.get("unit") or (ask.actor.unit if ask.actor.is_unit_member else None)
    for field, value in (("month", ask.query.get("month")), ("unit", unit)):
        if not value:
            raise Refused("missing", field=field)
    return ask.query["month"], str(unit)


async def explain(ask: Ask) -> Answer:
    """Explain a score."""
    month, unit = month_and_unit(ask)
    found = await marks_of(ask.rooms).explainer.explain(
        month, unit, ask.query.get("item"), ask.actor, offset=place_of(ask.query) or 0, failed=yes(ask.query, "failed")
    )
    words = ask.rooms.catalogue
    for line in [found["line"]] if "line" in found else found["lines"]:
        line["formula"] = said(words, line["why"])
    if "next" in found:
        found["next"] = cursor(found["next"])
    return Answer(found)


async def pending(ask: Ask) -> Answer:
    """List pending decisions that would change the month's score."""
    return Answer(await marks_of(ask.rooms).explainer.list_pending(*month_and_unit(ask), ask.actor))


async def what_if(ask: Ask) -> Answer:
    """Return the sheet as it is and as it would be."""
    w = ask.body
    return Answer(await marks_of(ask.rooms).explainer.compute_what_if(
        w.month, w.unit, ask.actor, settings=w.settings, ledger=w.ledger, contests=w.contests, exclusions=w.exclusions,
        requests=w.requests,
    ))  # fmt: skip


async def trend(ask: Ask) -> Answer:
    """Return each item over the last months (1 to 24). Refused `bad_field`."""
    month, unit = month_and_unit(ask)
    months = ask.query.get("months", "6")
    if not (months.isascii() and months.isdigit() and 1 <= int(months) <= 24):
        raise Refused("bad_field", field="months")
    return Answer(await marks_of(ask.rooms).explainer.compute_trend(unit, int(months), month, ask.actor))


async def cost(ask: Ask) -> Answer:
    """Return what it would cost the unit in points if this ticket became late."""
    view = await view_of(ask, ask.path["no"])
    target = target_of(view, ask.actor)
    if target is None:
        return Answer({"ticket_no": view.ticket.no, "items": [], "cost": "0.00", "open": False})
    found = await marks_of(ask.rooms).explainer.compute_delay_cost(target, frozenset(view.ticket.flags))
    return Answer({"ticket_no": view.ticket.no, **found})


async def write_knowledge(ask: Ask) -> Answer:
    """Write a knowledge record."""
    return Answer(await marks_of(ask.rooms).knowledge.write(_given(ask.body), ask.actor), 201)


async def knowledge(ask: Ask) -> Answer:
    """List the knowledge base, newest first."""
    q = ask.query
    found, more = await marks_of(ask.rooms).knowledge.list_entries(
        ask.actor,
        unit=q.get("unit"),
        state=q.get("state"),
        search=q.get("q", ""),
        before=place_of(q),
        limit=limit_of(q),
    )
    return Answer({"items": found, "next": cursor(more)})


async def review_knowledge(ask: Ask) -> Answer:
    """Record the institution's decision on a knowledge record."""
    room = marks_of(ask.rooms).knowledge
    return Answer(await room.review(number_of(ask.path["id"]), ask.body.accept, ask.body.opinion, ask.actor))


async def keep_register(ask: Ask) -> Answer:
    """Add a register entry."""
    return Answer(await marks_of(ask.rooms).registers.add(ask.path["kind"], _given(ask.body), ask.actor), 201)


async def register(ask: Ask) -> Answer:
    """List a register, newest first."""
    found = await marks_of(ask.rooms).registers.list_entries(ask.path["kind"], ask.actor, ask.query.get("unit"))
    return Answer({"items": found, "next": None})


async def end_register(ask: Ask) -> Answer:
    """End a register entry."""
    await marks_of(ask.rooms).registers.end(ask.path["kind"], number_of(ask.path["id"]), ask.actor)
    return Answer({"ended": True})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/ledger",                      ledger,       "Ledger rows",
          filters=("month", "unit", "kind", "state", *PAGED)),
    Route("POST", "/ledger/{id}/corrections",     correct,      "Correct or void a ledger row", CLERK, CorrectWant, answers=201),
    Route("POST", "/ledger-drafts",               draw_drafts,  "Draft what the house knows", CLERK, MonthWant),
    Route("GET",  "/score-runs",                  runs,         "Score runs", filters=("period",)),
    Route("GET",  "/score-runs/{id}",             run,          "A score run"),
    Route("POST", "/score-runs/{id}/check",       check,        "Open the check period", CLERK, Nothing),
    Route("GET",  "/score-runs/{id}/difference",  difference,   "What a revision changed", filters=("with",)),
    Route("GET",  "/score-appeals",               contests,     "Objections", filters=("period", "unit", "state")),
    Route("POST", "/score-appeals/{id}/decision", propose,      "A clerk's opinion", CLERK, DecideWant),
    Route("POST", "/score-appeals/{id}/confirmation", confirm,  "The second clerk's word", CLERK, ReviewWant),
    Route("GET",  "/score-exclusions",            exclusions,   "Tickets taken out", filters=("month", "unit")),
    Route("POST", "/score-exclusions",            exclude,      "Take tickets out of an item", CLERK, ExcludeWant, answers=201),
    Route("POST", "/score-exclusions/{id}/review", decide_exclusion, "Review an exclusion", CLERK, ReviewWant),
    Route("GET",  "/scores/explain",              explain,      "Why a mark is what it is",
          filters=("month", "unit", "item", "failed", "cursor")),
    Route("GET",  "/scores/pending",              pending,      "What would change a month", filters=("month", "unit")),
    Route("POST", "/scores/what-if",              what_if,      "A sheet as it would be", body=WhatIfWant),
    Route("GET",  "/scores/trend",                trend,        "Items over months", filters=("month", "unit", "months")),
    Route("GET",  "/tickets/{no}/cost",           cost,         "What lateness would cost"),
    Route("GET",  "/knowledge",                   knowledge,    "The knowledge base", filters=("unit", "state", "q", *PAGED)),
    Route("POST", "/knowledge",                   write_knowledge, "A knowledge record", body=KnowledgeWant, answers=201),
    Route("POST", "/knowledge/{id}/review",       review_knowledge, "Review a record", body=OpinionWant),
    Route("GET",  "/registers/{kind}",            register,     "A register", filters=("unit",)),
    Route("POST", "/registers/{kind}",            keep_register, "A row of a register", body=RegisterWant, answers=201),
    Route("POST", "/registers/{kind}/{id}/end",   end_register, "A row that holds no more", CLERK, Nothing),
)
# fmt: on
