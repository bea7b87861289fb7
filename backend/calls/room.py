"""The call service: what adapters and workers ask of the telephone."""

from backend.calls.bills import Bills
from backend.calls.bridging import Bridging, Reached
from backend.calls.bridging import Ringing as Begun
from backend.calls.doubts import Doubts
from backend.calls.endings import Endings
from backend.calls.inbound import Inbound
from backend.calls.planning import Planning
from backend.calls.ringing import Ringing
from backend.calls.talking import Spoken, Talking
from backend.calls.tools import Tools
from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.visits import Visits
from notify.line import LineEvent
from notify.message import Prompt


class Calls:
    """Places and reconciles telephone calls, and answers the carrier."""

    def __init__(self, tools: Tools, visits: Visits) -> None:
        self.tools = tools
        self._bridging = Bridging(tools)
        endings = Endings(tools, visits, self._bridging)
        self._talking = Talking(tools, endings)
        self._planning = Planning(tools, endings)
        self._ringing = Ringing(tools, endings, visits, self._bridging)
        self._doubts = Doubts(tools, endings, self._talking)
        self._bills = Bills(tools)
        self._inbound = Inbound(tools, self._talking)

    async def round(self) -> int:
        """Queue messages, reconcile silent attempts, place due calls; return how many were handled."""
        now = self.tools.now()
        snapshot = await self.tools.office.snapshot()
        handled = await self._planning.letters(now, snapshot)
        handled += await self._doubts.round(now)
        handled += await self._ringing.round(now, snapshot)
        return handled + await self._bills.round(now)

    async def answer(self, attempt_id: int, step: int, event: LineEvent) -> Spoken:
        """Return what to say at a step of an attempt. Refused `not_found` (FW24)."""
        return await self._talking.answer(attempt_id, step, event)

    async def status(self, attempt_id: int, event: LineEvent) -> None:
        """Handle a carrier's status of an attempt. Refused `not_found` (FW24)."""
        await self._talking.status(attempt_id, event)

    async def pushed(self, event: LineEvent) -> None:
        """Handle the report of a carrier that got its menu up front. Refused `not_found`."""
        if not (event.ref.isascii() and event.ref.isdigit() and len(event.ref) < 19):
            raise Refused("not_found")
        await self._talking.pushed(int(event.ref), event)

    async def inbound(self, event: LineEvent) -> Spoken:
        """Return the first prompt of an incoming call."""
        return await self._inbound.answer(event)

    async def forget_recordings(self) -> int:
        """Drop recordings older than `recording.keep`; return how many."""
        snapshot = await self.tools.office.snapshot()
        kept = snapshot.settings.limit("recording.keep").duration
        return await self.tools.store.delete_recordings(self.tools.now() - kept)

    async def ring(self, ticket_no: str, by: Actor) -> str:
        """Ring the unit's first contact now; return their code.

        Refused `forbidden`, `not_found`, `not_now`, `no_handler`.
        """
        return await self._planning.ring(ticket_no, by)

    async def bridge(
        self, by: Actor, *, ticket_no: str | None = None, assignment_id: int | None = None, person: str | None = None
    ) -> Begun:
        """Connect `person` (default: `by`) with the requester (P3).

        Refused `forbidden`, `not_found`, `not_now`, `no_phone`, `number_dead`, `calls_stopped`, `unavailable`.
        """
        return await self._bridging.start(by, ticket_no, assignment_id, person)

    async def announce(self, attempt_id: int) -> Prompt:
        """Return what the requester hears before being connected. Refused `not_found`."""
        return await self._bridging.announce(attempt_id)

    async def reached(self, ticket_id: int) -> Reached:
        """Return the attempts to reach a requester, and whether they exempt (B49)."""
        return await self._bridging.reached(ticket_id)

    async def revive(self, key: str, by: Actor) -> bool:
        """Allow calls to an invalid number again, audited (FW23); False if it was not blocked."""
        revived = await self.tools.store.remove_invalid_number(key)
        if revived:
            await self.tools.audit.record(self.tools.now(), by.code, "number_revived", None, key=key[:12])
        return revived

    async def stranger(self, about: str, who: str = "") -> None:
        """Record a callback about an unknown attempt (FW24)."""
        await self.tools.audit.record(self.tools.now(), "phone", "unknown_call", about, call=who)

    def carry(self, attempt_id: int, text: str) -> str:
        """Seal text for a URL of this attempt (FW10)."""
        return self.tools.store.seal_param(attempt_id, text)

    def carried(self, attempt_id: int, sealed: str) -> str:
        """Open the sealed text; ValueError if it was not sealed for this attempt."""
        return self.tools.store.open_param(attempt_id, sealed)
