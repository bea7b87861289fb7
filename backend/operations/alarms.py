"""Alarms: what must reach administrators even when the database is the patient (operations table, XR8)."""

from typing import Any, Protocol


class Alarms(Protocol):
    """One message a cause; told again after ten minutes at the earliest, edited when healed."""

    async def tell(self, cause: str, **facts: Any) -> None:
        """Tell administrators by whatever way still works; never raises. `cause` is a code of `alarm.*` texts."""
        ...

    async def heal(self, cause: str) -> None:
        """The cause has gone: edit what was told."""
        ...
