"""Normalises telephone numbers as people write them to E.164, or refuses them (FF8, FW31)."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from backend.domain.masking import mask_phone
from backend.domain.refusals import Refused
from backend.domain.typed_numbers import read_typed
from backend.office.cache import OfficeSnapshot

_MOBILE: Final = re.compile(r"1[3-9]\d{9}")
_SCIENTIFIC: Final = re.compile(r"\d(?:\.\d+)?[eE]\+?\d{1,2}")
_EXTENSION: Final = re.compile(r"(?:转接?|分机号?|ext\.?|extension|x|#|-{2})\s*[::]?\s*(\d{1,6})$", re.IGNORECASE)
_DASHED_EXTENSION: Final = re.compile(r"^(\(?0\d{2,3}\)?[-\s]*\d{7,8})-(\d{1,6})$")
_PLAIN: Final = re.compile(r"[+\d\s().\-·‐‑–—−]+")
_SEVERAL: Final = re.compile(r"\d{7}[^\d]*[/、,;|和或\n][^\d]*\+?\d{7}")


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number that can be dialled: `e164` such as +8613800001234, and the extension to dial after it, if any."""

    e164: str
    extension: str | None = None


def normalise_phone(raw: Any, *, countries: Collection[str] = ("CN",)) -> PhoneNumber:
    """Parse a number with full-width digits, +86, spaces, dashes, a lost leading zero, an extension, or as a float.

    `countries` are ISO codes that may be called; numbers without a prefix belong to the first one. Raises
    Refused `bad_phone` with `reason` of: empty, letters, lost_digits, several, short_code, invalid, country, premium.
    """
    text = _clean(raw)
    if _MOBILE.fullmatch(text) and "CN" in countries and _is_mobile_segment(text[:5]):
        return PhoneNumber("+86" + text)
    return _parse(text, tuple(countries))


def check_countries(codes: Collection[str]) -> None:
    """Refused `unknown_country` for what is not the ISO code of a country or region with telephone numbers."""
    import phonenumbers

    for code in codes:
        if code not in phonenumbers.SUPPORTED_REGIONS:
            raise Refused("unknown_country", value=code[:40])


def find_short_code(raw: Any, *, country: str = "CN") -> str | None:
    """Return the digits of a short code such as 12345 or 110, which cannot be called back; else None."""
    import phonenumbers

    text = _clean(raw)
    if not text.isdigit() or len(text) > 6:
        return None
    number = phonenumbers.PhoneNumber(country_code=_calling_code(country), national_number=int(text))
    return text if phonenumbers.is_valid_short_number_for_region(number, country) else None


def _calling_code(country: str) -> int:
    import phonenumbers

    return int(phonenumbers.country_code_for_region(country))


def _clean(raw: Any) -> str:
    if isinstance(raw, bool) or raw is None:
        raise Refused("bad_phone", reason="empty")
    if isinstance(raw, float):
        if not raw.is_integer():
            raise Refused("bad_phone", reason="lost_digits")
        raw = int(raw)
    text = read_typed(str(raw)).strip("'\" ")
    if _SCIENTIFIC.fullmatch(text):
        return _from_scientific(text)
    return text.removesuffix(".0")


def _from_scientific(text: str) -> str:
    """Expand scientific notation: 1.3800001234E+10 has all its digits; 1.38E+10 has lost eight of them."""
    mantissa, _, exponent = text.upper().partition("E")
    if len(mantissa.partition(".")[2]) < int(exponent):
        raise Refused("bad_phone", reason="lost_digits")
    try:
        return str(int(Decimal(text)))
    except InvalidOperation as bad:
        raise Refused("bad_phone", reason="invalid") from bad


@lru_cache(maxsize=16_384)
def _is_mobile_segment(segment: str) -> bool:
    """Whether mainland mobile numbers with these first five digits exist."""
    import phonenumbers

    number = phonenumbers.PhoneNumber(country_code=86, national_number=int(segment + "000000"))
    return bool(phonenumbers.is_valid_number_for_region(number, "CN"))


@lru_cache(maxsize=8192)
def _parse(text: str, countries: tuple[str, ...]) -> PhoneNumber:
    import phonenumbers

    if not text:
        raise Refused("bad_phone", reason="empty")
    if _SEVERAL.search(text):
        raise Refused("bad_phone", reason="several")
    extension = None
    if found := _DASHED_EXTENSION.match(text):
        text, extension = found[1], found[2]
    elif found := _EXTENSION.search(text):
        text, extension = text[: found.start()].rstrip(" -,("), found[1]
    if not _PLAIN.fullmatch(text):
        raise Refused("bad_phone", reason="letters")
    home_country = countries[0] if countries else "CN"
    if find_short_code(text, country=home_country):
        raise Refused("bad_phone", reason="short_code")
    try:
        number = phonenumbers.parse(text, home_country)
    except phonenumbers.NumberParseException as bad:
        raise Refused("bad_phone", reason="invalid") from bad
    if not phonenumbers.is_valid_number(number):
        raise Refused("bad_phone", reason="invalid")
    if phonenumbers.region_code_for_number(number) not in countries:
        raise Refused("bad_phone", reason="country")
    if phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.PREMIUM_RATE:
        raise Refused("bad_phone", reason="premium")
    return PhoneNumber(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), extension)


def to_callable_number(phone: str | None, snapshot: OfficeSnapshot) -> str | None:
    """Return the number in E.164 if it may be called (allowed country, no premium number, FW31), else None."""
    try:
        return normalise_phone(phone, countries=snapshot.settings.strings("calls.countries")).e164
    except Refused:
        return None


def mask_number(number: str, snapshot: OfficeSnapshot) -> str:
    """Mask a number for display."""
    return mask_phone(number, snapshot.settings.text("privacy.phone_mask"))
