"""Record the result of a visit that no person made: one act for calls, texts and pages; the first answer wins (FW22)."""

from collections.abc import Mapping
from typing import Any

from backend.domain.acts import SYSTEM, Act
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Answer, Source
from backend.domain.visit_outcome import NextAction, VisitOutcome
from backend.tickets.service import TicketService

#: A visit that nobody could be reached for, or that was refused: nothing more follows.
NOTHING_FOLLOWS = VisitOutcome(NextAction.FINALIZE)
SAMPLED = VisitOutcome(NextAction.MANUAL, "sampled")


async def record_result(
    tickets: TicketService, source: Source, ticket_no: str, answer: Answer, note: str, follows: VisitOutcome,
    heard: Mapping[str, object] | None = None, version: int | None = None,
) -> bool:  # fmt: skip
    """Record the result as a `visit` act; False if another answer came first, or the ticket moved on.

    `follows`: what the rules of an automatic visit decided; `heard` may hold `contacted` and `resolved`; `version`: the
    ticket's version that was seen, if the answer is to one round only.
    """
    sampled = follows == SAMPLED
    arguments: dict[str, Any] = {
        "kind": "auto", "answer": answer.value, "note": note, "sampled": sampled,
        "want_person": follows.next is NextAction.MANUAL and not sampled, "because": follows.reason,
    }  # fmt: skip
    arguments |= {k: heard[k] for k in ("contacted", "resolved") if heard and heard.get(k)}
    act = Act("visit", SYSTEM, source, ticket_no=ticket_no, arguments=arguments, version=version)
    try:
        return (await tickets.act(act)).plan is not None
    except Refused as refused:
        if refused.code not in ("not_now", "overtaken"):
            raise
        return False
