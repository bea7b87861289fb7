"""P3: messages claimed, sent to a null channel and settled, against a bare queue, and procrastinate if installed."""

import asyncio
import importlib.util
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import text

from backend.delivery.cards import CardRenderer as Drawing
from backend.delivery.worker import DeliveryWorker
from backend.domain.acts import Act
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Source
from bench.harness import Figure, compute_ratios, format_rates, judge, measure, print_remark
from bench.office import DISPATCHER, BenchOffice, list_engines, open_office, run_concurrently, unit_of
from notify.channel import ChannelCapabilities, EditResult, Edits
from notify.message import Card, Receipt
from notify.rate_limit import Bucket
from storage.delivery.cards import SqlCardStore
from storage.delivery.chat_state import SqlChatStateStore
from storage.delivery.outbox import SqlOutboxStore
from storage.engine.encryption import Encryption
from storage.engine.postgres import PostgresDatabase
from tests.time_and_chance import CHANCE

BATCH = 200
_CLAIM = (
    "UPDATE outbox SET state = 'sending', owner = 'b', attempts = attempts + 1, lease_until = $1 WHERE id IN "
    "(SELECT id FROM outbox WHERE state = 'pending' AND channel = 'telegram' AND not_before <= $1 "
    "ORDER BY urgent DESC, not_before, id LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id, kind, person, facts"
)
_SETTLE = (
    "UPDATE outbox SET state = 'sent', sent_at = $1, owner = NULL, lease_until = NULL "
    "WHERE id = ANY($2::bigint[]) AND owner = 'b' AND state = 'sending'"
)


class NullChannel:
    """A channel that accepts everything at once."""

    name = "telegram"
    can = ChannelCapabilities(Edits(), True, True, True, True, 4096)

    def __init__(self) -> None:
        self.sent = 0

    def buckets(self, address: str) -> tuple[Bucket, ...]:
        """No rate limit."""
        return ()

    async def send(self, address: str, card: Card, *, reply_to: str | None = None, again: str = "") -> Receipt:
        """Count the message."""
        self.sent += 1
        return Receipt(str(self.sent), address, datetime.now(UTC))

    async def edit(self, address: str, message_id: str, card: Card) -> EditResult:
        """Accept the edit."""
        return EditResult.DONE

    async def fetch(self, file_ref: str, limit: int) -> bytes:
        """Not used here."""
        raise AssertionError

    async def close(self) -> None:
        """Nothing to close."""


def run(small: bool) -> Iterable[Figure]:
    """Measure on PostgreSQL only: the bare queue needs SKIP LOCKED."""
    if "postgresql" in list_engines():
        yield from asyncio.run(_measure_postgres(300 if small else 1_000))
    else:
        print_remark("  no PostgreSQL here: nothing to compare with")


class DeliveryRig:
    """A delivery worker over a bench office."""

    def __init__(self, office: BenchOffice) -> None:
        self.office = office
        self.channel = NullChannel()
        vault, catalogue = Encryption("a secret of the measurements", CHANCE), Texts("zh_CN")
        card_store = SqlCardStore(office.db, office.ids, vault)
        self.worker = DeliveryWorker(
            outbox=SqlOutboxStore(office.db, office.ids), cards=card_store,
            renderer=Drawing(office.moves, office.office, card_store, catalogue, SqlChatStateStore(office.db)), moves=office.moves,
            office=office.office, channels={"telegram": self.channel}, bindings=self, ids=office.ids,
            texts=catalogue, owner="bench", chance=CHANCE,
        )  # fmt: skip

    async def drop_binding(self, person: str, channel: str, reason: str) -> bool:
        """No binding may be lost here."""
        raise AssertionError(reason)

    async def queue_messages(self, count: int) -> None:
        """Queue `count` messages of dispatched tickets."""
        await self.office.db.execute(text("UPDATE outbox SET state = 'skipped'"))
        numbers = await self.office.create_tickets(count)

        def given(no: str, index: int) -> Any:
            act = Act("dispatch", DISPATCHER, Source.API, ticket_no=no, arguments={"unit": unit_of(index)})
            return lambda: self.office.tickets.act(act)

        await run_concurrently([given(n, i) for i, n in enumerate(numbers)], 32)

    async def measure_delivery(self, count: int) -> float:
        """Return messages a second, from the wake of the worker to the last settlement."""
        await self.queue_messages(count)
        before = self.channel.sent
        began = time.perf_counter()
        while await self.worker.run_once():
            pass
        took = time.perf_counter() - began
        assert self.channel.sent - before == count
        left = text("SELECT count(*) FROM outbox WHERE channel = 'telegram' AND state IN ('pending', 'sending')")
        assert await self.office.db.read(lambda c: c.execute(left).scalar_one()) == 0
        return count / took


async def _measure_postgres(count: int) -> list[Figure]:
    figures = []
    async with open_office("postgresql") as office:
        assert isinstance(office.db, PostgresDatabase)
        rig = DeliveryRig(office)
        raw = await asyncpg.connect(office.db.url)

        async def bare() -> float:
            await rig.queue_messages(count)
            began = time.perf_counter()
            now = 2**60
            while rows := await raw.fetch(_CLAIM, now, BATCH):
                await raw.execute(_SETTLE, now, [r["id"] for r in rows])
            return count / (time.perf_counter() - began)

        await rig.measure_delivery(count)  # warm
        taken = await measure(lambda: rig.measure_delivery(count), bare)
        figures.append(judge("P3", "postgresql: letters claimed, re-checked, drawn, sent to nobody, settled",
                              "bare SKIP LOCKED in batches of 200, nothing done with them", compute_ratios(taken), least=0.5,
                              note=format_rates(taken)))  # fmt: skip
        if importlib.util.find_spec("procrastinate") is not None:
            taken = await measure(lambda: rig.measure_delivery(count), await _build_procrastinate(office.db.url, count))
            figures.append(judge("P3", "postgresql: the same", "procrastinate, jobs that do nothing", compute_ratios(taken),
                                  least=5, note=format_rates(taken)))  # fmt: skip
        else:
            print_remark("  procrastinate is not installed (extra `bench`): not compared")
        await raw.close()
    return figures


async def _build_procrastinate(url: str, count: int) -> Any:
    """Build a measurement of procrastinate on the same server: `count` deferred jobs, in jobs a second."""
    import procrastinate

    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))

    @app.task(name="nothing")
    async def nothing(number: int) -> None:
        return None

    async with app.open_async():
        await app.schema_manager.apply_schema_async()

    async def worked() -> float:
        async with app.open_async():
            await nothing.batch_defer_async(*({"number": i} for i in range(count)))  # type: ignore[arg-type]
            began = time.perf_counter()
            await app.run_worker_async(wait=False, concurrency=16, install_signal_handlers=False, listen_notify=False)
            return count / (time.perf_counter() - began)

    return worked
