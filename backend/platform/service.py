"""Synchronise with an external platform of record: fetch its demands, write every move back to it (A7)."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from backend.importing.service import ImportService
from backend.office.cache import OfficeCache
from backend.platform.refusals import RefusalNews
from backend.ports.ids import KeyValueStore
from backend.ports.integrity import AuditStore
from backend.ports.operations import TellAlarm, tell_nobody
from backend.ports.platform import DONE_STATES, PlatformStatus, PlatformStore, Writeback, WritebackState
from backend.ports.ticket_queries import Page
from notify.channel import DeliveryError
from notify.platform_client import PlatformClient, is_genuine

log = structlog.get_logger("platform")
#: The platform as an actor in our journal, as of the service key of that name.
PLATFORM_ACTOR = Actor.of_key("platform", Role.DISPATCHER)
BATCH_SIZE = 50  # moves claimed together
COMMIT_LAG = timedelta(minutes=5)  # journal entries this old may still be committed
MIN_BACKOFF, MAX_BACKOFF = timedelta(seconds=5), timedelta(minutes=15)  # between attempts
FETCH_SIZE = 200  # demands fetched together
CURSOR_KEY, ERROR_KEY = "platform_cursor", "platform_trouble"


def compute_backoff(attempt: int) -> timedelta:
    """Return the wait after this attempt: 5 s, doubled each time, at most 15 minutes; retries never end."""
    return min(MIN_BACKOFF * 2.0 ** min(attempt - 1, 10), MAX_BACKOFF)


class PlatformSync:
    """Writes back, fetches, and tracks what the platform has confirmed. `client` is None if not configured."""

    def __init__(
        self, store: PlatformStore, office: OfficeCache, imports: ImportService, values: KeyValueStore, audit: AuditStore,
        client: PlatformClient | None, secrets: Sequence[str], owner: str, lease: timedelta,
        tell_alarm: TellAlarm = tell_nobody,
    ) -> None:  # fmt: skip
        self._store, self._office, self._imports, self._values, self._audit = store, office, imports, values, audit
        self._client, self._secrets, self._owner, self._lease = client, secrets, owner, lease
        self._refusals = RefusalNews(store, values, tell_alarm)
        self._queued_until: datetime | None = None
        self._fetched: tuple[datetime, datetime] | None = None  # the last one, and when the next is due

    @property
    def is_configured(self) -> bool:
        """Whether a platform is configured."""
        return self._client is not None

    async def is_external(self) -> bool:
        """Whether another platform currently holds the record."""
        return (await self._office.snapshot()).settings.choice("system_of_record") == "external"

    # -- the worker

    async def run_once(self) -> int:
        """Queue moves to write back, write those due, fetch new demands; return how much was done."""
        if not await self.is_external():
            self._queued_until = None
            return 0
        now = self._office.clock.now()
        done = await self._queue_moves(now)
        if self._client is None:
            return done
        for move in await self._store.claim(self._owner, now, self._lease, BATCH_SIZE):
            await self._write(move, self._client)
            done += 1
        await self._refusals.run_once(now)
        return done + await self._fetch(now, self._client)

    async def _queue_moves(self, now: datetime) -> int:
        since = await self._store.find_external_since(now)
        if since is None:
            return 0
        if self._queued_until is not None and now < self._queued_until - COMMIT_LAG:  # the clock was set back (FS3)
            self._queued_until = None
        after = since if self._queued_until is None else max(since, self._queued_until - COMMIT_LAG)
        queued = await self._store.enqueue_new(after, (PLATFORM_ACTOR.code,), now, 1_000)
        if queued < 1_000:
            self._queued_until = now
        return queued

    async def _write(self, move: Writeback, client: PlatformClient) -> None:
        try:
            verdict = await client.write_move(move.id, self.build_event(move), int(self._office.clock.real_time()))
        except DeliveryError as error:
            now = self._office.clock.now()
            reason = str(error)
            if error.kind == "permanent":
                log.warning("platform_refused", ticket=move.ticket_no, verb=move.verb, why=reason)
                await self._store.settle(move.id, self._owner, move.attempts, WritebackState.REFUSED, now, error=reason)
                return
            wait = timedelta(seconds=error.retry_after) if error.retry_after else compute_backoff(move.attempts)
            await self._store.settle(
                move.id, self._owner, move.attempts, WritebackState.WAITING, now, error=reason, not_before=now + wait
            )
            return
        state = WritebackState.CONFIRMED if verdict.confirmed else WritebackState.ASKED
        now = self._office.clock.now()
        await self._store.settle(move.id, self._owner, move.attempts, state, now, ref=verdict.ref)

    def build_event(self, move: Writeback) -> dict[str, Any]:
        """Return one move as sent to the platform (docs/platform.zh.md)."""
        return {
            "event": move.id, "ticket_no": move.ticket_no, "version": move.version, "verb": move.verb,
            "from": move.from_state, "to": move.to_state, "unit": move.unit, "by": move.by, "source": move.source,
            "at": move.at.astimezone(self._office.clock.zone).isoformat(), "words": dict(move.arguments),
        }  # fmt: skip

    async def _fetch(self, now: datetime, client: PlatformClient) -> int:
        if not client.has_feed or (self._fetched is not None and self._fetched[0] <= now < self._fetched[1]):
            return 0
        snapshot = await self._office.snapshot()
        self._fetched = now, snapshot.add_limit(snapshot.settings.text("platform.fetch_every"), now, None)
        cursor = await self._values.get(CURSOR_KEY)
        try:
            batch = await client.fetch_demands(cursor, FETCH_SIZE, int(self._office.clock.real_time()))
            await self._import_items(batch.items, cursor, now)
        except (DeliveryError, Refused) as error:  # the cursor is kept, so the same demands are fetched again
            log.warning("platform_feed_failed", why=str(error))
            await self._values.put(ERROR_KEY, f"{now.isoformat()} {error}"[:300])
            return 0
        if await self._values.get(ERROR_KEY):
            await self._values.put(ERROR_KEY, "")
        if batch.cursor and batch.cursor != cursor:
            await self._values.put(CURSOR_KEY, batch.cursor)
            if len(batch.items) == FETCH_SIZE:
                self._fetched = None
        return len(batch.items)

    async def _import_items(self, items: Sequence[Mapping[str, Any]], cursor: str | None, now: datetime) -> None:
        """Import the platform's demands as tickets under their own numbers; audit what is refused."""
        if items:
            content = "\n".join(json.dumps(item, ensure_ascii=False) for item in items).encode()
            name = f"platform {cursor or ''}".strip()
            report = await self._imports.import_file(
                "tickets", name, content, PLATFORM_ACTOR, dry_run=False, preset={}, is_ours=True
            )
            for row in report["refused"]:
                item = items[row["row"] - 1] if 0 < row["row"] <= len(items) else {}
                about = str(item.get("ticket_no") or row["row"])[:60]
                await self._audit.record(
                    now, PLATFORM_ACTOR.code, "platform_item_refused", about, code=row["code"], field=row.get("field")
                )

    async def get_last_error(self) -> str:
        """Return why the last fetch failed; empty if it did not."""
        return await self._values.get(ERROR_KEY) or ""

    # -- later answers

    def verify_signature(self, headers: Mapping[str, str], method: str, target: str, body: bytes) -> bool:
        """Whether a request is correctly signed by the platform."""
        return is_genuine(self._secrets, headers, method, target, body, int(self._office.clock.real_time()))

    async def confirm(self, event: int, ok: bool, reason: str, ref: str | None) -> WritebackState | None:
        """Store the platform's late answer to a move; None for an unknown move. Idempotent."""
        state = WritebackState.CONFIRMED if ok else WritebackState.REFUSED
        now = self._office.clock.now()
        return await self._store.record_answer(
            event, state, now, PLATFORM_ACTOR.code, error=None if ok else reason[:200], ref=ref
        )

    async def resend(self, event: int, by: Actor) -> None:
        """Write a move back again. Refused `not_found`."""
        now = self._office.clock.now()
        if not await self._store.retry(event, now):
            raise Refused("not_found", event=event)
        await self._audit.record(now, by.code, "writeback_again", str(event))

    async def settle(self, event: int, reason: str, by: Actor) -> None:
        """Settle a move that a person has corrected on the platform by hand. Refused `missing`, `not_found`."""
        if not reason.strip():
            raise Refused("missing", field="reason")
        now = self._office.clock.now()
        if await self._store.record_answer(event, WritebackState.SETTLED, now, by.code) is None:
            raise Refused("not_found", event=event)
        await self._audit.record(now, by.code, "writeback_settled", str(event), reason=reason.strip()[:500])

    # -- queries of the adapters

    async def get_sync_states(self, tickets: Mapping[int, int]) -> Mapping[int, PlatformStatus]:
        """Return the sync state of tickets (id → version); empty while we hold the record ourselves."""
        if not await self.is_external():
            return {}
        now = self._office.clock.now()
        since = await self._store.find_external_since(now)
        return {} if since is None else await self._store.load_status(tickets, since)

    async def is_provisional(self, ticket_id: int, version: int) -> bool:
        """Whether a ticket still waits for the platform's confirmation (待平台确认)."""
        found = (await self.get_sync_states({ticket_id: version})).get(ticket_id)
        return found is not None and found.state not in DONE_STATES

    async def list_writebacks(
        self,
        *,
        state: WritebackState | None = None,
        ticket_id: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> Page[Writeback]:
        """List moves being written back, newest first."""
        return await self._store.list_writebacks(state=state, ticket_id=ticket_id, before=before, limit=limit)

    async def count_pending(self) -> Mapping[str, int]:
        """Count the moves in each state that is not done."""
        return await self._store.count_open()

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
