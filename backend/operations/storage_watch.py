"""Watches the place where data are kept: damage, the room left, who must be told, when all may go on (XR4, FD5, FD16)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any

import structlog

from backend.office.clock import Clock
from backend.operations.alarms import Alarms
from backend.operations.health import STOPPING
from backend.operations.places import LOW, NEARLY_FULL
from backend.ports.availability import Unavailable
from backend.ports.operations import Damage, SharedDamage, Soundness, StorageCondition

log = structlog.get_logger("storage")
LOOK_SECONDS = 5.0  # between two looks at marks and disks
START_SECONDS = 60.0  # longest check before work begins; what is left is checked behind it
PATROL_SECONDS = 20.0  # between two turns of the patrol, at least
PATROL_SLICE = 0.2  # seconds of a turn
PATROL_COST = 100  # a turn is followed by a pause of so many times its length: one per cent of a core
NIGHT_HOUR = 3  # office time at which all is checked
RED = ("read_only", "disk_full", "disk_nearly_full")
ALARMED = (*RED, "disk_low")


class StorageWatch:
    """One a process. The processes of role clock also check pages and tell administrators.

    `measure` returns the free share of the disks here, `probe` writes a little, `notes` are codes of what was found at
    the start and cannot change while we run. `serving_again` is called when writing is possible again: it ends back-off.
    """

    def __init__(
        self, condition: StorageCondition, soundness: Soundness, shared: SharedDamage | None, alarms: Alarms,
        clock: Clock, *, measure: Callable[[], float], probe: Callable[[], Awaitable[None]], guards: bool,
        serving_again: Callable[[], None], notes: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self._notes = notes
        self._serving_again = serving_again
        self._preparing: Callable[[], Awaitable[None]] | None = None
        self._condition = condition
        self._soundness = soundness
        self._shared = shared
        self._alarms = alarms
        self._clock = clock
        self._measure = measure
        self._probe = probe
        self._guards = guards
        self._free = 1.0
        self._standing: Sequence[str] = ()
        self._next_patrol = 0.0
        self._is_small = True  # a whole turn fits into a slice: then indexes are compared too
        self._night: date | None = None

    # -- what is known

    def list_conditions(self) -> Sequence[str]:
        """List the codes of what is wrong with the storage, as far as known here: the red ones, then warnings."""
        codes = ["read_only"] if self._condition.damage is not None else []
        if self._condition.is_full:
            codes.append("disk_full")
        elif self._free < NEARLY_FULL:
            codes.append("disk_nearly_full")
        elif self._free < LOW:
            codes.append("disk_low")
        return [*codes, *self._notes]

    def list_red(self) -> Sequence[str]:
        """List those for which the installation is not well."""
        return [code for code in self.list_conditions() if code in RED]

    def call_when_mended(self, prepare: Callable[[], Awaitable[None]]) -> None:
        """Call this before `serving_again`, once, when writing is possible again."""
        self._preparing = prepare

    # -- looking

    async def run_forever(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:  # the next look may succeed
                log.exception("storage_watch_failed")
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Learn what others found, measure, probe a full disk; tell what is new, heal what is over, wake who waited."""
        if (damage := self._condition.damage) is not None:
            self._condition.report(damage)  # in case the mark could not be written
        await self._share()
        self._free = self._measure()
        if self._condition.is_full:
            try:
                await self._probe()
            except Unavailable:
                pass
        before, self._standing = self._standing, self.list_conditions()
        over = [code for code in before if code not in self._standing]
        for code in self._standing:
            await self._tell(code, is_new=code not in before)
        for code in over:
            log.warning("storage_condition_over", condition=code)
            if code in ALARMED and self._is_ours_to_tell():
                await self._alarms.heal(code)
        if STOPPING.intersection(self._standing):
            return
        if self._preparing is not None:
            await self._preparing()
            self._preparing = None
        if STOPPING.intersection(over):
            self._serving_again()

    async def _share(self) -> None:
        """Tell other machines of our damage, and learn of theirs and of what a check lifted there."""
        if self._shared is None:
            return
        known = self._condition.damage
        try:
            if known is not None and not known.number:
                self._condition.report(await self._shared.tell(known))
                return
            found = await self._shared.read()
        except Exception as error:  # the database may be the patient: this machine's mark stands
            log.warning("damage_not_shared", kind=type(error).__name__)
            return
        if found is None:
            return
        damage, is_lifted = found
        if known is None and not is_lifted:
            self._condition.report(damage)
        elif known is not None and is_lifted and damage.number >= known.number:
            self._condition.lift()

    async def _tell(self, code: str, *, is_new: bool) -> None:
        facts = self._describe(code)
        if is_new:
            log.warning("storage_condition", condition=code, **facts)
        if code in ALARMED and self._is_ours_to_tell():
            await self._alarms.tell(code, **facts)  # it tells once, and again if nobody was reached

    def _describe(self, code: str) -> dict[str, Any]:
        damage = self._condition.damage
        if code == "read_only" and damage is not None:
            return {"code": damage.code, "where": damage.where}
        return {"free": f"{self._free:.0%}"} if code.startswith("disk_") else {}

    def _is_ours_to_tell(self) -> bool:
        """Whether nobody else will: the clock's process does, unless it cannot know what we found."""
        damage = self._condition.damage
        return self._guards or (self._shared is not None and damage is not None and not damage.number)

    # -- checking

    async def check_at_start(self) -> None:
        """Check pages before work begins, for a minute at most; the patrol goes on where this ends."""
        if self._condition.damage is None:
            await self._check(self._soundness.check_some(START_SECONDS, strict=True))
        try:
            await self._alarms.refresh()
        except Unavailable as error:
            log.warning("nobody_to_tell", cause=error.cause)
        await self.look()

    async def patrol(self) -> int:
        """Check some tables if it is time, or at once if something stored could not be decoded."""
        now = self._clock.monotonic()
        if self._condition.damage is not None or not (self._condition.is_suspect or now >= self._next_patrol):
            return 0
        self._condition.is_suspect = False
        await self._check(self._soundness.check_some(PATROL_SLICE, deep=self._is_small))
        took = self._clock.monotonic() - now
        self._is_small = took < PATROL_SLICE
        self._next_patrol = now + max(PATROL_SECONDS, PATROL_COST * took)
        return 0

    async def check_nightly(self) -> int:
        """Check everything once a night, at three; not on the day this process began."""
        now = self._clock.now()
        if self._night is None or (self._night < now.date() and now.hour >= NIGHT_HOUR):
            is_first, self._night = self._night is None, now.date()
            if not is_first and self._condition.damage is None:
                await self._check(self._soundness.check_all())
        return 0

    async def _check(self, check: Awaitable[Sequence[str]]) -> None:
        found = await check
        if found:
            log.error("check_found_damage", found=list(found)[:10])
            self._condition.report(Damage("check", found[0][:200]))
