"""The whole check of a database, on demand: it begins read-only mode, and alone ends it (XR4, FD16)."""

from collections.abc import Sequence

from backend.ports.operations import Damage, SharedDamage, Soundness, StorageCondition


class StorageCheck:
    """What `jiesu check` does, beside a running server or without one."""

    def __init__(self, condition: StorageCondition, soundness: Soundness, shared: SharedDamage | None) -> None:
        self._condition = condition
        self._soundness = soundness
        self._shared = shared

    @property
    def is_read_only(self) -> bool:
        """Whether nothing may be written, as far as this machine knows."""
        return self._condition.damage is not None

    async def run(self) -> Sequence[str]:
        """Check everything and return what is wrong; if nothing is, lift the read-only mode of all processes.

        Raises OSError if the mark cannot be removed, and what the database raises.
        """
        found = await self._soundness.check_all()
        if found:
            damage = Damage("check", found[0][:200])
            self._condition.report(await self._shared.tell(damage) if self._shared is not None else damage)
            return found
        if self._shared is not None:
            await self._shared.lift()
        self._condition.lift()
        return []
