"""Background jobs: process role, name, coroutine."""

import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from backend.app.build_backups import build_daily_backups
from backend.app.build_operations import build_certificate_watch
from backend.app.build_services import Built
from backend.app.workers import Worker, Workers
from backend.deadlines.supervision import AutoSupervision
from backend.deadlines.watch import DeadlineWatch
from backend.delivery.sms import SmsWorker
from backend.integrity.chain_walk import ChainWalk
from backend.integrity.journal import JournalSealer
from backend.office.clock import Clock
from backend.tickets.masked_texts import TextMasker
from storage.deadlines.supervision import SqlSupervisionStore
from storage.tickets.masked_texts import SqlMaskedTextStore

if TYPE_CHECKING:
    from bot.receive import InboxWorker

Job = Callable[[], Awaitable[int]]
#: Workers by which something leaves, or the clock moves something: they rest while a hold stands (FD13).
RESTING = frozenset((
    "deadlines", "supervision", "visits", "governance", "ledger_drafts",
    "delivery", "platform", "requester_news", "requester_texts", "sms", "calls",
))  # fmt: skip


def build_workers(built: Built, inbox_worker: "InboxWorker | None", stack: contextlib.AsyncExitStack) -> Workers:
    """Build the workers of this process's roles; what must be closed is closed by `stack`."""
    core, services, roles = built.core, built.services, built.process.roles
    while_open, unless_held = services.gate.while_open, services.holds.unless_held
    workers = [
        Worker(name, while_open(unless_held(work) if name in RESTING else work), core.clock.monotonic)
        for role, name, work in _list_jobs(built, inbox_worker)
        if role in roles
    ]
    nightly = build_daily_backups(core, built.process.owner, built.operations.alarms) if "clock" in roles else None
    if nightly is not None:
        workers.append(Worker("backups", nightly.run_once, core.clock.monotonic))
        stack.push_async_callback(nightly.close)
    return Workers(workers, core.config.tick_seconds, core.clock.monotonic, built.heartbeats, core.signals.wakeups)


def _build_sms(built: Built) -> SmsWorker:
    core, people, config = built.core, built.services.people, built.core.config
    return SmsWorker(
        core.outbox, built.moves, core.office, people, core.texts, built.rate_limiter, built.process.owner, core.chance,
        config.hotline_name, config.hotline, built.drivers.sms,
    )  # fmt: skip


def _list_jobs(built: Built, inbox_worker: "InboxWorker | None") -> list[tuple[str, str, Job]]:
    core, services, drivers, operations = built.core, built.services, built.drivers, built.operations
    calls, texting, news = services.calls, services.visits.texting, services.visits.requester_news
    has_carrier, has_sms, tickets = calls.has_carrier, bool(drivers.sms), services.tickets
    sealer = JournalSealer(built.journal, built.encryption.journal, core.clock)
    walk = ChainWalk(built.journal, built.findings, services.journal, core.key_values, core.clock)
    certificate = build_certificate_watch(core.config, operations.alarms, core.clock)
    masker = TextMasker(SqlMaskedTextStore(core.db, built.encryption), core.office)
    supervision = AutoSupervision(SqlSupervisionStore(core.db), tickets, core.office, core.texts)
    # fmt: off
    rows: list[tuple[str, str, Job | None]] = [
        ("bot",    "chat",            inbox_worker.run_once if inbox_worker else None),
        ("clock",  "clock_watch",     operations.clock_watch.run_once),
        ("clock",  "deadlines",       DeadlineWatch(built.due_work, tickets, core.office).run_once),
        ("clock",  "supervision",     supervision.run_once),
        ("clock",  "visits",          built.automatic_visits.run_once if has_carrier else None),
        ("clock",  "integrity",       services.integrity.run_once),
        ("clock",  "storage_patrol",  operations.storage.patrol),
        ("clock",  "storage_night",   operations.storage.check_nightly),
        ("clock",  "inbox_cleanup",   run_daily(inbox_worker.delete_done, core.clock) if inbox_worker else None),
        ("clock",  "recordings",      run_daily(calls.drop_recordings, core.clock)),
        ("clock",  "certificate",     run_daily(certificate.run_once, core.clock) if certificate else None),
        ("clock",  "journal_seals",   sealer.run_once),
        ("clock",  "chain_walk",      walk.run_once),
        ("clock",  "governance",      run_daily(services.governance.draft_projects, core.clock)),
        ("clock",  "ledger_drafts",   run_daily(services.scoring.ledger_drafts.run_once, core.clock)),
        ("worker", "delivery",        built.delivery.run_once),
        ("worker", "platform",        services.platform.run_once),
        ("worker", "masked_texts",    masker.run_once),
        ("worker", "similarity",      services.similarity.run_once),
        ("worker", "requester_news",  news.run_once if has_sms else None),
        ("worker", "requester_texts", texting.run_once if has_sms else None),
        ("worker", "sms",             _build_sms(built).run_once),
        ("worker", "calls",           calls.run_once if has_carrier else None),
    ]
    # fmt: on
    return [(role, name, work) for role, name, work in rows if work is not None]


def run_daily(work: Job, clock: Clock) -> Job:
    """Wrap `work` so that it runs at most once in 24 hours of `clock`, however often it is called."""
    last: list[datetime] = []

    async def run_once() -> int:
        now = clock.now()
        if last and timedelta() <= now - last[0] < timedelta(days=1):
            return 0
        last[:] = [now]
        await work()
        return 0

    return run_once
