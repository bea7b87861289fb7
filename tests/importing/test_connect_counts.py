"""Counts of calls come in by institution, channel and day: checked by field, replaced, never counted twice (B15, XD14)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.acts import Actor
from backend.domain.channels import may_overlap
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from backend.importing.files.forms import FORMS
from backend.importing.files.reader import open_import
from backend.importing.files.templates import build_template
from backend.scoring import Scoring
from tests.scoring.world import CLERK, SECOND_CLERK, find_line
from tests.tickets.conftest import SampleCity

HEAD = "unit,day,channel,offered,answered,abandoned\n"
OCT = "2026-10"
MANUAL = {"kind": "connect", "unit": "M01", "month": OCT, "timely": 90, "total": 100, "note": "话务月报"}


def build_scoring(city: SampleCity) -> Scoring:
    """Return the scoring service over the city's tables."""
    return city.core.scoring


async def load_line(city: SampleCity, **options: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the institution's line of 接通率 in October, and the flags of its sheet."""
    sheet = await build_scoring(city).compute_sheet(OCT, "M01", **options)
    return find_line(sheet, "connect"), sheet["flags"]


def list_refusals(report: dict[str, Any]) -> list[tuple[int, str, str]]:
    """Return row, field and code of what was refused; each must have a sentence."""
    assert all(no["message"] for no in report["refused"])
    return [(no["row"], no["field"], no["code"]) for no in report["refused"]]


async def test_the_rate_is_what_was_answered_of_what_was_offered_over_days_and_channels_XD14(city: SampleCity) -> None:
    scoring = build_scoring(city)
    roster = await scoring.enter_ledger({"kind": "roster", "unit": "M01", "month": OCT, "note": "排班表"}, CLERK)
    await scoring.review_ledger(roster["id"], True, SECOND_CLERK)
    line, flags = await load_line(city)
    assert (line["note"], line["score"], flags) == ("no_data", "20.00", ["connect_unreported"])
    rows = "M01,2026-10-01,phone,1000,930,50\nM01,2026-10-02,电话,1000,911,\nM01,2026-10-01,web,300,300,\nM01,2026-11-01,phone,7,0,7\n"
    report = await city.import_text("connect", HEAD + rows, CLERK)
    assert (report["imported"], report["refused"]) == (4, [])
    line, flags = await load_line(city)
    assert (line["numerator"], line["denominator"], line["rate"], line["score"], flags) == (
        2141,
        2300,
        "93.09",
        "19.04",
        [],
    )
    assert line["evidence"] == [
        {"channel": "phone", "days": 2, "offered": 2000, "answered": 1841, "abandoned": 50},
        {"channel": "web", "days": 1, "offered": 300, "answered": 300, "abandoned": None},
    ]


async def test_counts_that_do_not_tell_the_abandoned_leave_what_is_known_of_them(city: SampleCity) -> None:
    for row in ("M01,2026-10-01,phone,1000,930,50", "M01,2026-10-01,phone,1000,940,"):
        assert (await city.import_text("connect", f"{HEAD}{row}\n", CLERK))["imported"] == 1
    line, _ = await load_line(city)
    assert line["evidence"] == [{"channel": "phone", "days": 1, "offered": 1000, "answered": 940, "abandoned": 50}]


async def test_counts_again_are_known_and_corrected_ones_replace_them_XD14(city: SampleCity) -> None:
    rows = "M01,2026-10-01,phone,1000,930,50\n云岭市接诉即办服务中心,2026-10-02,phone,10,9,\n"
    name = (await city.core.office.snapshot()).config.units["M01"].name
    rows = rows.replace("云岭市接诉即办服务中心", name)
    assert (await city.import_text("connect", HEAD + rows, CLERK, dry_run=True))["imported"] == 2
    assert (await city.import_text("connect", HEAD + rows, CLERK))["imported"] == 2
    again = await city.import_text("connect", HEAD + rows, CLERK)
    assert (again["imported"], again["already"]) == (0, 2)
    before = city.core.clock.now()
    city.advance(hours=1)
    corrected = HEAD + "M01,2026-10-01,phone,1000,950,50\nM01,2026-10-02,phone,10,9,\n"
    report = await city.import_text("connect", corrected, CLERK)
    assert (report["imported"], report["already"]) == (1, 1)
    line, _ = await load_line(city)
    assert (line["numerator"], line["denominator"]) == (959, 1010)
    line, _ = await load_line(city, as_of=before)  # as it was known then
    assert (line["numerator"], line["denominator"]) == (939, 1010)


@pytest.mark.parametrize(
    ("row", "field", "code"),
    [
        ("M01,2026-11-11,phone,10,9,", "day", "contradiction"),
        ("M01,2026-10-01,phone,10,11,", "answered", "contradiction"),
        ("M01,2026-10-01,phone,10,8,3", "abandoned", "contradiction"),
        ("M01,2026-10-01,phone,10,-1,", "answered", "bad_number"),
        ("M01,2026-10-01,phone,9.5,1,", "offered", "bad_number"),
        ("M01,2026-10-01,phone,,1,", "offered", "missing_field"),
        ("M01,2026-10-01,phone,10,,", "answered", "missing_field"),
        ("M01,2026-10-32,phone,10,9,", "day", "bad_date"),
        ("M01,2026-10-01,鸽子,10,9,", "channel", "bad_word"),
        ("M01,2026-10-01,12351,10,9,", "channel", "bad_word"),
        (",2026-10-01,phone,10,9,", "unit", "missing_field"),
        ("Z99,2026-10-01,phone,10,9,", "unit", "unknown_unit"),
        ("U01,2026-10-01,phone,10,9,", "unit", "not_management"),
        ("M01,2026-10-03,phone,10,9,", "unit", "duplicate_in_file"),
        ("NAME,2026-10-03,phone,10,9,", "day", "counts_twice"),
    ],
)
async def test_a_row_that_cannot_be_right_is_refused_by_its_field_XD14(
    city: SampleCity, row: str, field: str, code: str
) -> None:
    name = (await city.core.office.snapshot()).config.units["M01"].name
    text = HEAD + "M01,2026-10-03,phone,20,19,1\n" + row.replace("NAME", name) + "\n"
    report = await city.import_text("connect", text, CLERK)
    assert list_refusals(report) == [(3, field, code)]
    assert report["imported"] == 1


async def test_one_month_is_reported_by_day_or_by_a_line_of_the_ledger_never_both_XD14(city: SampleCity) -> None:
    scoring = build_scoring(city)
    entered = await scoring.enter_ledger(MANUAL, CLERK)
    refused = await city.import_text("connect", HEAD + "M01,2026-10-01,phone,10,9,\n", CLERK)
    assert list_refusals(refused) == [(2, "day", "connect_in_ledger")]
    await scoring.review_ledger(entered["id"], True, SECOND_CLERK)
    line, flags = await load_line(city)
    assert (line["numerator"], line["denominator"], flags) == (90, 100, [])  # a line by hand is a report too
    voided = await scoring.ledgers.correct(entered["id"], {"void": True, "reason": "改按日报送"}, CLERK)
    await scoring.review_ledger(voided["id"], True, SECOND_CLERK)
    assert (await city.import_text("connect", HEAD + "M01,2026-10-01,phone,10,9,\n", CLERK))["imported"] == 1
    for more in ({}, {"channel": "phone"}, {"channel": "电话"}):
        with pytest.raises(Refused, match="connect_counted"):
            await scoring.enter_ledger({**MANUAL, **more}, CLERK)
    web = await scoring.enter_ledger({**MANUAL, "channel": "web"}, CLERK)  # another channel stands beside
    await scoring.review_ledger(web["id"], True, SECOND_CLERK)
    line, _ = await load_line(city)
    assert (line["numerator"], line["denominator"]) == (99, 110)
    file = f"kind,unit,month,timely,total,note\nconnect,M01,{OCT},1,2,月报\n"
    assert list_refusals(await city.import_text("ledger", file, CLERK)) == [(2, "month", "connect_counted")]


async def test_a_locked_month_takes_no_other_counts_XD14(city: SampleCity) -> None:
    await city.import_text("connect", HEAD + "M01,2026-10-01,phone,10,9,\n", CLERK)
    scoring = build_scoring(city)
    run = await scoring.start_run(OCT, None, CLERK)
    await scoring.lock_run(run["id"], Actor("GL01", Role.ADMIN, "M01"), force=True, reason="演练")
    text = HEAD + "M01,2026-10-01,phone,10,9,\nM01,2026-10-02,phone,10,9,\nM01,2026-11-02,phone,10,9,\n"
    report = await city.import_text("connect", text, CLERK)
    assert (report["already"], report["imported"]) == (1, 1)
    assert list_refusals(report) == [(3, "day", "month_locked")]
    assert await scoring.runs.verify(run["id"])


async def test_only_clerks_report_counts(city: SampleCity) -> None:
    with pytest.raises(Refused, match="forbidden"):
        await city.import_text("connect", HEAD, Actor("H101", Role.HANDLER, "U01"))


@pytest.mark.parametrize("kind", sorted(FORMS))
def test_the_empty_table_of_each_kind_is_one_its_import_takes_XD14(kind: str) -> None:
    text = build_template(kind)
    reading = open_import(kind, text.encode() + b"\r\n", now=datetime(2026, 11, 10, tzinfo=UTC))
    assert list(reading) == []
    assert reading.ignored_headings == ()
    assert len(text.strip().split(",")) == len(FORMS[kind].fields)


CODES = st.sampled_from(["phone", "web", "", "电话", "12351"])


@given(CODES, CODES)
def test_counts_of_two_channels_are_apart_only_if_both_are_known_and_differ(one: str, other: str) -> None:
    known = ("phone", "web")
    apart = one in known and other in known and one != other
    assert may_overlap(one, other, known) is not apart
