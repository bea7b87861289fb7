"""The call service: what adapters and workers ask of the telephone."""

from collections.abc import Mapping, Sequence

from backend.calls.bridge import Bridge, ContactAttempts, StartedBridge, may_bridge
from backend.calls.costs import CallCosts, CostReport, compute_costs
from backend.calls.dependencies import CallDependencies, CallPurpose
from backend.calls.dialer import Dialer
from backend.calls.dialogue import Dialogue
from backend.calls.inbound import Inbound
from backend.calls.outcomes import CallOutcomes
from backend.calls.queue import CallQueue
from backend.calls.reconcile import CallReconciler
from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.ports.call_records import InvalidNumber
from backend.ports.ticket_queries import TicketView
from notify.carrier import CallEvent, Spoken
from notify.message import Prompt


class Calls:
    """Places and reconciles telephone calls, and answers the carrier; without one it refuses to call: `no_carrier`.

    `purposes`: the features that judge their own calls, by the purpose of the call (`visit`).
    """

    def __init__(self, tools: CallDependencies, purposes: Mapping[str, CallPurpose]) -> None:
        self.dependencies = tools
        self._bridge = Bridge(tools)
        purposes = {"bridge": self._bridge, **purposes}
        endings = CallOutcomes(tools, purposes)
        self._outcomes = endings
        self._dialogues: dict[str, Dialogue] = {}  # by carrier: each can do other things
        self._queue = CallQueue(tools, endings)
        self._dialer = Dialer(tools, endings, purposes)
        self._reconciler = CallReconciler(tools, endings, Dialogue(tools, endings))
        self._costs = CallCosts(tools)
        say = tools.texts.render
        self.wait_prompt = Prompt((say("phone.wait"),), pause=1, then="next", language=tools.language)
        self.unavailable_prompt = Prompt((say("phone.unavailable"),), language=tools.language)

    @property
    def has_carrier(self) -> bool:
        """Whether calls can be made at all."""
        return bool(self.dependencies.carriers.carriers)

    async def run_once(self) -> int:
        """Queue messages, reconcile silent attempts, place due calls; return how many were handled."""
        now = self.dependencies.now()
        snapshot = await self.dependencies.office.snapshot()
        handled = await self._queue.queue_messages(now, snapshot)
        handled += await self._reconciler.run_once(now)
        handled += await self._dialer.run_once(now, snapshot)
        return handled + await self._costs.run_once(now)

    def _get_dialogue(self, carrier: str) -> Dialogue:
        if carrier not in self._dialogues:
            tools = self.dependencies.use(self.dependencies.carriers.get(carrier))
            self._dialogues[carrier] = Dialogue(tools, self._outcomes)
        return self._dialogues[carrier]

    async def answer(self, attempt_id: int, step: int, event: CallEvent, carrier: str = "") -> Spoken:
        """Return what to say at a step of an attempt, on this carrier ("": the preferred). Refused `not_found` (FW24)."""
        return await self._get_dialogue(carrier).answer(attempt_id, step, event)

    async def receive_status(self, attempt_id: int, event: CallEvent, carrier: str = "") -> None:
        """Handle a carrier's status of an attempt. Refused `not_found` (FW24)."""
        await self._get_dialogue(carrier).receive_status(attempt_id, event)

    async def report(self, event: CallEvent, carrier: str = "") -> None:
        """Handle the report of a carrier that got its menu up front. Refused `not_found`."""
        if not (event.ref.isascii() and event.ref.isdigit() and len(event.ref) < 19):
            raise Refused("not_found")
        await self._get_dialogue(carrier).report(int(event.ref), event)

    async def answer_inbound(self, event: CallEvent, carrier: str = "") -> Spoken:
        """Return the first prompt of an incoming call."""
        return await Inbound(self.dependencies, self._get_dialogue(carrier)).answer(event)

    async def drop_recordings(self) -> int:
        """Drop recordings older than `recording.keep`; return how many."""
        snapshot = await self.dependencies.office.snapshot()
        keep_for = snapshot.settings.limit("recording.keep").duration
        return await self.dependencies.store.delete_recordings(self.dependencies.now() - keep_for)

    async def call_unit(self, ticket_no: str, by: Actor) -> str:
        """Ring the unit's first contact now; return their code.

        Refused `forbidden`, `not_found`, `not_now`, `no_handler`.
        """
        return await self._queue.call_unit(ticket_no, by)

    async def find_unit_contact(self, ticket_no: str, by: Actor) -> str:
        """Return the code of whom `call_unit` would ring; nobody is rung. Refused as it is."""
        _, _, person = await self._queue.find_contact(ticket_no, by)
        return person.code

    async def start_bridge(
        self, by: Actor, *, ticket_no: str | None = None, assignment_id: int | None = None, person: str | None = None
    ) -> StartedBridge:
        """Connect `person` (default: `by`) with the requester (P3).

        Refused `forbidden`, `not_found`, `not_now`, `no_phone`, `number_dead`, `calls_stopped`, `unavailable`, `no_carrier`.
        """
        return await self._bridge.start(by, ticket_no, assignment_id, person)

    def may_bridge(self, view: TicketView, by: Actor) -> bool:
        """Return whether to offer `by` a connection with this ticket's requester; `start_bridge` decides."""
        return self.dependencies.carriers.can_bridge and view.ticket.has_phone and may_bridge(view, by)

    async def build_announcement(self, attempt_id: int) -> Prompt:
        """Return what the requester hears before being connected. Refused `not_found`."""
        return await self._bridge.build_announcement(attempt_id)

    async def get_contact_attempts(self, ticket_id: int) -> ContactAttempts:
        """Return the attempts to reach a requester, and whether they exempt (B49)."""
        return await self._bridge.get_contact_attempts(ticket_id)

    async def compute_costs(self, month: str | None) -> CostReport:
        """Add up a month's costs (default: this month). Refused `bad_month`."""
        return await compute_costs(self.dependencies, month)

    async def list_invalid_numbers(self, limit: int) -> Sequence[InvalidNumber]:
        """List numbers no longer called, newest first (FW23)."""
        return await self.dependencies.store.list_invalid_numbers(limit)

    async def unblock_number(self, key: str, by: Actor) -> bool:
        """Allow calls to an invalid number again, audited (FW23); False if it was not blocked."""
        revived = await self.dependencies.store.remove_invalid_number(key)
        if revived:
            await self.dependencies.audit.record(self.dependencies.now(), by.code, "number_revived", None, key=key[:12])
        return revived

    async def record_unknown_callback(self, attempt: str, provider_id: str = "") -> None:
        """Record a callback about an unknown attempt (FW24)."""
        await self.dependencies.audit.record(
            self.dependencies.now(), "phone", "unknown_call", attempt, call=provider_id
        )

    def seal_param(self, attempt_id: int, text: str) -> str:
        """Seal text for a URL of this attempt (FW10)."""
        return self.dependencies.store.seal_param(attempt_id, text)

    def open_param(self, attempt_id: int, sealed: str) -> str:
        """Open the sealed text; ValueError if it was not sealed for this attempt."""
        return self.dependencies.store.open_param(attempt_id, sealed)
