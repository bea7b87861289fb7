"""Acts that need at most one sentence: the button asks for it, the answer performs it. A new one is a table row."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.domain.move_table import BY_VERB
from bot.case import Case, check
from bot.talk import Talk


@dataclass(frozen=True, slots=True)
class Order:
    """A row: the act's verb, the argument that takes the sentence ("" = none is asked), fixed arguments."""

    verb: str
    asks: str = "reason"
    words: dict[str, Any] = field(default_factory=dict)


#: button verb → act; the question is `order.ask_…`, the confirmation `order.done_…`
ORDERS: dict[str, Order] = {
    "supervise": Order("supervise"),
    "send_back": Order("send_back"),
    "rework": Order("rework", "summary"),
    "progress_ok": Order("accept_progress", "", {"accept": True}),
    "progress_no": Order("accept_progress", words={"accept": False}),
    "object": Order("object"),
    "coordinate": Order("flag", words={"hard_case": True}),
    "explain": Order("report_progress", "text"),
}


async def start(talk: Talk, case: Case, pressed: str) -> None:
    """Handle the button: ask for the sentence, or perform the act at once where none is needed."""
    order = ORDERS[pressed]
    check(talk, case, order.verb)
    if order.asks:
        await talk.ask(f"order.ask_{pressed}", pressed, case.id, no=case.no)
        return
    await _do(talk, case, pressed, order.words)
    await talk.redraw()


async def words(talk: Talk, case: Case, pressed: str, text: str) -> None:
    """Perform the act with this sentence; ask again when it is empty."""
    order = ORDERS[pressed]
    check(talk, case, order.verb)
    if not text:
        await talk.ask(f"order.ask_{pressed}", pressed, case.id, no=case.no)
        return
    await _do(talk, case, pressed, {**order.words, order.asks: text})
    await talk.settled()


async def _do(talk: Talk, case: Case, pressed: str, said: dict[str, Any]) -> None:
    verb = ORDERS[pressed].verb
    about: dict[str, Any] = {"assignment_id": case.id} if BY_VERB[verb].on_assignment else {"ticket_no": case.no}
    moved = await talk.act(verb, **about, **said)
    due = moved.plan.entry.words.get("due_at") if moved.plan else None
    facts = {"due": talk.when(datetime.fromisoformat(due))} if isinstance(due, str) else {"due": ""}
    await talk.told(f"order.done_{pressed}", ticket_no=case.no, **facts)
