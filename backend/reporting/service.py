"""The bulletin service: gather a period, compose and render its document, store it under its number (B11-B13, A16)."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog

from backend.domain.acts import SYSTEM, Actor
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Role
from backend.ports.integrity import AuditStore
from backend.ports.reporting import BulletinIssue, BulletinStore, IssueDocument
from backend.ports.ticket_queries import Page
from backend.reporting import glance
from backend.reporting.compose import compose
from backend.reporting.gather import Gatherer
from backend.reporting.kinds import BulletinKind, build_report_periods, format_date, resolve_kind
from backend.reporting.typesetting import list_missing_packages, render_document, render_picture
from backend.scoring.periods import get_month_bounds, parse_month, parse_period
from backend.scoring.service import Scoring

log = structlog.get_logger()
STALE_AFTER = timedelta(minutes=10)  # after which an issue no task is making counts as failed
MAX_ISSUE_NUMBER = 10_000  # highest issue number
Files = list[tuple[str, bytes]]
Step = Callable[[str], None]


class Reporting:
    """Makes and lists the documents of periods. One is rendered at a time."""

    def __init__(self, store: BulletinStore, scoring: Scoring, audit: AuditStore, texts: Texts) -> None:
        self._store, self._scoring, self._audit, self._texts = store, scoring, audit, texts
        self._office = scoring.office
        self._gatherer = Gatherer(store, scoring)
        self._render_lock = asyncio.Lock()
        self._tasks: dict[int, asyncio.Task[Any]] = {}

    # -- documents while the caller waits: chat and command line

    async def make_month(self, month: str, by: Actor = SYSTEM) -> Files:
        """Make the 月通报, or 分析报告, and return its files. Refused `bad_month`, and as `make`."""
        return (await self.make(parse_month(month).name, by=by))[1]

    async def make_quarter(self, quarter: str, by: Actor = SYSTEM) -> Files:
        """Make the 季排名 (2026Q4). Refused `bad_period`, and as `make`."""
        return (await self.make(_check_period(quarter, "quarter"), by=by))[1]

    async def make_year(self, year: str, by: Actor = SYSTEM) -> Files:
        """Make the 年考核 (2026). Refused `bad_period`, and as `make`."""
        return (await self.make(_check_period(year, "year"), by=by))[1]

    async def make(
        self, period: str, kind: str | None = None, *, by: Actor = SYSTEM, number: int | None = None,
        profile: str | None = None, scheme: str | None = None, on_step: Step = lambda step: None,
    ) -> tuple[BulletinIssue, Files]:  # fmt: skip
        """Make an issue and its documents; made again it keeps its number. `on_step` is called with count, print, keep.

        Refused `bad_period`, `period_not_begun`, `bad_bulletin`, `bulletin_not_made`, `bad_setting`, `bad_issue`, `issue_taken`,
        `reports_missing`, `press_failed`.
        """
        changes = {"profile": profile} if profile else {}
        issue = await self._open_issue(period, kind, by, number, changes)
        return issue, await self._render_and_store(issue, by, changes, scheme, on_step)

    # -- documents in the background: API and console

    async def start(
        self, period: str, kind: str | None, by: Actor, *, number: int | None = None, profile: str | None = None,
        scheme: str | None = None,
    ) -> BulletinIssue:  # fmt: skip
        """Start making an issue in the background; its state is stored. Refused as `make`."""
        changes = {"profile": profile} if profile else {}
        issue = await self._open_issue(period, kind, by, number, changes)
        task = asyncio.create_task(self._render_and_store(issue, by, changes, scheme, lambda step: None))
        self._tasks[issue.id] = task
        task.add_done_callback(lambda done: self._on_task_done(issue.id, done))
        return issue

    async def _open_issue(
        self, period: str, kind: str | None, by: Actor, number: int | None, changes: Mapping[str, str]
    ) -> BulletinIssue:
        absent = list_missing_packages()
        if absent:
            raise Refused("reports_missing", packages=", ".join(absent))
        if number is not None and not 1 <= number <= MAX_ISSUE_NUMBER:
            raise Refused("bad_issue", number=number)
        snapshot = await self._office.snapshot()
        parsed = parse_period(period)
        if get_month_bounds(parsed.months[0], self._office.clock.zone)[0] > self._office.clock.now():
            raise Refused("period_not_begun", period=parsed.name)
        which = resolve_kind(parsed, kind, snapshot.settings.with_changes(changes))
        year = int(parsed.name[:4])
        issue = await self._store.open_issue(which, parsed.name, year, by.code, self._office.clock.now(), number)
        if issue is None:
            raise Refused("issue_taken", number=number, year=year)
        return issue

    async def _render_and_store(
        self, issue: BulletinIssue, by: Actor, changes: Mapping[str, str], scheme: str | None, on_step: Step
    ) -> Files:
        try:
            on_step("count")
            material = await self._gatherer.gather(BulletinKind(issue.kind), issue.period, changes, scheme)
            document = compose(material, issue, self._texts)
            on_step("print")
            async with self._render_lock:
                files = await render_document(document)
            on_step("keep")
            await self._store.finish_issue(issue.id, files, None)
        except BaseException as broken:
            with contextlib.suppress(Exception):
                await self._store.finish_issue(
                    issue.id, (), broken.code if isinstance(broken, Refused) else "press_failed"
                )
            raise
        facts = {"number": issue.number, "revision": issue.revision, "files": [name for name, _ in files]}
        await self._audit.record(self._office.clock.now(), by.code, "bulletin", f"{issue.kind} {issue.period}", **facts)
        return files

    def _on_task_done(self, issue_id: int, done: "asyncio.Task[Any]") -> None:
        if self._tasks.get(issue_id) is done:
            del self._tasks[issue_id]
        if not done.cancelled() and (broken := done.exception()) is not None:
            log.warning("bulletin_failed", issue=issue_id, error=type(broken).__name__)

    async def close(self) -> None:
        """Cancel what is being made."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- issues

    async def list_issues(
        self, by: Actor, period: str | None = None, *, before: int | None = None, limit: int = 50
    ) -> Page[tuple[BulletinIssue, Sequence[IssueDocument]]]:
        """Return a page of the issues the actor may see, newest first."""
        without = BulletinKind.ANALYSIS if by.is_unit_member else None
        page = await self._store.list_issues(period, except_kind=without, before=before, limit=limit)
        return Page(tuple((self._fail_if_stale(issue), leaves) for issue, leaves in page.items), page.next_id)

    async def get_issue(self, issue_id: int, by: Actor) -> tuple[BulletinIssue, Sequence[IssueDocument]]:
        """Return one issue and its documents. Refused `not_found`."""
        found = await self._store.get_issue(issue_id)
        if found is None or not _is_visible(found[0], by):
            raise Refused("not_found", bulletin=issue_id)
        return self._fail_if_stale(found[0]), found[1]

    async def export_document(self, issue_id: int, name: str, by: Actor) -> tuple[str, bytes]:
        """Return a file by name or extension (docx, xlsx, pdf); writes an audit log row (FA12). Refused `not_found`."""
        issue, documents = await self.get_issue(issue_id, by)
        document = next((f.name for f in documents if name in (f.name, f.name.rpartition(".")[2])), None)
        content = None if document is None else await self._store.load_document(issue_id, document)
        if document is None or content is None:
            raise Refused("not_found", file=name[:80])
        about = f"{issue.kind} {issue.period}"
        await self._audit.record(
            self._office.clock.now(), by.code, "export", about, file=document, revision=issue.revision
        )
        return document, content

    def _fail_if_stale(self, issue: BulletinIssue) -> BulletinIssue:
        """Report an issue as failed if no task is making it any more."""
        if issue.state != "making" or issue.id in self._tasks or self._office.clock.now() - issue.made_at < STALE_AFTER:
            return issue
        return BulletinIssue(issue.id, issue.kind, issue.period, issue.year, issue.number, issue.revision, "failed",
                     issue.made_at, issue.made_by, "press_failed")  # fmt: skip

    # -- pictures

    async def render_glance(self, period: str) -> bytes | None:
        """Render a period at a glance as PNG; None without the `reports` extra. Refused `bad_period`."""
        name = parse_period(period).name
        if list_missing_packages():
            return None
        snapshot = await self._office.snapshot()
        kind = resolve_kind(parse_period(name), None, snapshot.settings)
        material = await self._gatherer.gather(kind, name, {}, None)
        return await render_picture(glance.build_glance(material, self._texts))

    async def render_ranking(self, period: str) -> bytes | None:
        """Render a period's ranking as PNG; None if no unit has a score or without the extra. Refused `bad_period`."""
        parsed = parse_period(period)
        if list_missing_packages():
            return None
        now, snapshot = self._office.clock.now(), await self._office.snapshot()
        scores = await self._gatherer.load_scores(
            build_report_periods(parsed.name, now, self._office.clock.zone), {}, None
        )
        at = format_date(self._texts, now)
        picture = glance.build_ranking(scores, parsed, snapshot.settings, self._texts, at, snapshot.config.units)
        return None if picture is None else await render_picture(picture)


def _check_period(period: str, kind: str) -> str:
    found = parse_period(period)
    if found.kind != kind:
        raise Refused("bad_period", period=period[:40])
    return found.name


def _is_visible(issue: BulletinIssue, by: Actor) -> bool:
    """Whether the actor may see an issue: a unit's people only as leader, and never the analysis."""
    return not by.is_unit_member or (by.role is Role.LEADER and issue.kind != BulletinKind.ANALYSIS)
