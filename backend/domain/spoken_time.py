"""Times as people write and say them, in Chinese and English: the only code that contains words for time."""

from collections.abc import Mapping
from datetime import date, datetime, tzinfo

_WEEKDAYS: Mapping[str, tuple[str, ...]] = {
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_NEAR: Mapping[str, Mapping[int, str]] = {
    "zh": {-2: "前天", -1: "昨天", 0: "今天", 1: "明天", 2: "后天"},
    "en": {-1: "yesterday", 0: "today", 1: "tomorrow"},
}
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_DIGITS = "零一二三四五六七八九"
#: Part of the day from its first hour.
_PARTS = ((0, "凌晨"), (6, "早上"), (8, "上午"), (12, "中午"), (13, "下午"), (18, "晚上"))


def format_time(at: datetime, now: datetime, language: str = "zh", zone: tzinfo | None = None) -> str:
    """Return `10月10日（周六）17:00` / `Sat 10 October 17:00`; the year is added if it is not this one.

    Both are shown in `zone`, by default that of `at`.
    """
    here, today = _local(at, now, zone)
    weekday = _WEEKDAYS[language][here.weekday()]
    if language == "zh":
        year = "" if here.year == today.year else f"{here.year}年"
        return f"{year}{here.month}月{here.day}日（{weekday}）{here:%H:%M}"
    year = "" if here.year == today.year else f" {here.year}"
    return f"{weekday} {here.day} {_MONTHS[here.month - 1]}{year} {here:%H:%M}"


def speak_time(at: datetime, now: datetime, language: str = "zh", zone: tzinfo | None = None) -> str:
    """Return `今天下午三点`, `明天上午十点半`, `十月十日周六下午五点` / `today at 3 pm`; for the telephone."""
    here, today = _local(at, now, zone)
    clock = _speak_clock(here) if language == "zh" else _speak_clock_en(here)
    day = speak_date(here, today, language)
    return f"{day}{clock}" if language == "zh" else f"{day} at {clock}"


def speak_date(at: datetime, now: datetime, language: str = "zh", zone: tzinfo | None = None) -> str:
    """Return `昨天`, `十月十日周六` / `yesterday`, `Saturday…`: the day alone, relative if near."""
    here, today = _local(at, now, zone)
    near = _NEAR[language].get((here.date() - today.date()).days)
    if near is not None:
        return near
    return _speak_day(here.date(), today.year) if language == "zh" else _speak_day_en(here.date(), today.year)


def speak_number(value: int) -> str:
    """Return a number from 0 to 99 in words: 十, 二十五."""
    tens, ones = divmod(value, 10)
    if tens == 0:
        return _DIGITS[ones]
    return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")


def _local(at: datetime, now: datetime, zone: tzinfo | None) -> tuple[datetime, datetime]:
    if at.tzinfo is None or now.tzinfo is None:
        raise ValueError("aware datetimes only")
    zone = zone or at.tzinfo
    return at.astimezone(zone), now.astimezone(zone)


def _speak_day(day: date, this_year: int) -> str:
    year = "" if day.year == this_year else "".join(_DIGITS[int(digit)] for digit in str(day.year)) + "年"
    return f"{year}{speak_number(day.month)}月{speak_number(day.day)}日{_WEEKDAYS['zh'][day.weekday()]}"


def _speak_day_en(day: date, this_year: int) -> str:
    year = "" if day.year == this_year else f" {day.year}"
    return f"{_WEEKDAYS['en'][day.weekday()]} {day.day} {_MONTHS[day.month - 1]}{year}"


def _speak_clock(at: datetime) -> str:
    part = next(word for hour, word in reversed(_PARTS) if at.hour >= hour)
    hour = at.hour - 12 if at.hour > 12 else at.hour
    spoken_hour = "两" if hour == 2 else speak_number(hour)
    minute = {0: "", 30: "半"}.get(at.minute)
    if minute is None:
        minute = ("零" if at.minute < 10 else "") + speak_number(at.minute) + "分"
    return f"{part}{spoken_hour}点{minute}"


def _speak_clock_en(at: datetime) -> str:
    minute = f":{at.minute:02}" if at.minute else ""
    return f"{at.hour % 12 or 12}{minute} {'am' if at.hour < 12 else 'pm'}"
