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
    await deps.ids.refill(len(reachable))
    now = deps.now()
    added = await deps.outbox.add_once([
        Message(
            deps.ids.take(), kind, p.chat or "", p.code, call.ticket_id, call.assignment_id, 0, True, now, now,
            {"call": call.id, "at": now.isoformat(), **facts},
        )
        for p in reachable
    ], same=("call", "n"))  # fmt: skip
    if added:
        deps.wake()
    return added


async def request_callback(deps: CallDependencies, call: Call) -> int:
    """Ask the people on duty in chat to call back, since none could be connected (P1 key 0); return how many."""
    snapshot = await deps.office.snapshot()
    person = snapshot.by_code.get(call.person or "")
    return await send_notices(
        deps,
        "duty_callback",
        list_duty_people("duty", call, snapshot, deps.now()),
        call,
        person=person.name if person else "",
    )
