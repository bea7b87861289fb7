"""The book of issues: numbers that stay, who may read what, what is noted, and a press that fails."""

import pytest
from sqlalchemy import select

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.domain.ticket import Role
from backend.reporting.compose import compose
from backend.reporting.kinds import BulletinKind
from backend.reporting.typesetting import list_missing_packages
from storage import tables as t
from storage.engine.database import Database
from storage.reporting.bulletins import SqlBulletinStore
from tests.reporting.world import ADMIN, room, world
from tests.scoring.world import World

LEADER = Actor("L1", Role.LEADER, "U01")


def shelf(made: World) -> SqlBulletinStore:
    return SqlBulletinStore(made.db, made.ids, made.vault)


async def test_a_period_made_anew_keeps_its_number_and_others_follow(database: Database) -> None:
    """B13."""
    made, _ = await world(database, count=3)
    book = shelf(made)

    async def opened(kind: BulletinKind, period: str, wanted: int | None = None) -> tuple[int, int] | None:
        issue = await book.open_issue(kind, period, int(period[:4]), "A1", made.at, wanted)
        return None if issue is None else (issue.number, issue.revision)

    assert await opened(BulletinKind.MONTHLY, "2026-10") == (1, 1)
    assert await opened(BulletinKind.MONTHLY, "2026-11") == (2, 1)
    assert await opened(BulletinKind.MONTHLY, "2026-10") == (1, 2)
    assert await opened(BulletinKind.QUARTERLY, "2026Q4") == (1, 1)
    assert await opened(BulletinKind.MONTHLY, "2025-12") == (1, 1)
    assert await opened(BulletinKind.MONTHLY, "2026-12", 2) is None
    assert await opened(BulletinKind.MONTHLY, "2026-12", 12) == (12, 1)
    assert await opened(BulletinKind.MONTHLY, "2026-09") == (13, 1)


async def test_the_documents_are_kept_as_issued_and_taking_them_out_is_noted(database: Database) -> None:
    """FA12."""
    made, _ = await world(database, count=3)
    rooms, book = room(made), shelf(made)
    analysis = await book.open_issue(BulletinKind.ANALYSIS, "2026-10", 2026, "A1", made.at, None)
    monthly = await book.open_issue(BulletinKind.MONTHLY, "2026-10", 2026, "A1", made.at, None)
    assert analysis is not None and monthly is not None
    for issue in (analysis, monthly):
        await book.finish_issue(issue.id, [("通报.docx", b"one"), ("通报.pdf", b"two")], None)
    assert await rooms.export_document(monthly.id, "pdf", LEADER) == ("通报.pdf", b"two")
    assert await rooms.export_document(monthly.id, "通报.docx", ADMIN) == ("通报.docx", b"one")
    assert {i.kind for i, _ in (await rooms.list_issues(LEADER)).items} == {BulletinKind.MONTHLY}
    assert len((await rooms.list_issues(ADMIN)).items) == 2
    first = await rooms.list_issues(ADMIN, limit=1)
    assert [i.id for i, _ in first.items] == [monthly.id] and first.next_id == monthly.id
    assert [i.id for i, _ in (await rooms.list_issues(ADMIN, before=first.next_id)).items] == [analysis.id]
    for who, issue_id, name in ((LEADER, analysis.id, "pdf"), (ADMIN, monthly.id, "xlsx"), (ADMIN, 1, "pdf")):
        with pytest.raises(Refused, match="not_found"):
            await rooms.export_document(issue_id, name, who)
    noted = await database.read(lambda c: c.execute(select(t.audit.c.who, t.audit.c.about)).all())
    assert [tuple(row) for row in noted] == [("L1", "monthly_bulletin 2026-10"), ("A1", "monthly_bulletin 2026-10")]


async def test_what_cannot_be_made_is_refused_before_anything_is_kept(database: Database) -> None:
    made, _ = await world(database, count=3)
    rooms = room(made)
    for code, period, kind, number in (("bad_period", "2026-13", None, None), ("bad_bulletin", "2026-10", "weekly", None),
                                       ("bad_period", "2026Q4", "monthly_bulletin", None),
                                       ("period_not_begun", "2099-01", None, None),
                                       ("bad_issue", "2026-10", None, 0)):  # fmt: skip
        with pytest.raises(Refused, match=code):
            await rooms.make(period, kind, number=number)
    with pytest.raises(Refused, match="bad_month"):
        await rooms.make_month("2026Q4")
    with pytest.raises(Refused, match="bad_period"):
        await rooms.make_quarter("2026-10")
    assert (await rooms.list_issues(ADMIN)).items == ()
    with pytest.raises(Refused, match="unknown_scheme"):
        await rooms.make("2026Q4", scheme="nowhere")
    failed = (await rooms.list_issues(ADMIN)).items[0][0]
    assert (failed.state, failed.error) == ("failed", "unknown_scheme")


async def test_head_and_addressees_are_settings(database: Database) -> None:
    """B13."""
    made, _ = await world(database, count=20)
    rooms = room(made)
    issue = await shelf(made).open_issue(BulletinKind.MONTHLY, "2026-10", 2026, "A1", made.at, None)
    assert issue is not None

    async def document(changes: dict[str, str]):  # type: ignore[no-untyped-def]
        return compose(
            await rooms._gatherer.gather(BulletinKind.MONTHLY, "2026-10", changes, None), issue, Texts("zh_CN")
        )

    plain = await document({})
    assert (plain.masthead, plain.issuer) == ("接诉即办", "朝阳区热线")
    assert plain.send_to == "各地区接诉即办管理机构、各承办单位" and plain.copy_to == ""
    own = await document({"bulletin.name": "吉林接诉即办", "bulletin.issuer": "专班办公室", "bulletin.send_to": "各市州,各部门",
                          "bulletin.copy_to": "省政府办公厅"})  # fmt: skip
    assert (own.masthead, own.issuer, own.send_to) == ("吉林接诉即办", "专班办公室", "各市州、各部门")
    assert own.copy_to == "省政府办公厅" and own.issue_line == "2026年第1期"


async def test_the_beijing_office_gets_an_analysis_with_its_agencies_three_rates(database: Database) -> None:
    """A16, A26."""
    made, _ = await world(database, count=80)
    rooms = room(made)
    issue = await shelf(made).open_issue(BulletinKind.ANALYSIS, "2026-10", 2026, "A1", made.at, None)
    assert issue is not None
    material = await rooms._gatherer.gather(BulletinKind.ANALYSIS, "2026-10", {"profile": "beijing_mutual_aid"}, None)
    document = compose(material, issue, Texts("zh_CN"))
    assert document.title == "2026年10月接诉即办工作情况分析报告" and document.send_to == "办事处主任办公会"
    table = next(one for one in document.tables if one.sheet == "三项指标")
    sheets = (await made.marks.compute_month("2026-10", scheme="beijing-agency", evidence=False))["units"]
    true = {s["name"]: [n for line in s["lines"] for n in (line["numerator"], line["denominator"])] for s in sheets}
    for row in table.rows:
        assert [row[1], row[2], row[4], row[5], row[7], row[8]] == true[str(row[0])]
    assert any(one.sheet == "三项指标（累计）" for one in document.tables)


async def test_english_is_spoken_where_it_is_asked_for(database: Database) -> None:
    made, _ = await world(database, count=20)
    rooms = room(made, "en")
    issue = await shelf(made).open_issue(BulletinKind.MONTHLY, "2026-10", 2026, "A1", made.at, None)
    assert issue is not None
    document = compose(await rooms._gatherer.gather(BulletinKind.MONTHLY, "2026-10", {}, None), issue, Texts("en"))
    assert document.title == "Bulletin for October 2026" and document.stem == "jiesu-monthly-bulletin-2026-10"
    assert next(one for one in document.tables if one.sheet == "Overview").rows[0][0] == "Demands received"


def test_who_has_not_installed_the_extra_is_told_what_to_install() -> None:
    assert list_missing_packages() == [] and list_missing_packages({"no_such_module": "python-docx", "sys": "x"}) == [
        "python-docx"
    ]
    for language in ("zh_CN", "en"):
        said = Texts(language).render_refusal("reports_missing", {"packages": "python-docx"})
        assert "pip install jiesu[reports]" in said and "python-docx" in said
