"""Rings a second person while the first waits, and joins the two."""

import asyncio
from collections.abc import Callable

from sandbox.telephone.behaviour import HangUp, Speech
from sandbox.telephone.handset_call import HandsetCall
from sandbox.telephone.model import Pickup

BRIDGE_SECONDS = 20.0  # simulated length of a bridged conversation between two automatic people


async def ring_second(
    first: HandsetCall, other: HandsetCall, seconds: float, notify_change: Callable[[], None]
) -> Pickup:
    """Ring the second person; the first may hang up meanwhile."""
    other.call.status = "ringing"
    notify_change()
    ringing = asyncio.ensure_future(other.ring(seconds))
    try:
        while not ringing.done():
            waiting = asyncio.ensure_future(first.wait_for_event())
            await asyncio.wait({ringing, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done() and isinstance(waiting.result(), HangUp):
                other.cancel()
                await ringing
            else:
                waiting.cancel()
        return ringing.result()
    finally:
        ringing.cancel()


async def bridge(first: HandsetCall, second: HandsetCall) -> bool:
    """Join two legs until one hangs up; True when it was the first."""
    if second.ended or second.has_hung_up:
        return False
    first.peer, second.peer = second, first
    for live in (first, second):
        live.add_line("note", "☎")
    if not first.is_manual and not second.is_manual:
        first.count_seconds(BRIDGE_SECONDS)
        second.count_seconds(BRIDGE_SECONDS)
        return False
    tasks = {asyncio.ensure_future(live.wait_for_event()): live for live in (first, second)}
    try:
        while True:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                speaker = tasks.pop(task)
                event = task.result()
                if isinstance(event, HangUp):
                    return speaker is first
                if isinstance(event, Speech):
                    speaker.add_line("person", event.text)
                    listener = second if speaker is first else first
                    listener.add_line("line", event.text)
                tasks[asyncio.ensure_future(speaker.wait_for_event())] = speaker
    finally:
        for task in tasks:
            task.cancel()
        first.peer = second.peer = None
