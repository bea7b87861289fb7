"""A simulated telephone as tests and the page operate it."""

# ruff: noqa: ASYNC109 - a timeout parameter in seconds is part of the interface
from typing import TYPE_CHECKING

from sandbox.phone.behaviour import (
    BUSY,
    FAILED,
    MANUAL,
    NO_ANSWER,
    REJECT,
    Behaviour,
    Reply,
    Script,
    answers,
)
from sandbox.phone.live import PATIENCE_SECONDS, LiveCall
from sandbox.phone.model import Pickup, Sms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.phone.network import PhoneNetwork


class Phone:
    """A telephone with a number (E.164): its behaviour, calls and SMS."""

    def __init__(self, network: "PhoneNetwork", number: str) -> None:
        self.network = network
        self.number = number
        self.calls: list[LiveCall] = []
        self.sms: list[Sms] = []
        self._behaviours: list[Behaviour] = []
        self._picked = 0

    def behave(self, *behaviours: Behaviour) -> "Phone":
        """Set the behaviours of the next calls, one each; the last one stays."""
        self._behaviours = list(behaviours)
        return self

    def answers(self, script: "Script | Sequence[Reply | str]" = ()) -> "Phone":
        """Answer at once and follow a script."""
        return self.behave(answers(script))

    def by_hand(self) -> "Phone":
        """Ring until a test or the page does something."""
        return self.behave(MANUAL)

    def is_busy(self) -> "Phone":
        """Be busy."""
        return self.behave(BUSY)

    def does_not_answer(self) -> "Phone":
        """Ring until the timeout."""
        return self.behave(NO_ANSWER)

    def fails(self) -> "Phone":
        """Be unreachable."""
        return self.behave(FAILED)

    def rejects(self) -> "Phone":
        """Reject calls."""
        return self.behave(REJECT)

    def is_machine(self, answered_by: str = "machine_start") -> "Phone":
        """Be answered by a machine; `answered_by` is what detection reports (machine_start, fax, unknown)."""
        return self.behave(Behaviour(Pickup.MACHINE, answered_by=answered_by))

    @property
    def behaviour(self) -> Behaviour:
        """The behaviour for the next call."""
        return self._behaviours[0] if self._behaviours else self.network.default

    def take_behaviour(self) -> Behaviour:
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
    def current(self) -> LiveCall | None:
        """The newest call that has not ended."""
        return next((live for live in reversed(self.calls) if not live.ended), None)

    async def rings(self, timeout: float = PATIENCE_SECONDS) -> LiveCall:
        """Wait for the next manually operated call here that rings() has not returned before."""

        def look() -> LiveCall | None:
            for place, live in enumerate(self.calls[self._picked :], self._picked):
                if live.manual and live.call.direction != "inbound" and live.call.status != "queued":
                    self._picked = place + 1
                    return live
            return None

        try:
            return await self.network.bell.wait(look, timeout)
        except TimeoutError:
            raise AssertionError(f"{self.number} never rang") from None

    async def dial(
        self, *, caller_id: str | None = None, script: "Script | Sequence[Reply | str] | None" = None
    ) -> LiveCall:
        """Call the office, by hand or following a script, with the own or a spoofed caller number (FW25)."""
        behaviour = MANUAL if script is None else answers(script)
        return self.network.dial_in(self, caller_id or self.number, behaviour)
