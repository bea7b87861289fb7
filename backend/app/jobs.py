"""Background jobs: process role, name, coroutine."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from backend.app.application import Application
from backend.app.core import Core
from backend.app.workers import Worker
from backend.deadlines.supervision import AutoSupervision
from backend.deadlines.watch import DeadlineWatch
from backend.integrity.journal import JournalSealer
from backend.office.clock import Clock
from backend.scoring import Scoring
from storage.deadlines.supervision import SqlSupervisionStore
from storage.integrity.journal import SqlJournalStore


def add_workers(application: Application, core: Core, roles: Collection[str]) -> None:
    """Add the workers of these roles."""
    for role, name, work in _list_jobs(application, core):
        if role in roles:
            application.workers.add_worker(Worker(name, work))


def _list_jobs(application: Application, core: Core) -> list[tuple[str, str, Any]]:
    services, inbox_worker, calls = application.services, application.inbox_worker, application.calls
    requester_sms, requester_news = (v.texting, v.requester_news) if (v := services.visits) else (None, None)
    sealer = JournalSealer(SqlJournalStore(core.db, core.ids), core.encryption.journal, core.clock)
    # fmt: off
    rows: list[tuple[str, str, Any, bool]] = [
        ("bot",    "chat",       inbox_worker and inbox_worker.run_once,                            inbox_worker is not None),
        ("clock",  "clockwork",  DeadlineWatch(application.due_work, core.tickets, core.office).run_once,   True),
        ("clock",  "orders",     AutoSupervision(SqlSupervisionStore(core.db), core.tickets, core.office, core.texts).run_once, True),
        ("clock",  "visits",     services.automatic_visits and services.automatic_visits.run_once,            services.automatic_visits is not None),
        ("clock",  "auditor",    services.integrity and services.integrity.run_once,          services.integrity is not None),
        ("clock",  "sweep",      inbox_worker and run_daily(inbox_worker.delete_done, core.clock),            inbox_worker is not None),
        ("clock",  "recordings", calls and run_daily(calls.drop_recordings, core.clock), calls is not None),
        ("clock",  "sealer",     sealer.run_once,                                   True),
        ("clock",  "governance", services.governance and run_daily(services.governance.draft_projects, core.clock), services.governance is not None),
        ("clock",  "drafts",     isinstance(services.scoring, Scoring) and run_daily(services.scoring.ledger_drafts.run_once, core.clock),
         isinstance(services.scoring, Scoring)),
        ("worker", "courier",    services.delivery and services.delivery.run_once, services.delivery is not None),
        ("worker", "platform",   services.platform and services.platform.run_once,        services.platform is not None),
        ("worker", "likeness",   core.similarity.run_once,                               True),
        ("worker", "informing",  requester_news and requester_news.run_once,                  requester_news is not None),
        ("worker", "texts",      requester_sms and requester_sms.run_once,                      requester_sms is not None),
        ("worker", "short_texts", services.sms and services.sms.run_once, services.sms is not None),
        ("worker", "calls",      calls and calls.run_once,                          calls is not None),
    ]
    # fmt: on
    return [(role, name, work) for role, name, work, is_present in rows if is_present]


def run_daily(work: Callable[[], Awaitable[int]], clock: Clock) -> Callable[[], Awaitable[int]]:
    """Wrap `work` so that it runs at most once in 24 hours of `clock`, however often it is called."""
    last: list[datetime] = []

    async def run_once() -> int:
        now = clock.now()
        if last and now - last[0] < timedelta(days=1):
            return 0
        last[:] = [now]
        await work()
        return 0

    return run_once
