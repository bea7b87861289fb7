"""The SMS gateways by preference, and which of them sends to a number."""

from collections.abc import Sequence
from dataclasses import dataclass

from notify.sms_gateway import SmsGateway


@dataclass(frozen=True)
class SmsGateways:
    """`all_serve`: in a rehearsal every gateway reaches every number."""

    gateways: Sequence[SmsGateway] = ()
    all_serve: bool = False

    def __bool__(self) -> bool:
        return bool(self.gateways)

    def choose(self, number: str) -> SmsGateway | None:
        """Return the first that serves the number, else the first, which says so itself; None without any."""
        serving = (one for one in self.gateways if self.all_serve or one.can.reaches(number))
        return next(serving, self.gateways[0] if self.gateways else None)
