"""The bulletin service: gather a period, compose and render its document, store it under its number (B11-B13, A16)."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog

from backend.bulletins import glances
from backend.bulletins.composing import compose
from backend.bulletins.gathering import Gatherer
from backend.bulletins.kinds import Kind, day, kind_of, spans_of
from backend.bulletins.press import lacking, pictured, printed
from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.domain.ticket import Role
from backend.ports.audit import AuditStore
from backend.ports.reporting import BulletinIssue, BulletinStore, IssueDocument
from backend.ports.ticket_queries import Page
from backend.scoring.periods import get_month_bounds, parse_month, parse_period
from backend.scoring.service import Scoring

log = structlog.get_logger()
HOUSE = Actor("system", Role.ADMIN)
PATIENCE = timedelta(minutes=10)  # after which an issue no task is making counts as failed
MOST = 10_000  # highest issue number
Files = list[tuple[str, bytes]]
Step = Callable[[str], None]


class Bulletins:
    """Makes and lists the documents of periods. One is rendered at a time."""

    def __init__(self, store: BulletinStore, marks: Scoring, audit: AuditStore, words: Texts) -> None:
        self._store, self._marks, self._audit, self._words = store, marks, audit, words
        self._office = marks.office
        self._gather = Gatherer(store, marks)
        self._press = asyncio.Lock()
        self._tasks: dict[int, asyncio.Task[Any]] = {}

    # -- documents while the caller waits: chat and command line

    async def month(self, month: str, by: Actor = HOUSE) -> Files:
        """Make the 月通报 (Beijing profile: 分析报告) and return its files. Refused `bad_month`, and as `make`."""
        return (await self.make(parse_month(month).name, by=by))[1]

    async def quarter(self, quarter: str, by: Actor = HOUSE) -> Files:
        """Make the 季排名 (2026Q4). Refused `bad_period`, and as `make`."""
        return (await self.make(_of(quarter, "quarter"), by=by))[1]

    async def year(self, year: str, by: Actor = HOUSE) -> Files:
        """Make the 年考核 (2026). Refused `bad_period`, and as `make`."""
        return (await self.make(_of(year, "year"), by=by))[1]

    async def make(
        self, period: str, kind: str | None = None, *, by: Actor = HOUSE, number: int | None = None,
        profile: str | None = None, scheme: str | None = None, on_step: Step = lambda step: None,
    ) -> tuple[BulletinIssue, Files]:  # fmt: skip
        """Make an issue and its documents; made again it keeps its number. `on_step` is called with count, print, keep.

        Refused `bad_period`, `period_not_begun`, `bad_bulletin`, `bad_setting`, `bad_issue`, `issue_taken`,
        `reports_missing`, `press_failed`.
        """
        changes = {"profile": profile} if profile else {}
        issue = await self._open(period, kind, by, number, changes)
        return issue, await self._made(issue, by, changes, scheme, on_step)

    # -- documents in the background: API and console

    async def start(
        self, period: str, kind: str | None, by: Actor, *, number: int | None = None, profile: str | None = None,
        scheme: str | None = None,
    ) -> BulletinIssue:  # fmt: skip
        """Start making an issue in the background; its state is stored. Refused as `make`."""
        changes = {"profile": profile} if profile else {}
        issue = await self._open(period, kind, by, number, changes)
        task = asyncio.create_task(self._made(issue, by, changes, scheme, lambda step: None))
        self._tasks[issue.id] = task
        task.add_done_callback(lambda done: self._ended(issue.id, done))
        return issue

    async def _open(
        self, period: str, kind: str | None, by: Actor, number: int | None, changes: Mapping[str, str]
    ) -> BulletinIssue:
        absent = lacking()
        if absent:
            raise Refused("reports_missing", packages=", ".join(absent))
        if number is not None and not 1 <= number <= MOST:
            raise Refused("bad_issue", number=number)
        snapshot = await self._office.snapshot()
        of = parse_period(period)
        if get_month_bounds(of.months[0], self._office.clock.zone)[0] > self._office.clock.now():
            raise Refused("period_not_begun", period=of.name)
        which = kind_of(of, kind, snapshot.settings.with_changes(changes).text("profile"))
        year = int(of.name[:4])
        issue = await self._store.open_issue(which, of.name, year, by.code, self._office.clock.now(), number)
        if issue is None:
            raise Refused("issue_taken", number=number, year=year)
        return issue

    async def _made(
        self, issue: BulletinIssue, by: Actor, changes: Mapping[str, str], scheme: str | None, on_step: Step
    ) -> Files:  # fmt: skip
        try:
            on_step("count")
            material = await self._gather.material(Kind(issue.kind), issue.period, changes, scheme)
            document = compose(material, issue, self._words)
            on_step("print")
            async with self._press:
                files = await printed(document)
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

    def _ended(self, issue_id: int, done: "asyncio.Task[Any]") -> None:
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

    async def issues(
        self, by: Actor, period: str | None = None, *, before: int | None = None, limit: int = 50
    ) -> Page[tuple[BulletinIssue, Sequence[IssueDocument]]]:
        """Return a page of the issues the actor may see, newest first."""
        without = Kind.ANALYSIS if by.is_unit_member else None
        page = await self._store.list_issues(period, except_kind=without, before=before, limit=limit)
        return Page(tuple((self._standing(issue), leaves) for issue, leaves in page.items), page.next_id)

    async def issue(self, issue_id: int, by: Actor) -> tuple[BulletinIssue, Sequence[IssueDocument]]:
        """Return one issue and its documents. Refused `not_found`."""
        found = await self._store.get_issue(issue_id)
        if found is None or not _may_see(found[0], by):
            raise Refused("not_found", id=issue_id)
        return self._standing(found[0]), found[1]

    async def open(self, issue_id: int, name: str, by: Actor) -> tuple[str, bytes]:
        """Return a file by name or extension (docx, xlsx, pdf); writes an audit log row (FA12). Refused `not_found`."""
        issue, leaves = await self.issue(issue_id, by)
        leaf = next((f.name for f in leaves if name in (f.name, f.name.rpartition(".")[2])), None)
        content = None if leaf is None else await self._store.load_document(issue_id, leaf)
        if leaf is None or content is None:
            raise Refused("not_found", file=name[:80])
        about = f"{issue.kind} {issue.period}"
        await self._audit.record(self._office.clock.now(), by.code, "export", about, file=leaf, revision=issue.revision)
        return leaf, content

    def _standing(self, issue: BulletinIssue) -> BulletinIssue:
        """Report an issue as failed if no task is making it any more."""
        if issue.state != "making" or issue.id in self._tasks or self._office.clock.now() - issue.made_at < PATIENCE:
            return issue
        return BulletinIssue(issue.id, issue.kind, issue.period, issue.year, issue.number, issue.revision, "failed",
                     issue.made_at, issue.made_by, "press_failed")  # fmt: skip

    # -- pictures

    async def picture(self, period: str) -> bytes | None:
        """Render a period at a glance as PNG; None without the `reports` extra. Refused `bad_period`."""
        name = parse_period(period).name
        if lacking():
            return None
        snapshot = await self._office.snapshot()
        kind = kind_of(parse_period(name), None, snapshot.settings.text("profile"))
        material = await self._gather.material(kind, name, {}, None)
        return await pictured(glances.glance(material, self._words))

    async def rank_picture(self, period: str) -> bytes | None:
        """Render a period's ranking as PNG; None if no unit has a score or without the extra. Refused `bad_period`."""
        of = parse_period(period)
        if lacking():
            return None
        now, snapshot = self._office.clock.now(), await self._office.snapshot()
        scores = await self._gather.scores(spans_of(of.name, now, self._office.clock.zone), {}, None)
        picture = glances.ranked(scores, of, snapshot.settings, self._words, day(self._words, now))
        return None if picture is None else await pictured(picture)


def _of(period: str, kind: str) -> str:
    found = parse_period(period)
    if found.kind != kind:
        raise Refused("bad_period", period=period[:40])
    return found.name


def _may_see(issue: BulletinIssue, by: Actor) -> bool:
    """Whether the actor may see an issue: a unit's people only as leader, and never the analysis."""
    return not by.is_unit_member or (by.role is Role.LEADER and issue.kind != Kind.ANALYSIS)
