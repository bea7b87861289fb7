"""The ladder of reminders, and when reminders and digests may be sent."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.calendar import Calendar
from backend.domain.deadlines import compute_deadline
from backend.domain.refusals import Refused
from backend.domain.reminders import (
    Audience,
    Purpose,
    ReminderChannel,
    ReminderStep,
    build_ladder,
    find_next_allowed,
    find_next_digest,
    is_quiet_time,
    should_merge,
)
from backend.domain.settings import Settings
from backend.domain.ticket_enums import Category, Grade, Obligation

CALENDAR = Calendar.load_default()
SETTINGS = Settings()
ZONE = SETTINGS.zone
G, U = Grade.GENERAL, Grade.URGENT
moments = st.datetimes(datetime(2023, 1, 1), datetime(2026, 11, 1)).map(  # noqa: DTZ001
    lambda naive: naive.replace(microsecond=0, tzinfo=ZONE)
)


def at(text: str) -> datetime:
    """Return an instant in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def build_steps(
    kind: Obligation, grade: Grade, start: datetime, settings: Settings = SETTINGS
) -> tuple[ReminderStep, ...]:
    due = compute_deadline(kind, grade, Category.HELP, start, settings, CALENDAR)
    return build_ladder(kind, grade, start, due, CALENDAR, settings.office_hours(), settings)


def summarise(found: tuple[ReminderStep, ...]) -> list[tuple[str, str, str, str]]:
    """Return (day and time, message kind, channel, audience) of each step."""
    return [(f"{s.at:%d %H:%M}", s.message, s.channel.value, s.audience.value) for s in found]


TUESDAY = at("2026-10-13T09:00:00")


def test_a_general_ticket_is_reminded_of_signing_in_office_hours() -> None:
    assert summarise(build_steps(Obligation.SIGN, G, TUESDAY)) == [
        ("14 10:00", "sign_reminder", "chat", "handler"),
        ("14 15:00", "sign_reminder", "chat", "handler"),
        ("14 15:00", "call_to_sign", "phone", "deputy"),
        ("14 17:00", "auto_signed", "chat", "handler"),
        ("14 17:00", "auto_signed", "chat", "liaison"),
    ]


def test_an_urgent_ticket_has_its_own_ladder_at_any_hour() -> None:
    assert summarise(build_steps(Obligation.SIGN, U, at("2026-10-18T02:10:00"))) == [
        ("18 03:10", "sign_reminder", "chat", "handler"),
        ("18 03:50", "call_to_sign", "phone", "handler"),
        ("18 03:50", "sign_reminder", "chat", "liaison"),
        ("18 04:10", "auto_signed", "chat", "handler"),
        ("18 04:10", "auto_signed", "chat", "liaison"),
        ("19 08:30", "auto_signed", "chat", "leader"),
    ]


def test_closing_turns_yellow_a_working_day_before_and_red_at_the_deadline() -> None:
    assert summarise(build_steps(Obligation.CLOSE, G, TUESDAY)) == [
        ("19 17:00", "close_reminder", "chat", "handler"),
        ("20 14:00", "close_reminder", "chat", "handler"),
        ("20 17:00", "red_card", "chat", "handler"),
        ("20 17:00", "red_card", "chat", "liaison"),
        ("21 08:30", "red_card", "chat", "leader"),
    ]


def test_urgent_closing_is_reminded_at_half_time_and_an_hour_before() -> None:
    found = build_steps(Obligation.CLOSE, U, TUESDAY)
    assert summarise(found)[:2] == [
        ("13 21:00", "close_reminder", "chat", "handler"),
        ("14 08:00", "close_reminder", "chat", "handler"),
    ]
    assert [s.duty_only for s in found[:2]] == [True, False]


@pytest.mark.parametrize(("grade", "times"), [(G, ["13 15:00", "13 19:00"]), (U, ["13 10:00", "13 10:40"])])
def test_the_dispatcher_is_warned_round_the_clock(grade: Grade, times: list[str]) -> None:
    found = build_steps(Obligation.DISPATCH, grade, TUESDAY)
    assert [f"{s.at:%d %H:%M}" for s in found] == times
    assert {s.audience for s in found} == {Audience.DISPATCHER}


def test_a_review_not_done_in_time_goes_to_the_supervisor() -> None:
    assert summarise(build_steps(Obligation.REVIEW, G, TUESDAY)) == [
        ("13 15:00", "review_overdue", "chat", "reviewer"),
        ("13 15:00", "review_overdue", "chat", "supervisor"),
    ]
    assert build_steps(Obligation.REVIEW, U, TUESDAY)[0].at == at("2026-10-13T09:30:00")


@pytest.mark.parametrize(("most", "numbers"), [(3, [1, 2, 2]), (2, [1, 2, 2]), (1, [1, 1]), (0, [])])
def test_reminders_are_capped_and_the_last_ones_stay(most: int, numbers: list[int]) -> None:
    settings = SETTINGS.with_changes({"remind.max_per_obligation": most})
    found = build_steps(Obligation.SIGN, G, TUESDAY, settings)
    assert [s.number for s in found if s.purpose is Purpose.REMIND] == numbers
    assert any(s.purpose is Purpose.NOTICE for s in found), "notices are no reminders"
    urgent = build_steps(Obligation.SIGN, U, TUESDAY, settings)
    assert [s.number for s in urgent if s.purpose is Purpose.REMIND] == [1, 2, 2], "urgent signing keeps its ladder"


@pytest.mark.proves("card.yellow_lead")
def test_the_yellow_lead_is_a_setting() -> None:
    found = build_steps(Obligation.CLOSE, G, TUESDAY, SETTINGS.with_changes({"card.yellow_lead": "2wd"}))
    assert found[0].at == at("2026-10-16T17:00:00")


def test_the_ladder_is_complete_on_and_after_the_last_days_of_the_calendar() -> None:
    found = build_steps(Obligation.CLOSE, G, at("2026-12-24T09:00:00"))
    assert found[-1].audience is Audience.LEADER
    assert found[-1].at == at("2027-01-01T08:30:00"), "office hours of reminders do not need the calendar, deadlines do"
    urgent = build_steps(Obligation.SIGN, U, at("2027-01-05T03:00:00"))
    assert (urgent[0].at, urgent[-1].audience) == (at("2027-01-05T04:00:00"), Audience.LEADER)


@pytest.mark.parametrize(
    ("moment", "message_at", "call_at"),
    [
        ("2026-10-13T10:00:00", "2026-10-13T10:00:00", "2026-10-13T10:00:00"),
        ("2026-10-13T12:00:00", "2026-10-13T13:30:00", "2026-10-13T13:30:00"),
        ("2026-10-13T17:00:00", "2026-10-13T17:00:00", "2026-10-14T08:30:00"),
        ("2026-10-13T17:00:01", "2026-10-14T08:30:00", "2026-10-14T08:30:00"),
        ("2026-10-09T21:00:00", "2026-10-10T08:30:00", "2026-10-10T08:30:00"),
        ("2026-10-10T21:00:00", "2026-10-12T08:30:00", "2026-10-12T08:30:00"),
    ],
)
def test_general_matters_wait_for_office_hours_and_urgent_ones_do_not(
    moment: str, message_at: str, call_at: str
) -> None:
    assert find_next_allowed(at(moment), G, SETTINGS, CALENDAR) == at(message_at)
    assert find_next_allowed(at(moment), G, SETTINGS, CALENDAR, for_call=True) == at(call_at)
    assert find_next_allowed(at(moment), U, SETTINGS, CALENDAR) == at(moment)


@pytest.mark.proves("notify.quiet", "office_hours")
def test_quiet_hours_apply_even_while_the_office_is_open() -> None:
    settings = SETTINGS.with_changes({"office_hours@U01": "00:00-24:00", "notify.quiet@U01": "21:00-07:00"})
    assert find_next_allowed(at("2026-10-13T22:00:00"), G, settings, CALENDAR, "U01") == at("2026-10-14T07:00:00")
    assert find_next_allowed(at("2026-10-13T20:30:00"), G, settings, CALENDAR, "U01") == at("2026-10-13T20:30:00")
    assert is_quiet_time(at("2026-10-13T22:00:00"), settings, "U01")
    assert not is_quiet_time(at("2026-10-13T20:30:00"), settings, "U01")
    never = SETTINGS.with_changes({"notify.quiet": "08:00-18:00"})
    with pytest.raises(Refused):
        find_next_allowed(at("2026-10-13T10:00:00"), G, never, CALENDAR)


@pytest.mark.proves("remind.merge_over")
def test_more_than_five_reminders_become_one_digest_and_urgent_ones_never_do() -> None:
    assert [should_merge(n, G, SETTINGS) for n in (5, 6)] == [False, True]
    assert not should_merge(50, U, SETTINGS)
    assert should_merge(3, G, SETTINGS.with_changes({"remind.merge_over": 2}))


@pytest.mark.parametrize(
    ("moment", "digest"),
    [
        ("2026-10-13T08:30:00", "2026-10-13T08:30:00"),
        ("2026-10-13T08:30:01", "2026-10-13T14:00:00"),
        ("2026-10-10T15:00:00", "2026-10-12T08:30:00"),
        ("2026-12-31T15:00:00", "2027-01-01T08:30:00"),
    ],
)
def test_digests_are_sent_twice_a_working_day(moment: str, digest: str) -> None:
    assert find_next_digest(at(moment), SETTINGS, CALENDAR) == at(digest)


@given(st.sampled_from(Obligation), st.sampled_from(Grade), moments)
def test_every_step_lies_between_the_start_of_its_duty_and_the_due_time_unless_it_is_a_notice(
    kind: Obligation, grade: Grade, start: datetime
) -> None:
    due = compute_deadline(kind, grade, Category.HELP, start, SETTINGS, CALENDAR)
    found = build_steps(kind, grade, start)
    assert list(found) == sorted(found, key=lambda s: s.at)
    for step in found:
        assert step.at >= start
        assert step.at >= due if step.purpose is Purpose.NOTICE else step.at < due
        if grade is G and step.channel is ReminderChannel.PHONE:
            assert find_next_allowed(step.at, G, SETTINGS, CALENDAR, for_call=True) == step.at
    limit = SETTINGS.integer("remind.max_per_obligation")
    assert max((s.number for s in found), default=0) <= limit
