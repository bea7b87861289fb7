"""Verify and seal the journal: recompute every hash, find gaps, compare each ticket with its last entry (G22)."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from backend.domain.decision import hash_entry
from backend.domain.instants import to_micros
from backend.domain.move_table import BY_VERB
from backend.domain.records import Assignment, JournalEntry
from backend.domain.ticket_digest import compute_digest
from backend.office.clock import Clock
from backend.ports.integrity import JournalChain, JournalStore, Seal

PAGE = 500  # tickets at a time
COMMIT_LAG = timedelta(minutes=5)  # entries younger than this may still be followed by earlier ones not yet committed
MAX_PER_SEAL = 5_000  # entries under one seal
RECHECKS = 2  # rechecks of a ticket before it is reported
SIGNS = ("sign", "auto_sign")


@dataclass(frozen=True, slots=True)
class JournalFinding:
    """Something that differs from what was written. `what` is a key of the texts (`verify.…`)."""

    code: str
    ticket: str
    version: int | None = None


def check_chain(chain: JournalChain, key: bytes) -> Iterator[JournalFinding]:
    """Yield all that is wrong with one ticket's chain."""
    no = chain.ticket_no or f"#{chain.ticket_id}"
    yield from (JournalFinding("line_unreadable", no, version) for version in chain.unreadable)
    prev, want = "", 1
    for line in chain.lines:
        if line.version != want and want not in chain.unreadable:
            yield JournalFinding("line_missing", no, want)
        elif line.prev_hash != prev and want - 1 not in chain.unreadable:
            yield JournalFinding("chain_broken", no, line.version)
        if hash_entry(key, line) != line.hash:
            yield JournalFinding("line_forged", no, line.version)
        prev, want = line.hash, line.version + 1
    ticket = chain.ticket
    if ticket is None:
        yield JournalFinding("ticket_missing", no)
        return
    if not chain.lines:
        yield JournalFinding("line_missing", no, 1)
        return
    if ticket.version != chain.lines[-1].version:
        yield JournalFinding("version_differs", no, ticket.version)
    if ticket.journal_head != chain.lines[-1].hash:
        yield JournalFinding("head_differs", no)
    if str(ticket.state) != _replay_state(chain):
        yield JournalFinding("state_differs", no)
    recorded_digest = chain.lines[0].arguments.get("digest")
    if recorded_digest is not None and recorded_digest != compute_digest(key, ticket):
        yield JournalFinding("ticket_changed", no)
    for assignment in chain.assignments:
        if not _matches_journal(assignment, chain.lines):
            yield JournalFinding("assignment_changed", no)


def _replay_state(chain: JournalChain) -> str:
    """Replay the entries to a state: a ticket follows its own moves and those of its lead assignment."""
    leads = {a.id for a in chain.assignments if a.lead}
    state = ""
    for line in chain.lines:
        row = BY_VERB.get(line.verb)
        if row is not None and row.on_assignment and line.assignment_id not in leads:
            continue
        state = line.to_state
    return state


def _matches_journal(assignment: Assignment, lines: Sequence[JournalEntry]) -> bool:
    """Whether the times of an assignment match those of its journal entries (if it has any)."""
    own = [line for line in lines if line.assignment_id == assignment.id]
    if not own or lines[0].verb != "create":
        return True
    moments = {line.at for line in own}
    signed = [line for line in own if line.verb in SIGNS]
    if bool(signed) != (assignment.signed_at is not None):
        return False
    if signed and signed[-1].verb == "sign" and signed[-1].by != assignment.signed_by:
        return False
    if signed and signed[-1].verb == "auto_sign":  # the event time is the moment it was due
        moments.add(assignment.sign_due_at)
    times = (assignment.signed_at, assignment.contacted_at, assignment.replied_at, assignment.closed_at)
    return all(at is None or at in moments for at in times)


def compute_seal(key: bytes, prev: str, members: Sequence[int], hashes: Sequence[str], until: int) -> str:
    """Compute the hash of a seal over the one before, the moment, and every entry's id and hash."""
    body = hashlib.sha256("".join(f"{i}:{h}\n" for i, h in zip(members, hashes, strict=True)).encode()).hexdigest()
    return hmac.new(key, f"seal\x1f{prev}\x1f{until}\x1f{body}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was checked and found. `seal` is the newest seal's hash: stored elsewhere, it proves the rest."""

    tickets: int
    lines: int
    seals: int
    findings: tuple[JournalFinding, ...]
    seal: str


class JournalVerifier:
    """`jiesu verify`."""

    def __init__(self, store: JournalStore, key: bytes) -> None:
        self._store = store
        self._key = key

    async def verify(self) -> VerifyReport:
        """Check everything once."""
        found: list[JournalFinding] = []
        tickets = lines = 0
        async for chain in self._chains():
            tickets, lines = tickets + 1, lines + len(chain.lines)
            found.extend(await self.check_ticket(chain))
        found.extend(
            JournalFinding("ticket_missing", f"#{ticket_id}") for ticket_id in await self._store.find_missing_tickets()
        )
        seals, last, prev = 0, 0, ""
        while page := await self._store.list_seals(last, 50):
            for one in page:
                found.extend(await self.check_seal(one, prev))
                prev, last, seals = one.hash, one.id, seals + 1
        once = tuple(dict.fromkeys(found))
        return VerifyReport(tickets, lines, seals, once, prev)

    async def check_ticket(self, chain: JournalChain) -> list[JournalFinding]:
        """List what is wrong with a ticket and still is when read again: it may be changing right now."""
        found = list(check_chain(chain, self._key))
        for _ in range(RECHECKS if found else 0):
            again = await self._store.list_chains(chain.ticket_id - 1, 1)
            now = list(check_chain(again[0], self._key)) if again else found
            found = [f for f in found if f in now]
        return found

    async def _chains(self) -> AsyncIterator[JournalChain]:
        after = -1
        while page := await self._store.list_chains(after, PAGE):
            for chain in page:
                yield chain
            after = page[-1].ticket_id

    async def check_seal(self, one: Seal, prev: str) -> list[JournalFinding]:
        """List what is wrong with a seal; `prev` is the hash of the one before."""
        kept = await self._store.load_hashes(one.members)
        missing = [i for i in one.members if i not in kept]
        if missing:
            return [JournalFinding("sealed_line_missing", f"#{i}") for i in missing]
        hashes = [kept[i] for i in one.members]
        right = compute_seal(self._key, one.prev_hash, one.members, hashes, to_micros(one.until)) == one.hash
        return [] if right and one.prev_hash == prev else [JournalFinding("seal_broken", f"#{one.id}")]


class JournalSealer:
    """Seals the journal's newest entries together periodically, so that none can vanish from its end."""

    def __init__(self, store: JournalStore, key: bytes, clock: Clock) -> None:
        self._store = store
        self._key = key
        self._clock = clock

    async def run_once(self) -> int:
        """Seal what was recorded up to five minutes ago; return how many entries were sealed."""
        until = self._clock.now() - COMMIT_LAG
        sealed = 0
        while True:
            last = await self._store.get_last_seal()
            if last is not None and last.until >= until:
                return sealed
            rows = list(await self._store.list_unsealed(last.until if last else None, until, MAX_PER_SEAL + 1))
            if not rows:
                return sealed
            if len(rows) > MAX_PER_SEAL:  # entries of one instant stay under one seal
                newest = rows[-1][2]
                rows = [r for r in rows if r[2] < newest] or rows
            members = [r[0] for r in rows]
            moment = rows[-1][2]
            prev = last.hash if last else ""
            hash_ = compute_seal(self._key, prev, members, [r[1] for r in rows], to_micros(moment))
            if await self._store.add_seal(members, prev, hash_, moment) is None:
                return sealed
            sealed += len(rows)
