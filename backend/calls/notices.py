"""Send chat messages about missed calls and the results of bridges (M25, P3)."""

from collections.abc import Iterable
from typing import Any

from backend.calls.dependencies import CallDependencies
from backend.calls.prompts import list_duty_people
from backend.domain.records import Message, Person
from backend.ports.calls import Call


async def send_notices(deps: CallDependencies, kind: str, people: Iterable[Person], call: Call, **facts: Any) -> int:
    """Send a message to each of these people who has a chat, once per call and `facts`; return how many."""
    reachable = [p for p in people if p.chat]
    if not reachable:
        return 0
    already_sent = {
        (d.message.person, d.message.kind, d.message.facts.get("n"))
        for d in await deps.outbox.list_by_assignment(call.ticket_id, call.assignment_id)
        if d.message.facts.get("call") == call.id
    }
    new = [p for p in reachable if (p.code, kind, facts.get("n")) not in already_sent]
    await deps.ids.refill(len(new))
    now = deps.now()
    await deps.outbox.add([
        Message(
            deps.ids.take(), kind, p.chat or "", p.code, call.ticket_id, call.assignment_id, 0, True, now, now,
            {"call": call.id, "at": now.isoformat(), **facts},
        )
        for p in new
    ])  # fmt: skip
    if new:
        deps.wake()
    return len(new)


async def request_callback(deps: CallDependencies, call: Call) -> int:
    """Ask the people on duty in chat to call back, since none could be connected (P1 key 0); return how many."""
    snapshot = await deps.office.snapshot()
    person = snapshot.by_code.get(call.person or "")
    return await send_notices(
        deps, "D1", list_duty_people("duty", call, snapshot, deps.now()), call, person=person.name if person else ""
    )
