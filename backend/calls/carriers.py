"""The voice carriers by preference, and which of them calls a number."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.domain.refusals import Refused
from notify.carrier import VoiceCarrier


@dataclass(frozen=True)
class Carriers:
    """`all_serve`: in a rehearsal every carrier reaches every number."""

    carriers: Sequence[VoiceCarrier] = ()
    all_serve: bool = False

    @property
    def can_bridge(self) -> bool:
        """Whether any of them can connect two people."""
        return any(one.can.bridge for one in self.carriers)

    def choose(self, number: str, *, bridge: bool = False) -> VoiceCarrier:
        """Return the first that serves the number and, where one is needed, can bridge; else the first that could be asked.

        Who serves nothing of it says so itself (FW23). Refused `no_carrier` without any.
        """
        able = [one for one in self.carriers if one.can.bridge or not bridge] or self.carriers
        serving = [one for one in able if self.all_serve or one.can.reaches(number)] or able
        if not serving:
            raise Refused("no_carrier")
        return serving[0]

    def connects(self, *numbers: str) -> bool:
        """Whether one of them can bridge and reaches all these numbers: another would have them taken for dead (FW23)."""
        able = (one for one in self.carriers if one.can.bridge)
        return any(self.all_serve or all(one.can.reaches(number) for number in numbers) for one in able)

    def get(self, name: str) -> VoiceCarrier:
        """Return one by its name, "" the first. Refused `no_carrier`."""
        for one in self.carriers:
            if name in ("", one.name):
                return one
        raise Refused("no_carrier")
