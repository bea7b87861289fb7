"""The version gate as services see it: which of its parts are closed to this code (XR2)."""

from collections.abc import Sequence
from typing import Protocol


class GateStore(Protocol):
    """Reads the gate."""

    async def list_closed(self) -> Sequence[str]:
        """List the parts of the database that are too new or too old for this code; a hold closes none."""
        ...
