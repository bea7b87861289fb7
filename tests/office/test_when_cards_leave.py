"""When the card of a new general ticket leaves: one rule of two settings, night, weekend and lunch alike (§6.3, XM18)."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.reminders import find_next_allowed
from backend.domain.ticket_enums import Grade, Obligation
from backend.office.cache import OfficeSnapshot
from backend.ports.office import OfficeConfig
from tests.time_and_chance import ZONE

PAGE = Path(__file__).parents[2] / "docs" / "clocks.zh.md"
DAYS = {"周二": 10, "周三": 11, "周六": 14, "周日": 15, "下周一": 16}  # of November 2026


def build_snapshot(settings: dict[str, str]) -> OfficeSnapshot:
    return OfficeSnapshot.build(OfficeConfig(1, settings=settings), "jilin", ZONE)


def parse_moment(written: str) -> datetime:
    day, clock = written.split()
    return datetime.combine(date(2026, 11, DAYS[day]), datetime.strptime(clock, "%H:%M").time(), ZONE)  # noqa: DTZ007


def read_examples() -> list[tuple[str, str, str]]:
    """The rows of the page's table: dispatched, limit of signing, sent."""
    found = []
    for when, limit, sent in re.findall(r"^  \| (周[^|]+) \| `(\w+)` \| ([^|]+) \|$", PAGE.read_text("utf-8"), re.M):
        found += [(one, limit, then) for one, then in zip(when.split("、"), sent.strip().split("、"), strict=False)]
    return found


def test_the_page_explains_the_rule_by_examples_XM18() -> None:
    assert len(read_examples()) >= 6


@pytest.mark.parametrize(("dispatched", "limit", "sent"), read_examples())
def test_the_examples_of_the_clock_page_hold_XM18(dispatched: str, limit: str, sent: str) -> None:
    snapshot, now = build_snapshot({"sign.general.limit": limit}), parse_moment(dispatched)
    due = snapshot.due(Obligation.SIGN, Grade.GENERAL, None, now, None)
    last = sent if " " in sent else f"{dispatched.split(maxsplit=1)[0]} {sent}"
    assert snapshot.earliest_notice(now, Grade.GENERAL, None, due) == parse_moment(last)


@given(
    st.integers(0, 14 * 24 * 60),
    st.sampled_from(["1wd", "2wd", "4wh", "1h", "4h", "12h", "24h"]),
    st.sampled_from(["20:00-08:00", "none", "12:00-14:00", "22:00-07:30"]),
    st.sampled_from(["08:30-11:30,13:30-17:00", "00:00-24:00", "09:00-18:00"]),
)
def test_a_general_card_waits_for_the_same_two_settings_at_any_hour_of_any_day_XM18(
    minutes: int, limit: str, quiet: str, hours: str
) -> None:
    snapshot = build_snapshot({"sign.general.limit": limit, "notify.quiet": quiet, "office_hours": hours})
    now = datetime(2026, 9, 28, tzinfo=ZONE) + timedelta(minutes=minutes)  # weekends, a festival, moved working days
    due = snapshot.due(Obligation.SIGN, Grade.GENERAL, None, now, None)
    sent = snapshot.earliest_notice(now, Grade.GENERAL, None, due)
    settings = snapshot.settings
    office = find_next_allowed(now, Grade.GENERAL, settings, snapshot.calendar)
    awake = settings.periods("notify.quiet").next_outside(now)
    assert sent == next((at for at in (office, awake) if at < due), now)
    assert snapshot.earliest_notice(now, Grade.URGENT, None, due) == now
