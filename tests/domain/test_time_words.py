"""Times and numbers as they are written and spoken."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from backend.domain.spoken_time import format_time, speak_date, speak_time
from backend.domain.texts import Texts
from backend.domain.time_words import format_time_left, spell_tail

ZONE = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    """Return an instant in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


NOW = at("2026-10-13T09:00:00")


@pytest.mark.parametrize(
    ("moment", "zh", "en"),
    [
        ("2026-10-13T15:00:00", "今天下午三点", "today at 3 pm"),
        ("2026-10-14T10:30:00", "明天上午十点半", "tomorrow at 10:30 am"),
        ("2026-10-15T14:05:00", "后天下午两点零五分", "Thu 15 October at 2:05 pm"),
        ("2026-10-12T12:00:00", "昨天中午十二点", "yesterday at 12 pm"),
        ("2026-10-14T00:10:00", "明天凌晨零点十分", "tomorrow at 12:10 am"),
        ("2026-10-20T17:45:00", "十月二十日周二下午五点四十五分", "Tue 20 October at 5:45 pm"),
        ("2027-01-04T08:00:00", "二零二七年一月四日周一上午八点", "Mon 4 January 2027 at 8 am"),
    ],
)
def test_times_are_spoken_as_people_say_them(moment: str, zh: str, en: str) -> None:
    assert speak_time(at(moment), NOW) == zh
    assert speak_time(at(moment), NOW, "en") == en


def test_times_are_written_with_their_weekday() -> None:
    assert format_time(at("2026-10-10T17:00:00"), NOW) == "10月10日（周六）17:00"
    assert format_time(at("2026-10-10T17:00:00"), NOW, "en") == "Sat 10 October 17:00"
    assert format_time(at("2027-01-04T08:30:00"), NOW) == "2027年1月4日（周一）08:30"
    utc = at("2026-10-10T17:00:00").astimezone(UTC)
    assert format_time(utc, NOW, zone=ZONE) == "10月10日（周六）17:00"
    assert speak_date(at("2026-10-11T20:00:00"), NOW) == "前天"
    assert speak_date(at("2026-10-01T20:00:00"), NOW) == "十月一日周四"


def test_the_time_left_is_written_in_two_units() -> None:
    assert format_time_left(Texts(), timedelta(minutes=80)) == "1小时20分钟"
    assert format_time_left(Texts(), timedelta(hours=2)) == "2小时"
    assert format_time_left(Texts(), timedelta(days=2, hours=3, minutes=9)) == "2天3小时"
    assert format_time_left(Texts(), timedelta(minutes=45, seconds=59)) == "45分钟"
    assert format_time_left(Texts(), -timedelta(1)) == "已到时限"


def test_the_tail_of_a_ticket_number_is_spoken_digit_by_digit() -> None:
    assert spell_tail("JS-2026-110801") == "0 8 0 1"
    assert spell_tail("T1") == "T 1"
