"""A simulated telephone as tests and the page operate it."""

# ruff: noqa: ASYNC109 - a timeout parameter in seconds is part of the interface
from collections.abc import Sequence
from typing import Protocol

from sandbox.broadcast import Broadcast
from sandbox.telephone.behaviour import BUSY, FAILED, MANUAL, NO_ANSWER, REJECT, Behaviour, Reply, Script, answer_with
from sandbox.telephone.handset_call import PATIENCE_SECONDS, HandsetCall
from sandbox.telephone.model import Pickup, Sms


class PhoneExchange(Protocol):
    """What a telephone needs of its network; `default` is how it behaves until it is told."""

    default: Behaviour
    broadcast: Broadcast

    def start_inbound_call(self, phone: "Phone", caller_id: str, behaviour: Behaviour) -> HandsetCall:
        """Start a call from this telephone to the office."""
        ...


class Phone:
    """A telephone with a number (E.164): its behaviour, calls and SMS."""

    def __init__(self, network: PhoneExchange, number: str) -> None:
        self.network = network
        self.number = number
        self.calls: list[HandsetCall] = []
        self.sms: list[Sms] = []
        self._behaviours: list[Behaviour] = []
        self._seen_calls = 0

    def set_behaviours(self, *behaviours: Behaviour) -> "Phone":
        """Set the behaviours of the next calls, one each; the last one stays."""
        self._behaviours = list(behaviours)
        return self

    def answer_with(self, script: Script | Sequence[Reply | str] = ()) -> "Phone":
        """Answer at once and follow a script."""
        return self.set_behaviours(answer_with(script))

    def operate_by_hand(self) -> "Phone":
        """Ring until a test or the page does something."""
        return self.set_behaviours(MANUAL)

    def be_busy(self) -> "Phone":
        """Be busy."""
        return self.set_behaviours(BUSY)

    def ring_out(self) -> "Phone":
        """Ring until the timeout."""
        return self.set_behaviours(NO_ANSWER)

    def be_unreachable(self) -> "Phone":
        """Be unreachable."""
        return self.set_behaviours(FAILED)

    def reject_calls(self) -> "Phone":
        """Reject calls."""
        return self.set_behaviours(REJECT)

    def be_machine(self, answered_by: str = "machine_start") -> "Phone":
        """Be answered by a machine; `answered_by` is what detection reports (machine_start, fax, unknown)."""
        return self.set_behaviours(Behaviour(Pickup.MACHINE, answered_by=answered_by))

    @property
    def behaviour(self) -> Behaviour:
        """The behaviour for the next call."""
        return self._behaviours[0] if self._behaviours else self.network.default

    def next_behaviour(self) -> Behaviour:
        """Take the behaviour for a call that rings now."""
        chosen = self.behaviour
        if len(self._behaviours) > 1:
            self._behaviours.pop(0)
        return chosen

    @property
    def heard(self) -> str:
        """Everything said to this phone, over all calls."""
        return "\n".join(live.heard for live in self.calls if live.heard)

    @property
    def current_call(self) -> HandsetCall | None:
        """The newest call that has not ended."""
        return next((live for live in reversed(self.calls) if not live.ended), None)

    async def wait_for_ring(self, timeout: float = PATIENCE_SECONDS) -> HandsetCall:
        """Wait for the next manually operated call here that wait_for_ring has not returned before."""

        def find_ring() -> HandsetCall | None:
            for place, live in enumerate(self.calls[self._seen_calls :], self._seen_calls):
                if live.is_manual and live.call.direction != "inbound" and live.call.status != "queued":
                    self._seen_calls = place + 1
                    return live
            return None

        try:
            return await self.network.broadcast.wait(find_ring, timeout)
        except TimeoutError:
            raise AssertionError(f"{self.number} never rang") from None

    async def call_office(
        self, *, caller_id: str | None = None, script: Script | Sequence[Reply | str] | None = None
    ) -> HandsetCall:
        """Call the office, by hand or following a script, with the own or a spoofed caller number (FW25)."""
        behaviour = MANUAL if script is None else answer_with(script)
        return self.network.start_inbound_call(self, caller_id or self.number, behaviour)
