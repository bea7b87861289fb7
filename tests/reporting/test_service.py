"""Issues of bulletins: numbers that stay, who may read what, what is audited, and what cannot be world."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Role
from backend.reporting.kinds import BulletinKind
from backend.reporting.typesetting import list_missing_packages
from storage import tables as t
from storage.engine.database import Database
from tests.reporting.world import ADMIN, open_world

LEADER = Actor("L1", Role.LEADER, "U01")


async def test_a_period_made_again_keeps_its_number_and_others_follow_B13(database: Database) -> None:
    world, _ = await open_world(database, count=3)

    async def open_issue(kind: BulletinKind, period: str, wanted: int | None = None) -> tuple[int, int] | None:
        issue = await world.bulletins.open_issue(kind, period, int(period[:4]), "A1", world.at, wanted)
        return None if issue is None else (issue.number, issue.revision)

    assert await open_issue(BulletinKind.MONTHLY, "2026-10") == (1, 1)
    assert await open_issue(BulletinKind.MONTHLY, "2026-11") == (2, 1)
    assert await open_issue(BulletinKind.MONTHLY, "2026-10") == (1, 2)
    assert await open_issue(BulletinKind.QUARTERLY, "2026Q4") == (1, 1)
    assert await open_issue(BulletinKind.MONTHLY, "2025-12") == (1, 1)
    assert await open_issue(BulletinKind.MONTHLY, "2026-12", 2) is None
    assert await open_issue(BulletinKind.MONTHLY, "2026-12", 12) == (12, 1)
    assert await open_issue(BulletinKind.MONTHLY, "2026-09") == (13, 1)


async def test_documents_are_kept_as_issued_and_every_export_is_audited_FA12(database: Database) -> None:
    world, _ = await open_world(database, count=3)
    reporting = world.reporting
    analysis = await world.open_issue(BulletinKind.ANALYSIS, "2026-10")
    monthly = await world.open_issue(BulletinKind.MONTHLY, "2026-10")
    for issue in (analysis, monthly):
        await world.bulletins.finish_issue(issue.id, [("通报.docx", b"one"), ("通报.pdf", b"two")], None)
    assert await reporting.export_document(monthly.id, "pdf", LEADER) == ("通报.pdf", b"two")
    assert await reporting.export_document(monthly.id, "通报.docx", ADMIN) == ("通报.docx", b"one")
    assert {i.kind for i, _ in (await reporting.list_issues(LEADER)).items} == {BulletinKind.MONTHLY}
    assert len((await reporting.list_issues(ADMIN)).items) == 2
    first = await reporting.list_issues(ADMIN, limit=1)
    assert [i.id for i, _ in first.items] == [monthly.id] and first.next_id == monthly.id
    assert [i.id for i, _ in (await reporting.list_issues(ADMIN, before=first.next_id)).items] == [analysis.id]
    for who, issue_id, name in ((LEADER, analysis.id, "pdf"), (ADMIN, monthly.id, "xlsx"), (ADMIN, 1, "pdf")):
        with pytest.raises(Refused, match="not_found"):
            await reporting.export_document(issue_id, name, who)
    exports = select(t.audit_log.c.actor, t.audit_log.c.subject).where(t.audit_log.c.event == "export")
    entries = await database.read(lambda c: c.execute(exports).all())
    assert [tuple(row) for row in entries] == [("L1", "monthly_bulletin 2026-10"), ("A1", "monthly_bulletin 2026-10")]


async def test_a_bulletin_that_cannot_be_made_is_refused_before_anything_is_kept(database: Database) -> None:
    world, _ = await open_world(database, count=3)
    reporting = world.reporting
    for code, period, kind, number in (("bad_period", "2026-13", None, None), ("bad_bulletin", "2026-10", "weekly", None),
                                       ("bad_period", "2026Q4", "monthly_bulletin", None),
                                       ("period_not_begun", "2099-01", None, None),
                                       ("bad_issue", "2026-10", None, 0)):  # fmt: skip
        with pytest.raises(Refused, match=code):
            await reporting.make(period, kind, number=number)
    await world.bulletins.open_issue(BulletinKind.MONTHLY, "2026-09", 2026, "A1", world.at, 7)
    with pytest.raises(Refused) as taken:
        await reporting.make("2026-10", number=7)
    assert taken.value.code == "issue_taken"
    with pytest.raises(Refused, match="bad_month"):
        await reporting.make_month("2026Q4")
    with pytest.raises(Refused, match="bad_period"):
        await reporting.make_quarter("2026-10")
    assert [issue.period for issue, _ in (await reporting.list_issues(ADMIN)).items] == ["2026-09"]
    with pytest.raises(Refused, match="unknown_scheme"):
        await reporting.make("2026Q4", scheme="nowhere")
    failed = (await reporting.list_issues(ADMIN)).items[0][0]
    assert (failed.state, failed.error) == ("failed", "unknown_scheme")


async def test_masthead_and_addressees_are_settings_and_the_makers_institution_issues_B13_XM1(
    database: Database,
) -> None:
    world, _ = await open_world(database, count=20)
    issue = await world.open_issue(BulletinKind.MONTHLY, "2026-10")
    plain = await world.compose(BulletinKind.MONTHLY, "2026-10", issue=issue)
    assert (plain.masthead, plain.issuer) == ("接诉即办", "接诉即办工作机构")
    for maker, issuer in (("HU01", "朝阳区热线"), ("HU03", "南关区热线")):  # who makes it issues it, never the first
        made = await world.compose(BulletinKind.MONTHLY, "2026-10", issue=replace(issue, made_by=maker))
        assert made.issuer == issuer
    assert plain.send_to == "各地区接诉即办管理机构、各承办单位" and plain.copy_to == ""
    settings = {"bulletin.name": "吉林接诉即办", "bulletin.issuer": "专班办公室", "bulletin.send_to": "各市州,各部门",
                "bulletin.copy_to": "省政府办公厅"}  # fmt: skip
    own = await world.compose(BulletinKind.MONTHLY, "2026-10", settings, issue)
    assert (own.masthead, own.issuer, own.send_to) == ("吉林接诉即办", "专班办公室", "各市州、各部门")
    assert own.copy_to == "省政府办公厅" and own.issue_line == "2026年第1期"


async def test_the_beijing_office_gets_an_analysis_with_the_three_rates_of_its_agencies_A16_A26(
    database: Database,
) -> None:
    world, _ = await open_world(database, count=80)
    document = await world.compose(BulletinKind.ANALYSIS, "2026-10", {"profile": "beijing_mutual_aid"})
    assert document.title == "2026年10月接诉即办工作情况分析报告" and document.send_to == "办事处主任办公会"
    table = next(table for table in document.tables if table.sheet == "评价指标")
    sheets = (await world.scoring.compute_month("2026-10", scheme="beijing-agency", evidence=False))["units"]
    expected = {s["name"]: [n for line in s["lines"] for n in (line["numerator"], line["denominator"])] for s in sheets}
    for row in table.rows:
        assert [row[1], row[2], row[4], row[5], row[7], row[8]] == expected[str(row[0])]
    assert any(other.sheet == "评价指标（累计）" for other in document.tables)


async def test_a_bulletin_is_in_english_where_that_is_the_language(database: Database) -> None:
    world, _ = await open_world(database, count=20, language="en")
    document = await world.compose(BulletinKind.MONTHLY, "2026-10")
    assert document.title == "Bulletin for October 2026" and document.stem == "jiesu-monthly-bulletin-2026-10"
    assert next(table for table in document.tables if table.sheet == "Overview").rows[0][0] == "Demands received"


def test_an_office_without_the_optional_packages_is_told_what_to_install() -> None:
    assert list_missing_packages() == []
    assert list_missing_packages({"no_such_module": "python-docx", "sys": "x"}) == ["python-docx"]
    for language in ("zh_CN", "en"):
        refusal = Texts(language).render_refusal("reports_missing", {"packages": "python-docx"})
        assert "pip install jiesu[reports]" in refusal and "python-docx" in refusal
