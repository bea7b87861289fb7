"""The walk along the chain: journal and seals are verified without being asked, a slice each minute (XR11, identity §12)."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import structlog

from backend.integrity.journal import KEY_MISSING, JournalFinding, JournalVerifier
from backend.office.clock import Clock
from backend.ports.ids import KeyValueStore
from backend.ports.integrity import Finding, IntegrityStore, JournalChain, JournalStore

log = structlog.get_logger("integrity")
EVERY_SECONDS = 60.0
NEWEST = timedelta(hours=1)  # looked at each minute
MAX_NEWEST = 300  # of its tickets a minute; more of them are looked at in turn
LEAST_SLICE = 100  # tickets a minute of all
SLICES_A_WEEK = 9_000  # minutes of a week, less some for stops
SEALS_A_SLICE = 50
TICKET_KIND, SEAL_KIND, KEY_KIND = "chain_ticket", "chain_seal", "chain_key"
Problems = dict[tuple[str, str], Finding]  # by kind and subject
PLACE = "chain_walk"  # where the walk stands: id of a ticket, of a seal, tickets met since the start


class ChainWalk:
    """Safe in any number of processes: they walk on from one place, and a finding is stored once."""

    def __init__(
        self,
        store: JournalStore,
        findings: IntegrityStore,
        verifier: JournalVerifier,
        values: KeyValueStore,
        clock: Clock,
    ) -> None:
        self._store = store
        self._findings = findings
        self._verifier = verifier
        self._values = values
        self._clock = clock
        self._next = 0.0
        self._newest_after = -1
        self._slice = LEAST_SLICE

    async def run_once(self) -> int:
        """Walk one slice if a minute has passed; return how many findings are new."""
        if self._clock.monotonic() < self._next:
            return 0
        self._next = self._clock.monotonic() + EVERY_SECONDS
        return len(await self.walk())

    async def walk(self) -> Sequence[Finding]:
        """Verify the newest tickets, the next slice of all, the next seals, and what was found before."""
        known = [f for f in await self._findings.list_open() if f.kind in (TICKET_KIND, SEAL_KIND, KEY_KIND)]
        ticket, seal, met = await self._read_place()
        newest = await self._store.list_moved_since(self._clock.now() - NEWEST, self._newest_after, MAX_NEWEST)
        self._newest_after = newest[-1] if len(newest) == MAX_NEWEST else -1
        again = [int(f.facts["id"]) for f in known if "id" in f.facts]
        chains = await self._store.list_chains(ticket, self._slice)
        problems = await self._check_tickets([*await self._store.load_chains({*newest, *again}), *chains])
        seals = {int(f.facts["seal"]) for f in known if "seal" in f.facts}
        problems = await self._check_seals(seal, seals) | problems
        is_end = len(chains) < self._slice
        if is_end:
            self._slice = max(LEAST_SLICE, -(-(met + len(chains)) // SLICES_A_WEEK))
        place = (-1, 0) if is_end else (chains[-1].ticket_id, met + len(chains))
        await self._values.put(PLACE, f"{place[0]} {await self._find_next_seal(seal)} {place[1]}")
        return await self._save(known, problems)

    async def _check_tickets(self, chains: Iterable[JournalChain]) -> Problems:
        found: Problems = {}
        for chain in chains:
            subject = chain.ticket_no or f"#{chain.ticket_id}"
            problems = await self._verifier.check_ticket(chain)
            if problems:
                found |= _build_findings(TICKET_KIND, subject, problems, {"id": chain.ticket_id})
            await asyncio.sleep(0)  # others have their turn after each ticket
        return found

    async def _check_seals(self, after: int, again: Iterable[int]) -> Problems:
        found: Problems = {}
        spans = [(after, SEALS_A_SLICE), *((seal - 1, 1) for seal in again)]
        for start, many in spans:
            before = await self._store.list_seals(start - 1, 1) if start > 0 else ()
            prev = before[0].hash if before and before[0].id == start else ""
            for seal in await self._store.list_seals(start, many):
                problems = await self._verifier.check_seal(seal, prev)
                if problems:
                    found |= _build_findings(SEAL_KIND, str(seal.id), problems, {"seal": seal.id})
                prev = seal.hash
                await asyncio.sleep(0)
        return found

    async def _find_next_seal(self, after: int) -> int:
        """Return after which seal the next slice begins: 0 again when there are no more."""
        seals = await self._store.list_seals(after, SEALS_A_SLICE)
        return seals[-1].id if len(seals) == SEALS_A_SLICE else 0

    async def _save(self, known: Sequence[Finding], problems: Problems) -> Sequence[Finding]:
        """Store what is new; what was found before was looked at again just now."""
        open_ = {(f.kind, f.subject) for f in known}
        healed = [f for f in known if (f.kind, f.subject) not in problems]
        fresh = [f for key, f in problems.items() if key not in open_]
        new = await self._findings.save_findings(fresh, healed, self._clock.now())
        for finding in new:
            log.error("finding", kind=finding.kind, subject=finding.subject, **finding.facts)
        return new

    async def _read_place(self) -> tuple[int, int, int]:
        ticket, seal, met = (await self._values.get(PLACE) or "-1 0 0").split()
        return int(ticket), int(seal), int(met)


def _build_findings(kind: str, subject: str, problems: Sequence[JournalFinding], where: Mapping[str, int]) -> Problems:
    """Return one finding for all that differs, and one for each key that is missing: it concerns much else as well."""
    found = {(KEY_KIND, p.ticket): Finding(KEY_KIND, p.ticket, where) for p in problems if p.code == KEY_MISSING}
    if differing := [p for p in problems if p.code != KEY_MISSING]:
        found[kind, subject] = Finding(kind, subject, {**where, "problems": _name(differing)})
    return found


def _name(problems: Sequence[JournalFinding]) -> str:
    return ", ".join(dict.fromkeys(p.code if p.version is None else f"{p.code} {p.version}" for p in problems))
