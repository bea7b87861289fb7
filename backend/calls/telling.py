"""Send chat messages about missed calls and the results of bridges (M25, P3)."""

from collections.abc import Iterable
from typing import Any

from backend.calls.tools import Tools
from backend.calls.wording import duty_people
from backend.domain.records import Message, Person
from backend.ports.calls import Call


async def tell(t: Tools, kind: str, people: Iterable[Person], call: Call, **facts: Any) -> int:
    """Send a message to each of these people who has a chat, once per call and `facts`; return how many."""
    bound = [p for p in people if p.chat]
    if not bound:
        return 0
    known = {
        (d.message.person, d.message.kind, d.message.facts.get("n"))
        for d in await t.letters.list_by_assignment(call.ticket_id, call.assignment_id)
        if d.message.facts.get("call") == call.id
    }
    new = [p for p in bound if (p.code, kind, facts.get("n")) not in known]
    await t.ids.refill(len(new))
    now = t.now()
    await t.letters.add([
        Message(
            t.ids.take(), kind, p.chat or "", p.code, call.ticket_id, call.assignment_id, 0, True, now, now,
            {"call": call.id, "at": now.isoformat(), **facts},
        )
        for p in new
    ])  # fmt: skip
    if new:
        t.wake()
    return len(new)


async def call_back(t: Tools, call: Call) -> int:
    """Ask the people on duty in chat to call back, since none could be connected (P1 key 0); return how many."""
    snapshot = await t.office.snapshot()
    person = snapshot.by_code.get(call.person or "")
    return await tell(t, "D1", duty_people("duty", call, snapshot, t.now()), call, person=person.name if person else "")
