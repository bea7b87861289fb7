"""When each duty is due: example E9, the deciding second, and what holds for every start."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.calendar import Calendar
from backend.domain.deadlines import (
    WorkdayMode,
    add_limit,
    add_limit_setting,
    add_review_time,
    compute_deadline,
    compute_red_card_at,
    compute_yellow_card_at,
    is_timely,
    subtract_limit,
)
from backend.domain.limits import Limit
from backend.domain.office_hours import OfficeHours, is_open, measure_work_time
from backend.domain.refusals import Refused
from backend.domain.settings import Settings
from backend.domain.ticket_enums import Category, Grade, Obligation

CALENDAR = Calendar.load_default()
SETTINGS = Settings()
ZONE = SETTINGS.zone
HOURS = SETTINGS.office_hours()
G, U = Grade.GENERAL, Grade.URGENT
moments = st.datetimes(datetime(2023, 1, 1), datetime(2026, 11, 1)).map(  # noqa: DTZ001
    lambda naive: naive.replace(tzinfo=ZONE)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def sign_due(text: str, grade: Grade = G, settings: Settings = SETTINGS) -> datetime:
    return compute_deadline(Obligation.SIGN, grade, None, at(text), settings, CALENDAR)


@pytest.mark.parametrize(
    ("dispatched", "grade", "sign_by", "note"),
    [
        ("2026-10-13T08:40:00", G, "2026-10-14T17:00:00", "Tuesday morning: day of dispatch not counted"),
        ("2026-10-13T16:50:00", G, "2026-10-14T17:00:00", "Tuesday just before closing"),
        ("2026-10-13T21:00:00", G, "2026-10-14T17:00:00", "Tuesday night: same day rule"),
        ("2026-10-13T00:00:00", G, "2026-10-14T17:00:00", "first second of Tuesday"),
        ("2026-10-13T23:59:59", G, "2026-10-14T17:00:00", "last second of Tuesday"),
        ("2026-10-16T16:59:00", G, "2026-10-19T17:00:00", "Friday: weekend skipped"),
        ("2026-10-17T10:00:00", G, "2026-10-19T17:00:00", "Saturday like Friday evening"),
        ("2026-10-18T23:00:00", G, "2026-10-19T17:00:00", "Sunday night like Friday evening"),
        ("2023-09-28T16:00:00", G, "2023-10-07T17:00:00", "eight days of holiday, then a 调休 Saturday"),
        ("2026-10-09T09:00:00", G, "2026-10-10T17:00:00", "Friday before a 调休 Saturday"),
        ("2026-10-10T09:00:00", G, "2026-10-12T17:00:00", "the 调休 Saturday itself"),
        ("2026-10-18T02:10:00", U, "2026-10-18T04:10:00", "Sunday night urgent: clock hours"),
        ("2026-10-01T23:30:05", U, "2026-10-02T01:30:05", "urgent over midnight of a holiday"),
    ],
)
def test_signing_is_due_as_in_example_e9_FS7_FS8(dispatched: str, grade: Grade, sign_by: str, note: str) -> None:
    assert sign_due(dispatched, grade) == at(sign_by), note


def test_dispatching_is_due_after_twelve_clock_hours() -> None:
    for start in ("2026-10-18T02:10:00", "2026-09-30T20:00:00", "2027-05-01T20:00:00"):
        found = compute_deadline(Obligation.DISPATCH, G, None, at(start), SETTINGS, CALENDAR)
        assert found == at(start) + timedelta(hours=12), "clock limits need no calendar"


@pytest.mark.parametrize(
    ("met", "timely"),
    [
        ("2026-10-14T16:59:59", True),
        ("2026-10-14T17:00:00", True),
        ("2026-10-14T17:00:00.999999", True),
        ("2026-10-14T17:00:01", False),
    ],
)
def test_the_second_of_the_deadline_is_still_in_time(met: str, timely: bool) -> None:
    assert is_timely(at(met), at("2026-10-14T17:00:00")) is timely
    assert is_timely(at(met).astimezone(UTC), at("2026-10-14T17:00:00")) is timely


@pytest.mark.parametrize(
    ("kind", "grade", "category", "expected"),
    [  # all from Tuesday 2026-10-13 10:00:30
        (Obligation.DISPATCH, G, None, "2026-10-13T22:00:30"),
        (Obligation.DISPATCH, U, None, "2026-10-13T12:00:30"),
        (Obligation.SIGN, G, None, "2026-10-14T17:00:00"),
        (Obligation.SIGN, U, None, "2026-10-13T12:00:30"),
        (Obligation.RETURN, G, None, "2026-10-14T17:00:00"),
        (Obligation.RETURN, U, None, "2026-10-13T12:00:30"),
        (Obligation.CONTACT, G, None, "2026-10-14T17:00:00"),
        (Obligation.CONTACT, U, None, "2026-10-13T12:00:30"),
        (Obligation.REPLY, G, Category.CONSULT, "2026-10-15T17:00:00"),
        (Obligation.REPLY, U, Category.CONSULT, "2026-10-14T10:00:30"),
        (Obligation.CLOSE, G, Category.CONSULT, "2026-10-15T17:00:00"),
        (Obligation.CLOSE, G, Category.HELP, "2026-10-20T17:00:00"),
        (Obligation.CLOSE, G, Category.COMPLAINT, "2026-10-20T17:00:00"),
        (Obligation.CLOSE, G, Category.REPORT, "2026-10-27T17:00:00"),
        (Obligation.CLOSE, G, Category.SUGGESTION, "2026-10-27T17:00:00"),
        (Obligation.CLOSE, G, Category.PRAISE, "2026-10-15T17:00:00"),
        (Obligation.CLOSE, U, Category.HELP, "2026-10-14T10:00:30"),
        (Obligation.CLOSE, U, None, "2026-10-14T10:00:30"),
        (Obligation.REVISIT, G, None, "2026-10-20T17:00:00"),
        (Obligation.SUPERVISE, G, None, "2026-10-14T17:00:00"),
        (Obligation.REVIEW, G, None, "2026-10-13T16:00:30"),
        (Obligation.REVIEW, U, None, "2026-10-13T10:30:30"),
        (Obligation.REWORK, G, Category.HELP, "2026-10-20T17:00:00"),
    ],
)
def test_every_duty_has_its_limit(kind: Obligation, grade: Grade, category: Category | None, expected: str) -> None:
    start = at("2026-10-13T10:00:30.250000")
    assert compute_deadline(kind, grade, category, start, SETTINGS, CALENDAR) == at(expected)


LIMITS = [  # every duty of both grades, and every category
    ("dispatch.general.limit", Obligation.DISPATCH, G, None),
    ("dispatch.urgent.limit", Obligation.DISPATCH, U, None),
    ("sign.general.limit", Obligation.SIGN, G, None),
    ("sign.urgent.limit", Obligation.SIGN, U, None),
    ("return.general.limit", Obligation.RETURN, G, None),
    ("return.urgent.limit", Obligation.RETURN, U, None),
    ("contact.general.limit", Obligation.CONTACT, G, None),
    ("contact.urgent.limit", Obligation.CONTACT, U, None),
    ("reply.limit", Obligation.REPLY, G, Category.HELP),
    ("reply.limit", Obligation.REPLY, U, Category.HELP),
    ("close.limit.consult", Obligation.CLOSE, G, Category.CONSULT),
    ("close.limit.help", Obligation.CLOSE, G, Category.HELP),
    ("close.limit.complaint", Obligation.CLOSE, G, Category.COMPLAINT),
    ("close.limit.report", Obligation.CLOSE, G, Category.REPORT),
    ("close.limit.suggestion", Obligation.CLOSE, G, Category.SUGGESTION),
    ("close.limit.praise", Obligation.CLOSE, G, Category.PRAISE),
    ("close.limit.urgent", Obligation.CLOSE, U, Category.HELP),
    ("visit.finish_within", Obligation.REVISIT, G, None),
    ("visit.finish_within", Obligation.REVISIT, U, None),
    ("supervise.limit", Obligation.SUPERVISE, G, None),
    ("supervise.limit", Obligation.SUPERVISE, U, None),
    ("review.general.limit", Obligation.REVIEW, G, None),
    ("review.urgent.limit", Obligation.REVIEW, U, None),
    ("rework.limit", Obligation.REWORK, G, Category.HELP),
    ("rework.limit", Obligation.REWORK, U, Category.HELP),
]


@pytest.mark.proves
@pytest.mark.parametrize(("key", "kind", "grade", "category"), LIMITS)
def test_another_limit_moves_the_deadline(key: str, kind: Obligation, grade: Grade, category: Category | None) -> None:
    start = at("2026-10-13T10:00:00")
    found = compute_deadline(kind, grade, category, start, SETTINGS.with_changes({key: "7m"}), CALENDAR)
    assert found == at("2026-10-13T10:07:00")


def test_every_duty_of_both_grades_has_a_limit_that_can_be_set() -> None:
    assert {(kind, grade) for _, kind, grade, _ in LIMITS} == {(kind, grade) for kind in Obligation for grade in Grade}


def test_a_close_limit_needs_a_category() -> None:
    with pytest.raises(Refused, match="deadline_missing"):
        compute_deadline(Obligation.CLOSE, G, None, at("2026-10-13T10:00:00"), SETTINGS, CALENDAR)


def test_a_deadline_past_the_calendar_is_refused() -> None:
    with pytest.raises(Refused, match="calendar_ends"):
        sign_due("2026-12-31T10:00:00")


def test_a_deadline_beyond_the_first_or_last_year_is_refused_FS19() -> None:
    with pytest.raises(Refused, match="bad_time"):
        last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
        compute_deadline(Obligation.DISPATCH, G, None, last, SETTINGS, CALENDAR)
    with pytest.raises(Refused, match="bad_time"):
        subtract_limit(Limit.parse("1h"), datetime(1, 1, 1, tzinfo=ZONE), CALENDAR, HOURS)


@pytest.mark.parametrize(
    ("start", "limit", "expected"),
    [
        ("2026-10-13T08:40:00", "1wd", "2026-10-14T10:10:00"),
        ("2026-10-13T21:00:00", "1wd", "2026-10-15T10:00:00"),
        ("2026-10-17T10:00:00", "1wd", "2026-10-20T10:00:00"),
        ("2026-10-13T08:30:00", "3wh", "2026-10-13T11:30:00"),
        ("2026-10-13T11:30:00", "1wh", "2026-10-13T14:30:00"),
        ("2026-10-13T08:40:00", "2h", "2026-10-13T10:40:00"),
    ],
)
def test_rolling_hours_make_a_working_day_eight_of_them(start: str, limit: str, expected: str) -> None:
    assert add_limit(Limit.parse(limit), at(start), CALENDAR, HOURS, WorkdayMode.ROLLING_WORKHOURS) == at(expected)


@pytest.mark.proves("workday.mode")
def test_the_mode_is_a_setting() -> None:
    rolling = SETTINGS.with_changes({"workday.mode": "rolling_workhours"})
    assert sign_due("2026-10-13T08:40:00", G, rolling) == at("2026-10-14T10:10:00")


@pytest.mark.proves("urgent.pause_off_hours")
def test_urgent_limits_may_pause_off_hours_and_general_ones_do_not() -> None:
    paused = SETTINGS.with_changes({"urgent.pause_off_hours": True})
    assert sign_due("2026-10-18T02:10:00", U, paused) == at("2026-10-19T10:30:00")
    start = at("2026-10-18T02:10:00")
    assert compute_deadline(Obligation.DISPATCH, G, None, start, paused, CALENDAR) == start + timedelta(hours=12)


@pytest.mark.proves("office_hours")
def test_a_unit_keeps_its_own_hours() -> None:
    own = SETTINGS.with_changes({"office_hours@U01": "09:00-18:00"})
    start = at("2026-10-13T08:40:00")
    assert compute_deadline(Obligation.SIGN, G, None, start, own, CALENDAR, unit="U01") == at("2026-10-14T18:00:00")
    assert compute_deadline(Obligation.SIGN, G, None, start, own, CALENDAR, unit="U02") == at("2026-10-14T17:00:00")


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Urumqi"])
def test_the_zone_of_the_start_changes_nothing_FS9(zone: str) -> None:
    start = at("2026-10-13T21:00:00").astimezone(ZoneInfo(zone))
    assert compute_deadline(Obligation.SIGN, G, None, start, SETTINGS, CALENDAR) == at("2026-10-14T17:00:00")


def test_another_zone_may_be_the_office_zone() -> None:
    there = Settings(zone=ZoneInfo("Europe/Berlin"))
    start = datetime(2026, 3, 27, 12, tzinfo=UTC)
    found = compute_deadline(Obligation.SIGN, G, None, start, there, CALENDAR)
    assert found.isoformat() == "2026-03-30T17:00:00+02:00"
    night = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # half an hour before the clocks go forward
    assert compute_deadline(Obligation.SIGN, U, None, night, there, CALENDAR) - night == timedelta(hours=2)


@pytest.mark.proves("card.yellow_lead", "card.red_at")
def test_the_yellow_card_comes_a_working_day_before_the_deadline_and_the_red_one_at_it() -> None:
    start, until = at("2026-09-30T10:00:00"), at("2026-10-09T17:00:00")
    assert compute_yellow_card_at(G, start, until, SETTINGS, CALENDAR) == at("2026-10-08T17:00:00")
    half_time = at("2026-09-30T22:00:00")
    assert compute_yellow_card_at(U, start, start + timedelta(hours=24), SETTINGS, CALENDAR) == half_time
    assert compute_yellow_card_at(G, at("2026-10-08T18:00:00"), until, SETTINGS, CALENDAR) is None
    earlier = SETTINGS.with_changes({"card.yellow_lead": "3wh", "card.red_at": "1wd"})
    assert compute_yellow_card_at(G, start, until, earlier, CALENDAR) == at("2026-10-09T14:00:00")
    assert compute_red_card_at(until, SETTINGS, CALENDAR) == until
    assert compute_red_card_at(until, earlier, CALENDAR) == at("2026-10-10T17:00:00")


def test_a_deadline_moves_by_what_a_review_took_beyond_its_limit_T10() -> None:
    until, review = at("2026-10-20T17:00:00"), at("2026-10-13T16:00:00")
    assert add_review_time(until, review, at("2026-10-13T16:00:00"), G, SETTINGS, CALENDAR) == until
    assert add_review_time(until, review, at("2026-10-14T09:30:00"), G, SETTINGS, CALENDAR) == at("2026-10-21T10:30:00")
    assert add_review_time(until, review, at("2026-10-13T18:00:00"), U, SETTINGS, CALENDAR) == at("2026-10-20T19:00:00")


def test_an_extension_is_measured_from_the_old_deadline() -> None:
    found = add_limit_setting("extension.max_length", at("2026-10-20T17:00:00"), SETTINGS, CALENDAR)
    assert found == at("2026-10-29T17:00:00")


days = st.integers(1, 12).map(lambda n: Limit.parse(f"{n}wd"))
any_limit = st.builds(
    lambda n, unit: Limit.parse(f"{n}{unit}"), st.integers(1, 12), st.sampled_from(["wd", "wh", "h", "m"])
)


@given(moments, days)
def test_working_day_limits_end_when_the_office_closes_on_a_working_day(start: datetime, limit: Limit) -> None:
    found = add_limit(limit, start, CALENDAR, HOURS)
    assert CALENDAR.is_workday(found.date())
    assert found == HOURS.close_of_business(found.date())
    assert found.date() > start.date()


@given(moments, moments, any_limit, st.sampled_from(WorkdayMode), st.booleans())
def test_a_later_start_is_never_due_earlier(
    a: datetime, b: datetime, limit: Limit, mode: WorkdayMode, pause: bool
) -> None:
    first, second = sorted((a, b))
    assert add_limit(limit, first, CALENDAR, HOURS, mode, pause) <= add_limit(
        limit, second, CALENDAR, HOURS, mode, pause
    )


@given(moments, any_limit, st.sampled_from(WorkdayMode))
def test_a_longer_limit_is_never_due_earlier(start: datetime, limit: Limit, mode: WorkdayMode) -> None:
    longer = Limit(limit.amount + 1, limit.unit)
    assert add_limit(limit, start, CALENDAR, HOURS, mode) < add_limit(longer, start, CALENDAR, HOURS, mode)


@given(moments, any_limit, st.sampled_from(WorkdayMode))
def test_deadlines_are_whole_seconds_after_the_start(start: datetime, limit: Limit, mode: WorkdayMode) -> None:
    found = add_limit(limit, start, CALENDAR, HOURS, mode)
    assert found.microsecond == 0
    assert found > start


@given(moments, st.integers(1, 40))
def test_working_hours_end_while_the_office_is_open(start: datetime, hours: int) -> None:
    begun = start.replace(microsecond=0)
    found = add_limit(Limit.parse(f"{hours}wh"), start, CALENDAR, HOURS)
    assert is_open(found - timedelta(seconds=1), CALENDAR, HOURS)
    assert measure_work_time(begun, found, CALENDAR, HOURS) == timedelta(hours=hours)


@given(moments)
def test_every_start_within_one_day_has_the_same_deadline(start: datetime) -> None:
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    assert add_limit(Limit.parse("1wd"), start, CALENDAR, HOURS) == add_limit(
        Limit.parse("1wd"), midnight, CALENDAR, HOURS
    )


def test_seasonal_hours_end_the_day_of_the_deadline() -> None:
    hours = OfficeHours.parse("05-01..09-30=08:30-12:00,14:30-18:00; *=08:30-11:30,13:30-17:00")
    assert add_limit(Limit.parse("1wd"), at("2026-09-29T10:00:00"), CALENDAR, hours) == at("2026-09-30T18:00:00")
    assert add_limit(Limit.parse("1wd"), at("2026-09-30T10:00:00"), CALENDAR, hours) == at("2026-10-08T17:00:00")
