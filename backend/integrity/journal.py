"""Verify and seal the journal: recompute every hash, find gaps, compare each ticket with its last entry (G22)."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.domain.instants import to_micros
from backend.domain.journal_hash import DIGEST, JournalKey, hash_line, hash_seal, hash_ticket
from backend.domain.move_table import BY_VERB
from backend.domain.records import Assignment, JournalEntry, Ticket
from backend.domain.stored_form import encode_ids
from backend.office.clock import Clock
from backend.ports.integrity import JournalChain, JournalLine, JournalStore, Seal

PAGE = 500  # tickets at a time
COMMIT_LAG = timedelta(minutes=5)  # entries younger than this may still be followed by earlier ones not yet committed
MAX_PER_SEAL = 5_000  # entries under one seal
RECHECKS = 2  # rechecks of a ticket before it is reported
SIGNS = ("sign", "auto_sign")
KEY_MISSING = "key_missing"  # no secret at hand gives the key of this name
JournalKeys = Mapping[str, JournalKey]  # by name


@dataclass(frozen=True, slots=True)
class JournalFinding:
    """Something that differs from what was written. `code` is a key of the texts (`cli.found.…`)."""

    code: str
    ticket: str  # or the seal, the line, the key
    version: int | None = None


def check_chain(chain: JournalChain, keys: JournalKeys) -> Iterator[JournalFinding]:
    """Yield all that is wrong with one ticket's chain."""
    no = chain.ticket_no or f"#{chain.ticket_id}"
    yield from _check_lines(chain.lines, no, keys)
    if chain.ticket is None:
        yield JournalFinding("ticket_missing", no)
    elif not chain.lines:
        yield JournalFinding("line_missing", no, 1)
    else:
        yield from _check_ticket(chain, chain.ticket, no, keys)


def _check_lines(lines: Sequence[JournalLine], no: str, keys: JournalKeys) -> Iterator[JournalFinding]:
    """Yield what is wrong with lines and their order."""
    prev, want = "", 1
    for line in lines:
        if line.version != want:
            yield JournalFinding("line_missing", no, want)
        elif line.prev_hash != prev:
            yield JournalFinding("chain_broken", no, line.version)
        if line.key_name not in keys:
            yield JournalFinding(KEY_MISSING, line.key_name)
        elif hash_line(keys[line.key_name], line.cells) != line.hash:
            yield JournalFinding("line_forged", no, line.version)
        if line.entry is None:
            yield JournalFinding("line_unreadable", no, line.version)
        prev, want = line.hash, line.version + 1


def _check_ticket(chain: JournalChain, ticket: Ticket, no: str, keys: JournalKeys) -> Iterator[JournalFinding]:
    """Yield where a ticket and its assignments are not what its lines say."""
    if ticket.version != chain.lines[-1].version:
        yield JournalFinding("version_differs", no, ticket.version)
    if ticket.journal_head != chain.lines[-1].hash:
        yield JournalFinding("head_differs", no)
    entries = [line.entry for line in chain.lines if line.entry is not None]
    if str(ticket.state) != _replay_state(chain, entries):
        yield JournalFinding("state_differs", no)
    if entries and _is_ticket_changed(entries[0], chain.ticket_cells, keys):
        yield JournalFinding("ticket_changed", no)
    for assignment in chain.assignments:
        if not _matches_journal(assignment, entries):
            yield JournalFinding("assignment_changed", no)


def _is_ticket_changed(first: JournalEntry, cells: Sequence[object], keys: JournalKeys) -> bool:
    """Whether the fields that never change are not those of the first line's digest, as far as its key is there."""
    digest, key = first.arguments.get(DIGEST), keys.get(first.key_name)
    return digest is not None and key is not None and digest != hash_ticket(key, cells)


def _replay_state(chain: JournalChain, entries: Sequence[JournalEntry]) -> str:
    """Replay the entries to a state: a ticket follows its own moves and those of its lead assignment."""
    leads = {a.id for a in chain.assignments if a.lead}
    state = ""
    for line in entries:
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

    def __init__(self, store: JournalStore, keys: JournalKeys) -> None:
        self._store = store
        self._keys = keys

    async def verify(self) -> VerifyReport:
        """Check everything once."""
        found: dict[JournalFinding, None] = {}  # each once, in their order
        tickets = lines = 0
        async for chain in self._chains():
            tickets, lines = tickets + 1, lines + len(chain.lines)
            found |= dict.fromkeys(await self.check_ticket(chain))
        for ticket_id in await self._store.find_missing_tickets():
            found[JournalFinding("ticket_missing", f"#{ticket_id}")] = None
        seals, last, prev = 0, 0, ""
        while page := await self._store.list_seals(last, 50):
            for one in page:
                found |= dict.fromkeys(await self.check_seal(one, prev))
                prev, last, seals = one.hash, one.id, seals + 1
        return VerifyReport(tickets, lines, seals, tuple(found), prev)

    async def check_ticket(self, chain: JournalChain) -> list[JournalFinding]:
        """List what is wrong with a ticket and still is when read again: it may be changing right now."""
        found = list(check_chain(chain, self._keys))
        for _ in range(RECHECKS if any(f.code != KEY_MISSING for f in found) else 0):
            again = await self._store.list_chains(chain.ticket_id - 1, 1)
            now = list(check_chain(again[0], self._keys)) if again else found
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
        key = self._keys.get(one.key_name)
        if key is None:
            return [JournalFinding(KEY_MISSING, one.key_name)]
        kept = await self._store.load_hashes(one.members)
        missing = [i for i in one.members if i not in kept]
        if missing:
            return [JournalFinding("sealed_line_missing", f"#{i}") for i in missing]
        hashes = [kept[i] for i in one.members]
        right = hash_seal(key, one.cells, hashes) == one.hash
        return [] if right and one.prev_hash == prev else [JournalFinding("seal_broken", f"#{one.id}")]


class JournalSealer:
    """Seals the journal's newest entries together periodically, so that none can vanish from its end."""

    def __init__(self, store: JournalStore, key: JournalKey, clock: Clock) -> None:
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
            seal = self._build_seal(last, rows)
            if not await self._store.add_seal(seal):
                return sealed
            sealed += len(rows)

    def _build_seal(self, last: Seal | None, rows: Sequence[tuple[int, str, datetime]]) -> Seal:
        """Build the seal after the last one over lines: id, hash, when each was recorded."""
        number, prev = (last.id + 1, last.hash) if last else (1, "")
        members, hashes, moments = zip(*rows, strict=True)
        cells = (number, encode_ids(members), prev, to_micros(moments[-1]), self._key.name)
        hash_ = hash_seal(self._key, cells, hashes)
        return Seal(number, members, prev, moments[-1], self._key.name, hash_, cells)
