"""The monthly bulletin read back: every figure is that of an independent count, and no name or number is in it."""

import re
from collections import Counter
from datetime import datetime
from typing import Any

from backend.reporting.kinds import BulletinKind
from backend.reporting.pdf import _build_data
from backend.reporting.xlsx import escape_formula
from storage.engine.database import Database
from tests.reporting.world import ADMIN, MONTH, PHONE, REQUESTER, WordDocument, Workbook, open_world
from tests.tickets.world import REVIEWER, ZONE

FIRST, AFTER = datetime(2026, 10, 1, tzinfo=ZONE), datetime(2026, 11, 1, tzinfo=ZONE)


def is_in_october(at: str | None) -> bool:
    return at is not None and FIRST <= datetime.fromisoformat(at) < AFTER


def count_october(tickets: list[dict[str, Any]], as_of: datetime) -> dict[str, Any]:
    """Count the month by hand from the tickets themselves."""
    received = [x for x in tickets if is_in_october(x["generated_at"])]
    assignments = [(x, a) for x in tickets for a in x.get("assignments", ())]
    dispatched = [(x, a) for x, a in assignments if is_in_october(a["dispatched_at"])]
    returns = [a["return"] for x, a in assignments if is_in_october(a.get("return", {}).get("submitted_at"))]
    returned = [a for _, a in assignments if a.get("return", {}).get("decision") == "accepted"]
    closed = [a for _, a in assignments if a["lead"] and is_in_october(a.get("closed_at")) and a not in returned]
    return {
        "received": len(received), "tickets": len({x["ticket_no"] for x, _ in dispatched}), "dispatched": len(dispatched),
        "category": Counter(x["category"] for x in received), "channel": Counter(x["channel"] for x in received),
        "grade": Counter(x["grade"] for x in received), "region": Counter(x["region"] for x in received),
        "urgent": sum(x["grade"] == "urgent" for x in received), "direct": sum(bool(x.get("direct_answer")) for x in received),
        "mass": sum(bool(x.get("mass_incident")) for x in received), "returns": Counter(r["decision"] for r in returns),
        "closed": len(closed), "closed_by": Counter(a["unit"] for a in closed),
        "dispatched_by": Counter(a["unit"] for _, a in dispatched),
        "extended": Counter(len(a.get("extensions", ())) for a in closed),
        "visited": sum(
            any(is_in_october(v["at"]) and datetime.fromisoformat(v["at"]) <= as_of for v in x.get("visits", ()))
            for x in tickets
        ),
    }  # fmt: skip


async def test_every_figure_of_a_month_is_in_workbook_and_document_B11_A16(database: Database) -> None:
    world, tickets = await open_world(database)
    issue, files = await world.reporting.make(MONTH, by=ADMIN)
    assert (issue.kind, issue.number) == (BulletinKind.MONTHLY, 1)
    assert [name.rpartition(".")[2] for name, _ in files] == ["docx", "xlsx", "pdf"]
    workbook, document = Workbook(files[1][1]), WordDocument(files[0][1])
    assert files[2][1].startswith(b"%PDF")
    expected = count_october(tickets, world.at)

    main = workbook.column("主要指标")
    assert main["受理诉求（件）"] == expected["received"]
    assert main["派出工单（件）"] == expected["tickets"]
    assert main["办结工单（件）"] == expected["closed"]
    assert main["回访工单（件）"] == expected["visited"]
    for sheet, key in (("诉求类别", "category"), ("来源渠道", "channel"), ("工单级别", "grade")):
        assert workbook.column(sheet) == {world.texts.get_word(key, word): n for word, n in expected[key].items()}
        assert abs(sum(workbook.column(sheet, 2).values()) - 1) < 1e-3
    assert workbook.column("地区受理") == dict(expected["region"])
    units = workbook.column("单位办理情况"), workbook.column("单位办理情况", 3)
    assert units[0] == {f"单位{u}": n for u, n in expected["dispatched_by"].items()}
    assert {u: n for u, n in units[1].items() if n} == {f"单位{u}": n for u, n in expected["closed_by"].items()}

    sheets = (await world.scoring.compute_month(MONTH, evidence=False))["units"]
    for name, item in (
        ("及时签收率", "sign"), ("按时办结率", "on_time"), ("满意率", "satisfaction"), ("及时派单率", "dispatch"),
    ):  # fmt: skip
        lines = [line for s in sheets for line in s["lines"] if line["item"] == item and line["denominator"]]
        numerator, denominator = (sum(line[k] for line in lines) for k in ("numerator", "denominator"))
        hundredths = (2 * numerator * 10_000 + denominator) // (2 * denominator)  # half up, by hand
        assert main[name] == hundredths / 10_000
        shown = f"{hundredths // 100}.{hundredths % 100:02d}%"
        assert next(row for row in document.tables["主要指标对比"] if row[0] == name)[1] == shown
        assert f"{shown}（{numerator}/{denominator}）" in document.text()

    text = document.text()
    assert f"共受理诉求{expected['received']}件" in text
    assert f"紧急工单{expected['urgent']}件，直接答复{expected['direct']}件，涉及群体性事件{expected['mass']}件" in text
    returns = expected["returns"]
    assert (
        f"申请退单{sum(returns.values())}件次：同意{returns['accepted']}件次，不同意{returns['refused']}件次，撤回{returns['withdrawn']}件次"
        in text
    )
    assert f"延期一次的{expected['extended'][1]}件，延期两次的{expected['extended'][2]}件" in text
    assert [h.split("、")[0] for h in document.headings()] == list("一二三四五六七八九十")
    for sheet, caption in (
        ("诉求类别", "按诉求类别统计的受理量"),
        ("单位办理情况", "各承办单位办理情况（按单位编码排列）"),
    ):
        assert [[str(v) for v in (r[0], r[1])] for r in workbook.rows(sheet)] == [
            r[:2] for r in document.tables[caption][1:-1]
        ]
    assert workbook.formulas["诉求类别"]["C4"].value.startswith("=ROUND(B4/SUM(")
    assert workbook.formulas["单位办理情况"].freeze_panes and workbook.formulas["单位办理情况"].tables
    assert len(workbook.formulas["诉求类别"]._charts) == 1
    alternatives = [e.get("descr") for e in document.doc.element.iter() if e.tag.endswith("}docPr")]
    assert alternatives and all(alternatives)
    assert "得分" not in "".join(document.headings()) and "名次" not in text  # B11: work, not ranking


async def test_no_name_and_no_number_of_a_requester_is_in_any_document_G23_FR10_A17(database: Database) -> None:
    world, tickets = await open_world(database, count=60)
    unsatisfied = next(x for x in tickets if any(is_in_october(v["at"]) for v in x.get("visits", ())))
    await database.write(lambda c: c.exec_driver_sql(
        "UPDATE tickets SET final_answer = 'unsatisfied', deemed_satisfied = false, state = 'finalized' "
        f"WHERE ticket_no = '{unsatisfied['ticket_no']}'"
    ) and None)  # fmt: skip
    review = {
        "conclusion": f"承办单位未联系{REQUESTER}（{PHONE}）",
        "responsibility": "经办人员",
        "improvement": "限期整改",
    }
    await world.act("review", REVIEWER, unsatisfied["ticket_no"], **review)
    issue, files = await world.reporting.make(MONTH)
    document, workbook = WordDocument(files[0][1]), Workbook(files[1][1])
    typeset = str(_build_data(await world.compose(BulletinKind.MONTHLY, MONTH, issue=issue)))
    for words in (document.text(), workbook.text(), typeset):
        assert REQUESTER not in words and PHONE not in words and PHONE[-4:] not in words
        assert not re.search(r"1[3-9]\d{9}", words)
        assert unsatisfied["ticket_no"] not in words and "100号" not in words and "2单元" not in words
        assert "责任：经办人员" in words and "改进：限期整改" in words
        assert "人民大街" in words
    cells = [str(c.value or "") for sheet in workbook.formulas for row in sheet.iter_rows() for c in row]
    formulas = [cell for cell in cells if cell.startswith("=")]
    assert formulas and not [f for f in formulas if "HYPERLINK" in f]
    for cell in ("=1+1", "+8613800001234", "-2", "@SUM(A1)", "\t=1", " =1", "＝1", "－1", "\r=1", "|cmd", "%0A"):
        assert escape_formula(cell).startswith("'"), cell
    assert [escape_formula(cell) for cell in ("路灯", "3-2", "—")] == ["路灯", "3-2", "—"]


async def test_a_ticket_without_a_title_is_named_by_place_and_category_alone_A17(database: Database) -> None:
    """No colon with nothing after it."""
    world, _ = await open_world(database, count=60)
    await database.write(lambda c: c.exec_driver_sql("UPDATE tickets SET title = ''") and None)
    _, files = await world.reporting.make(MONTH, by=ADMIN)
    matters = [str(row[1]) for row in Workbook(files[1][1]).rows("逐件评议")[1:] if row[1]]
    assert matters and not [m for m in matters if m.endswith("：")]


async def test_a_month_without_data_becomes_a_document_that_says_so(database: Database) -> None:
    world, _ = await open_world(database, count=5)
    document = await world.compose(BulletinKind.MONTHLY, "2025-01")
    assert "没有受理、派出、办结或者回访的工单" in str(document.blocks)
