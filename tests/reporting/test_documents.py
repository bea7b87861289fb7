"""The monthly bulletin read back: every figure as an independent count has it, and nobody's name or number in it."""

import re
from collections import Counter
from datetime import datetime
from typing import Any

from backend.domain.texts import Texts
from backend.reporting.compose import compose
from backend.reporting.kinds import BulletinKind
from backend.reporting.pdf import _build_data
from backend.reporting.xlsx import escape_formula
from storage.engine.database import Database
from storage.reporting.bulletins import SqlBulletinStore
from tests.reporting.world import ADMIN, CALLER, MONTH, PHONE, REVIEWER, Book, Paper, room, world
from tests.scoring.world import ZONE

FIRST, AFTER = datetime(2026, 10, 1, tzinfo=ZONE), datetime(2026, 11, 1, tzinfo=ZONE)


def _in(at: str | None) -> bool:
    return at is not None and FIRST <= datetime.fromisoformat(at) < AFTER


def _reckoned(lives: list[dict[str, Any]], as_of: datetime) -> dict[str, Any]:
    """The month counted by hand from the lives themselves."""
    born = [x for x in lives if _in(x["generated_at"])]
    parts = [(x, a) for x in lives for a in x.get("assignments", ())]
    sent = [(x, a) for x, a in parts if _in(a["dispatched_at"])]
    back = [a["return"] for x, a in parts if _in(a.get("return", {}).get("submitted_at"))]
    given_back = [a for _, a in parts if a.get("return", {}).get("decision") == "accepted"]
    closed = [a for _, a in parts if a["lead"] and _in(a.get("closed_at")) and a not in given_back]
    return {
        "received": len(born), "tickets": len({x["ticket_no"] for x, _ in sent}), "given": len(sent),
        "category": Counter(x["category"] for x in born), "channel": Counter(x["channel"] for x in born),
        "grade": Counter(x["grade"] for x in born), "region": Counter(x["region"] for x in born),
        "urgent": sum(x["grade"] == "urgent" for x in born), "direct": sum(bool(x.get("direct_answer")) for x in born),
        "mass": sum(bool(x.get("mass_incident")) for x in born), "returns": Counter(r["decision"] for r in back),
        "closed": len(closed), "closed_by": Counter(a["unit"] for a in closed),
        "given_by": Counter(a["unit"] for _, a in sent),
        "extended": Counter(len(a.get("extensions", ())) for a in closed),
        "visited": sum(any(_in(v["at"]) and datetime.fromisoformat(v["at"]) <= as_of for v in x.get("visits", ())) for x in lives),
    }  # fmt: skip


async def test_every_figure_of_a_month_is_found_again_in_sheet_and_paper(database: Database) -> None:
    """B11, A16."""
    made, lives = await world(database)
    issue, files = await room(made).make(MONTH, by=ADMIN)
    assert (issue.kind, issue.number) == (BulletinKind.MONTHLY, 1)
    assert [name.rpartition(".")[2] for name, _ in files] == ["docx", "xlsx", "pdf"]
    book, paper = Book(files[0 + 1][1]), Paper(files[0][1])
    assert files[2][1].startswith(b"%PDF")
    true, zh = _reckoned(lives, made.at), Texts("zh_CN")

    main = book.column("主要指标")
    assert main["受理诉求（件）"] == true["received"]
    assert main["派出工单（件）"] == true["tickets"]
    assert main["办结工单（件）"] == true["closed"]
    assert main["回访工单（件）"] == true["visited"]
    for sheet, key in (("诉求类别", "category"), ("来源渠道", "channel"), ("工单级别", "grade")):
        assert book.column(sheet) == {zh.get_word(key, word): n for word, n in true[key].items()}
        assert abs(sum(book.column(sheet, 2).values()) - 1) < 1e-3
    assert book.column("地区受理") == dict(true["region"])
    units = book.column("单位办理情况"), book.column("单位办理情况", 3)
    assert units[0] == {f"单位{u}": n for u, n in true["given_by"].items()}
    assert {u: n for u, n in units[1].items() if n} == {f"单位{u}": n for u, n in true["closed_by"].items()}

    sheets = (await made.marks.compute_month(MONTH, evidence=False))["units"]
    for name, item in (
        ("及时签收率", "sign"),
        ("按时办结率", "on_time"),
        ("满意率", "satisfaction"),
        ("及时派单率", "dispatch"),
    ):
        lines = [line for s in sheets for line in s["lines"] if line["item"] == item and line["denominator"]]
        top, below = (sum(line[k] for line in lines) for k in ("numerator", "denominator"))
        hundredths = (2 * top * 10_000 + below) // (2 * below)  # half up, by hand
        assert main[name] == hundredths / 10_000
        shown = f"{hundredths // 100}.{hundredths % 100:02d}%"
        assert next(row for row in paper.tables["主要指标对比"] if row[0] == name)[1] == shown
        assert f"{shown}（{top}/{below}）" in paper.words()

    prose = paper.words()
    assert f"共受理诉求{true['received']}件" in prose
    assert f"紧急工单{true['urgent']}件，直接答复{true['direct']}件，涉及群体性事件{true['mass']}件" in prose
    asked = true["returns"]
    assert (
        f"申请退单{sum(asked.values())}件次：同意{asked['accepted']}件次，不同意{asked['refused']}件次，撤回{asked['withdrawn']}件次"
        in prose
    )
    assert f"延期一次的{true['extended'][1]}件，延期两次的{true['extended'][2]}件" in prose
    assert [h.split("、")[0] for h in paper.headings()] == list("一二三四五六七八九十")
    for sheet, caption in (
        ("诉求类别", "按诉求类别统计的受理量"),
        ("单位办理情况", "各承办单位办理情况（按单位编码排列）"),
    ):
        assert [[str(v) for v in (r[0], r[1])] for r in book.rows(sheet)] == [
            r[:2] for r in paper.tables[caption][1:-1]
        ]
    assert book.formulas["诉求类别"]["C4"].value.startswith("=ROUND(B4/SUM(")
    assert book.formulas["单位办理情况"].freeze_panes and book.formulas["单位办理情况"].tables
    assert len(book.formulas["诉求类别"]._charts) == 1
    alts = [e.get("descr") for e in paper.doc.element.iter() if e.tag.endswith("}docPr")]
    assert alts and all(alts)
    assert "得分" not in "".join(paper.headings()) and "名次" not in prose  # B11: work, not ranking


async def test_no_name_and_no_number_of_a_person_is_in_any_document(database: Database) -> None:
    """G23, FR10, A17."""
    made, lives = await world(database, count=60)
    unhappy = next(x for x in lives if any(_in(v["at"]) for v in x.get("visits", ())))
    await database.write(lambda c: c.exec_driver_sql(
        f"UPDATE tickets SET final_answer = 'unsatisfied', deemed = false, state = 'finalized' WHERE no = '{unhappy['ticket_no']}'"
    ) and None)  # fmt: skip
    said = {"conclusion": f"承办单位未联系{CALLER}（{PHONE}）", "responsibility": "经办人员", "improvement": "限期整改"}
    await made.act("review", REVIEWER, unhappy["ticket_no"], **said)
    rooms = room(made)
    issue, files = await rooms.make(MONTH)
    paper, book = Paper(files[0][1]), Book(files[1][1])
    material = await rooms._gatherer.gather(BulletinKind.MONTHLY, MONTH, {}, None)
    typed = str(_build_data(compose(material, issue, Texts("zh_CN"))))
    for words in (paper.words(), book.words(), typed):
        assert CALLER not in words and PHONE not in words and PHONE[-4:] not in words
        assert not re.search(r"1[3-9]\d{9}", words)
        assert unhappy["ticket_no"] not in words and "100号" not in words and "2单元" not in words
        assert "责任：经办人员" in words and "改进：限期整改" in words
        assert "人民大街" in words
    risky = [c.value for s in book.formulas for row in s.iter_rows() for c in row if str(c.value or "").startswith("=")]
    assert risky and not [f for f in risky if "HYPERLINK" in f]
    assert escape_formula("=1+1") == "'=1+1" and escape_formula("@x").startswith("'") and escape_formula("－1") == "－1"


async def test_a_matter_without_a_title_is_named_by_place_and_category_alone(database: Database) -> None:
    """A17: no colon with nothing behind it."""
    made, _ = await world(database, count=60)
    await database.write(lambda c: c.exec_driver_sql("UPDATE tickets SET title = ''") and None)
    _, files = await room(made).make(MONTH, by=ADMIN)
    matters = [str(row[1]) for row in Book(files[1][1]).rows("逐件评议")[1:] if row[1]]
    assert matters and not [m for m in matters if m.endswith("：")]


async def test_a_month_without_data_becomes_a_document_that_says_so(database: Database) -> None:
    made, _ = await world(database, count=5)
    rooms, store = room(made), SqlBulletinStore(made.db, made.ids, made.vault)
    issue = await store.open_issue(BulletinKind.MONTHLY, "2025-01", 2025, "A1", made.at, None)
    assert issue is not None
    material = await rooms._gatherer.gather(BulletinKind.MONTHLY, "2025-01", {}, None)
    assert "没有受理、派出、办结或者回访的工单" in str(compose(material, issue, Texts("zh_CN")).blocks)
