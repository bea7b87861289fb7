"""Background jobs: process role, name, coroutine."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta

from backend.app.application import Application
from backend.app.build_operations import build_certificate_watch
from backend.app.core import Core
from backend.app.workers import Worker
from backend.deadlines.supervision import AutoSupervision
from backend.deadlines.watch import DeadlineWatch
from backend.integrity.chain_walk import ChainWalk
from backend.integrity.journal import JournalSealer
from backend.office.clock import Clock
from storage.deadlines.supervision import SqlSupervisionStore
from storage.integrity.checks import SqlIntegrityStore
from storage.integrity.journal import SqlJournalStore

Job = Callable[[], Awaitable[int]]
#: Workers by which something leaves, or the clock moves something: they rest while a hold stands (FD13).
RESTING = frozenset((
    "deadlines", "supervision", "visits", "governance", "ledger_drafts",
    "delivery", "platform", "requester_news", "requester_texts", "sms", "calls",
))  # fmt: skip


def add_workers(application: Application, core: Core, roles: Collection[str]) -> None:
    """Add the workers of these roles."""
    while_open, unless_held = application.services.gate.while_open, application.services.holds.unless_held
    for role, name, work in _list_jobs(application, core):
        if role in roles:
            job = unless_held(work) if name in RESTING else work
            application.workers.add_worker(Worker(name, while_open(job), core.clock.monotonic))


def _list_jobs(application: Application, core: Core) -> list[tuple[str, str, Job]]:
    services, inbox_worker, calls = application.services, application.inbox_worker, application.calls
    texting, news, visits = services.visits.texting, services.visits.requester_news, application.automatic_visits
    journal, findings = SqlJournalStore(core.db, core.ids), SqlIntegrityStore(core.db, core.ids)
    sealer = JournalSealer(journal, core.encryption.journal, core.clock)
    walk = ChainWalk(journal, findings, core.journal_verifier, core.key_values, core.clock)
    certificate = build_certificate_watch(application.config, application.alarms, core.clock)
    supervision = AutoSupervision(SqlSupervisionStore(core.db), core.tickets, core.office, core.texts)
    # fmt: off
    rows: list[tuple[str, str, Job | None]] = [
        ("bot",    "chat",            inbox_worker.run_once if inbox_worker else None),
        ("clock",  "clock_watch",     application.clock_watch.run_once),
        ("clock",  "deadlines",       DeadlineWatch(application.due_work, core.tickets, core.office).run_once),
        ("clock",  "supervision",     supervision.run_once),
        ("clock",  "visits",          visits.run_once if visits else None),
        ("clock",  "integrity",       services.integrity.run_once),
        ("clock",  "storage_patrol",  application.storage.patrol),
        ("clock",  "storage_night",   application.storage.check_nightly),
        ("clock",  "inbox_cleanup",   run_daily(inbox_worker.delete_done, core.clock) if inbox_worker else None),
        ("clock",  "recordings",      run_daily(calls.drop_recordings, core.clock) if calls else None),
        ("clock",  "certificate",     run_daily(certificate.run_once, core.clock) if certificate else None),
        ("clock",  "journal_seals",   sealer.run_once),
        ("clock",  "chain_walk",      walk.run_once),
        ("clock",  "governance",      run_daily(services.governance.draft_projects, core.clock)),
        ("clock",  "ledger_drafts",   run_daily(services.scoring.ledger_drafts.run_once, core.clock)),
        ("worker", "delivery",        application.delivery.run_once),
        ("worker", "platform",        services.platform.run_once),
        ("worker", "similarity",      core.similarity.run_once),
        ("worker", "requester_news",  news.run_once if news else None),
        ("worker", "requester_texts", texting.run_once if texting else None),
        ("worker", "sms",             application.sms.run_once),
        ("worker", "calls",           calls.run_once if calls else None),
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
