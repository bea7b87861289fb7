"""Settings in words: values as people read and write them, and what may be written; in files and the API they are codes."""

from collections.abc import Mapping
from typing import Any

from backend.domain.limits import Limit
from backend.domain.profiles import CHOOSING, load_profiles
from backend.domain.refusals import Refused
from backend.domain.scoring.scheme_file import list_scheme_ids, load_scheme
from backend.domain.settings_catalogue import SettingSpec, ValueKind, load_catalogue, split_list
from backend.domain.texts import Texts
from backend.domain.visit_days import DAY_WORDS

WORDS = "setting_value"
_FLAGS = ("true", "false")


def find_word(texts: Texts, row: SettingSpec, code: str) -> str:
    """Return the word of one code a setting may be or hold: its own, a scheme's or profile's, else one for all; "" if none."""
    for key in (row.key, row.inherits):
        if key and texts.has(f"word.{WORDS}.{key}.{code}"):
            return texts.get_word(WORDS, f"{key}.{code}")
    if row.key == CHOOSING and code in row.items:
        return load_profiles()[code].name[texts.language]
    if code in list_scheme_ids():
        return word_scheme(texts, code)
    return texts.get_word(WORDS, f"any.{code}") if texts.has(f"word.{WORDS}.any.{code}") else ""


def word_scheme(texts: Texts, scheme: str) -> str:
    """Return what a scheme is called; one whose file is gone by its id."""
    if scheme not in list_scheme_ids():
        return scheme
    found = load_scheme(scheme)
    return found.title.get(texts.language, found.name)


def list_codes(row: SettingSpec) -> tuple[str, ...]:
    """Return the codes a value may be or hold, in the catalogue's order."""
    more = {ValueKind.FLAG: _FLAGS, ValueKind.QUIET: ("none",), ValueKind.DAYS: DAY_WORDS}.get(row.kind, ())
    return (*row.words, *row.items, *more)


def write_value(texts: Texts, row: SettingSpec, value: str) -> str:
    """Return a value as people write it: its codes in words, times and numbers as they are."""
    codes = list_codes(row)
    if row.kind not in (ValueKind.LIST, ValueKind.DAYS):
        return (find_word(texts, row, value) or value) if value in codes else value
    parts = split_list(value)
    comma = texts.render("console.settings_page.comma")
    return comma.join((find_word(texts, row, one) or one) if one in codes else one for one in parts)


def read_value(texts: Texts, row: SettingSpec, written: str) -> str:
    """Return what people wrote with words turned into codes; what is neither stays, for the catalogue to refuse."""
    codes = {find_word(texts, row, code): code for code in list_codes(row)}
    parts = split_list(written) if row.kind in (ValueKind.LIST, ValueKind.DAYS) else [written.strip()]
    return ",".join(codes.get(one, one) for one in parts)


def word_value(texts: Texts, key: str, value: str) -> str:
    """Return a value for reading: as people write it, and spans of time in words. An unknown key's stays as it is."""
    row = load_catalogue().get(key.partition("@")[0])
    if row is None:
        return value
    if row.kind is ValueKind.LIMIT and value not in row.words:
        try:
            limit = Limit.parse(value)
        except Refused:  # of an earlier version
            return value
        return texts.render("bulletin.limit", amount=limit.amount, unit=texts.get_word("limit_unit", str(limit.unit)))
    return write_value(texts, row, value)


def word_allowed(texts: Texts, row: SettingSpec) -> str:
    """Return what may be written, in words."""
    words = [find_word(texts, row, code) or code for code in list_codes(row)]
    if row.kind in (ValueKind.CHOICE, ValueKind.FLAG) or (row.kind is ValueKind.LIST and row.items):
        return texts.render("console.settings_page.comma").join(words)
    form = texts.render(
        f"word.setting_form.{row.kind}",
        low=row.low,
        high=row.high,
        units=texts.render("console.settings_page.comma").join(_word_units(texts, row)),
    )
    return texts.render("console.settings_page.or").join((*words, form))


def _word_units(texts: Texts, row: SettingSpec) -> list[str]:
    return [f"{unit} {texts.get_word('limit_name', str(unit))}" for unit in row.units]


def word_facts(texts: Texts, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a refusal with its setting named as on the page: the label, and in words what may be written."""
    row = load_catalogue().get(str(facts.get("key", "")).partition("@")[0])
    if row is None:
        return dict(facts)
    named = {**facts, "key": row.label}
    return {**named, "allowed": word_allowed(texts, row)} if facts.get("allowed") == row.allowed else named
