"""Parsers of single fields: a cell becomes a clean value or a refusal with its code (FF8, FF9).

A parser gets a value that is not blank and the context of the file; it returns the clean value or raises
Refused(code, **facts). Blank cells never reach a parser.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from backend.domain.masking import clean
from backend.domain.refusals import Refused
from backend.office.phone_numbers import normalise_phone
from backend.tickets.cell_values import EPOCH_1900, YES_NO, YES_NO_HINT, CellError, fold, serial_to_datetime

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class FileContext:
    """What cells are read against: the zone of times without one, day 0 of date serials, callable countries."""

    zone: ZoneInfo = SHANGHAI
    epoch: datetime = EPOCH_1900
    countries: tuple[str, ...] = ("CN",)


#: What stands between ticket numbers, besides blanks.
_SEPARATORS: Final = str.maketrans(dict.fromkeys("，、,;；", " "))
FieldParser = Callable[[object, FileContext], object]

#: Longest text of a demand or a reply, in characters; more is `too_long` (FF2).
TEXT_MAX: Final = 65_000
_SERIALS: Final = range(18_264, 73_051)  # 1950-01-01 .. 2100-01-01 in the 1900 base
_YEARS: Final = range(1949, 2200)
_DATE: Final = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:[T\s]*(上午|中午|下午|晚上|AM|PM)?\s*(\d{1,2})\s*[:时点]\s*(\d{1,2})?\s*分?\s*:?\s*(?:(\d{1,2})(?:[.,]\d{1,9})?\s*秒?)?"
    r"\s*(AM|PM)?)?\s*(Z|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
_COMPACT: Final = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d)?)?")
_BLANKS: Final = re.compile(r"\s+")
_DECIMAL_SERIAL: Final = re.compile(r"\d{5}(?:\.\d{1,15})?")


def _as_text(value: object) -> str:
    """Return a cell as the text a person sees in it."""
    if isinstance(value, str):
        return value
    if isinstance(value, CellError):
        raise Refused("formula_error", value=value.text)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(" ").removesuffix(" 00:00:00")
    if isinstance(value, (dict, list)):
        raise Refused("bad_value")
    return str(value)


def clean_text(value: object, limit: int, *, multiline: bool = False) -> str:
    """Clean text for storage: NFC, trimmed, no control or direction characters; one line unless `lines`.

    Raises Refused `bad_character` for NUL, lone surrogates and U+FFFD (the file is damaged), `too_long`.
    """
    text = _as_text(value)
    if not text.isascii() or "\0" in text:
        if "\0" in text or "\ufffd" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
            raise Refused("bad_character")
        text = unicodedata.normalize("NFC", text)
    text = clean(text).strip()
    if not multiline:
        text = _BLANKS.sub(" ", text)
    if len(text) > limit:
        raise Refused("too_long", limit=limit, length=len(text))
    return text


def text_parser(limit: int, *, multiline: bool = False) -> FieldParser:
    """Build a parser of text of at most `limit` characters."""

    def read(value: object, _: FileContext) -> str:
        return clean_text(value, limit, multiline=multiline)

    return read


def parse_code(value: object, _: FileContext) -> str:
    """Parse an identifying number or code: one word, at most 64 characters. Raises Refused `bad_code`, `too_long`."""
    found = unicodedata.normalize("NFKC", clean_text(value, 64))
    if " " in found or found.startswith("."):
        raise Refused("bad_code")
    return found


def enum_parser(table: Mapping[str, StrEnum]) -> FieldParser:
    """Build a parser of enum values by any accepted spelling; it raises Refused `bad_word` with the words allowed."""
    words = {entry: known for known, entry in reversed([*table.items()]) if not known.isascii()}  # the first of each
    allowed = "、".join(reversed(words.values()))

    def read(value: object, _: FileContext) -> StrEnum:
        spelling = _as_text(value)
        found = table.get(spelling) or table.get(fold(spelling))
        if found is None:
            raise Refused("bad_word", value=clean_text(spelling[:24], 24), allowed=allowed)
        return found

    return read


def word_parser(table: Mapping[str, str]) -> FieldParser:
    """Build a parser of words that a setting may add to: a known spelling becomes its word, another stays as it is."""

    def read(value: object, _: FileContext) -> str:
        spelling = clean_text(_as_text(value), 40)
        return str(table.get(spelling) or table.get(fold(spelling)) or spelling)

    return read


def parse_yes_no(value: object, _: FileContext) -> bool:
    """Parse 是/否, yes/no, 1/0, true/false. Raises Refused `bad_word`."""
    if isinstance(value, bool):
        return value
    found = YES_NO.get(fold(_as_text(value)))
    if found is None:
        raise Refused("bad_word", value=clean_text(_as_text(value)[:24], 24), allowed=YES_NO_HINT)
    return found


def integer_parser(low: int, high: int) -> FieldParser:
    """Build a parser of integers from `low` to `high`; it raises Refused `bad_number`."""

    def read(value: object, _: FileContext) -> int:
        try:
            number = Decimal(unicodedata.normalize("NFKC", _as_text(value)).strip())
            if number == number.to_integral_value() and low <= number <= high:
                return int(number)
        except InvalidOperation:
            pass
        raise Refused("bad_number", low=low, high=high)

    return read


def decimal_parser(low: str, high: str) -> FieldParser:
    """Build a parser of exact decimals from `low` to `high`; it raises Refused `bad_number`."""

    def read(value: object, _: FileContext) -> Decimal:
        try:
            number = Decimal(unicodedata.normalize("NFKC", _as_text(value)).strip())
            if number.is_finite() and Decimal(low) <= number <= Decimal(high):
                return number
        except InvalidOperation:
            pass
        raise Refused("bad_number", low=low, high=high)

    return read


def parse_phone(value: object, context: FileContext) -> str:
    """Parse a callable number to E.164, with its extension (if any) after `;ext=`. Raises Refused `bad_phone` (FF8)."""
    number = normalise_phone(
        _as_text(value) if not isinstance(value, (int, float)) else value, countries=context.countries
    )
    return number.e164 if number.extension is None else f"{number.e164};ext={number.extension}"


def parse_instant(value: object, context: FileContext) -> datetime:
    """Parse an aware instant: ISO 8601, 2020/1/2 10:05:12, 2020年1月2日, date serials; local if without an offset.

    Raises Refused `bad_date` for days that do not exist, two-digit years and anything else.
    """
    if isinstance(value, str):
        return _instant_from_text(value, context)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=context.zone)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not isinstance(value, float) and 19_000_101 <= value <= 21_991_231:
            return _instant_from_text(str(value), context)
        return _instant_from_serial(value, context)
    raise Refused("bad_date", value=_as_text(value))


def _instant_from_serial(number: float, context: FileContext) -> datetime:
    shift = 0 if context.epoch.year < 1904 else 1462
    if not _SERIALS.start <= number + shift < _SERIALS.stop:  # NaN fails this as well
        raise Refused("bad_date", value=f"{number:.6g}" if isinstance(number, float) else "")
    return serial_to_datetime(float(number), context.epoch).replace(tzinfo=context.zone)


def _instant_from_text(raw_text: str, context: FileContext) -> datetime:
    if len(raw_text) >= 19 and raw_text[4] == "-" == raw_text[7] and raw_text.isascii():
        try:
            found = datetime.fromisoformat(raw_text)
        except ValueError:
            pass
        else:
            if found.year in _YEARS:
                return found if found.tzinfo else found.replace(tzinfo=context.zone)
    plain = unicodedata.normalize("NFKC", raw_text).strip().strip("'")
    excerpt = clean(plain)[:30]
    hit = _DATE.fullmatch(plain) or _COMPACT.fullmatch(plain)
    try:
        if hit is None:
            if _DECIMAL_SERIAL.fullmatch(plain):
                return _instant_from_serial(float(plain), context)
            raise ValueError
        if hit.re is _COMPACT:
            return datetime(*(int(part or 0) for part in hit.groups()), tzinfo=context.zone)  # type: ignore[misc,arg-type]
        year, month, day, before, hour, minute, second, after, offset = hit.groups()
        if int(year) not in _YEARS:
            raise ValueError
        return datetime(
            int(year), int(month), int(day), _parse_hour(hour, before or after), int(minute or 0), int(second or 0),
            tzinfo=_parse_zone(offset, context),
        )  # fmt: skip
    except ValueError:
        raise Refused("bad_date", value=excerpt) from None


def _parse_hour(hour: str | None, half: str | None) -> int:
    number = int(hour or 0)
    if half is None:
        return number
    late = half.upper() in ("下午", "晚上", "PM") or (half == "中午" and number < 3)
    if number > 12:
        return number if late else 24  # 上午 15:00 is not a valid time
    return number % 12 + 12 if late else (number % 12 if half.upper() == "AM" else number)


def _parse_zone(offset: str | None, context: FileContext) -> ZoneInfo | timezone:
    if offset is None:
        return context.zone
    if offset in ("Z", "z"):
        return timezone.utc  # noqa: UP017 - the annotation and the value should read alike
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    return timezone(timedelta(minutes=minutes if offset[0] == "+" else -minutes))


def parse_day(value: object, context: FileContext) -> date:
    """Parse a calendar day. Raises Refused `bad_date`, also when a time of day is written."""
    try:
        found = parse_instant(value, context)
    except Refused as no:
        raise Refused(no.code, **no.facts, whole_day=True) from no
    if found.timetz().replace(tzinfo=None) != time():
        raise Refused("bad_date", value=f"{found:%Y-%m-%d %H:%M}", whole_day=True)
    return found.date()


def parse_month(value: object, context: FileContext) -> str:
    """Parse a month to 2026-10, from 2026-10, 2026/10, 2026年10月, 202610 or a date in it. Raises Refused `bad_month`."""
    raw_text = unicodedata.normalize("NFKC", _as_text(value)).strip()
    hit = re.fullmatch(r"(20\d\d)\s*[-/.年]?\s*(\d{1,2})\s*月?(?:份)?", raw_text)
    if hit is None:
        try:
            found = parse_instant(value, context)
        except Refused:
            raise Refused("bad_month", value=clean(raw_text)[:24]) from None
        return f"{found:%Y-%m}"
    if not 1 <= int(hit[2]) <= 12:
        raise Refused("bad_month", value=raw_text[:24])
    return f"{hit[1]}-{int(hit[2]):02d}"


def parse_key_subject(value: object, _: FileContext) -> str:
    """Parse 证书“颁发给”全文, trimmed. Raises Refused `bad_key_subject` when it has fewer than three @ (A40)."""
    subject = clean_text(value, 500)
    extract_key_name(subject)
    return subject


def extract_key_name(subject: str) -> str:
    """Return the 密钥名称: the part between the second and the third @ (A40). Raises Refused `bad_key_subject`."""
    parts = subject.replace("＠", "@").split("@")
    if len(parts) < 4 or not parts[2].strip():
        raise Refused("bad_key_subject", count=len(parts) - 1)
    return parts[2].strip()


def split_ticket_numbers(text: str) -> list[str]:
    """Split ticket numbers a person typed, at blanks, commas or semicolons, Chinese or Western."""
    return text.translate(_SEPARATORS).split()


def parse_ticket_numbers(value: object, _: FileContext) -> tuple[str, ...]:
    """Parse a cell of ticket numbers."""
    return tuple(dict.fromkeys(split_ticket_numbers(_as_text(value))))
