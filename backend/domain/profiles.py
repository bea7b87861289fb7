"""Profiles: what an office of one kind sets in place of the general defaults. What may be chosen is what files there are."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from backend.domain.refusals import Refused
from backend.domain.setting_checks import refuse_nonsense
from backend.domain.settings_catalogue import list_profile_ids, load_catalogue, parse_value
from backend.domain.texts import list_languages

CHOOSING = "profile"  # the setting that names the profile; no profile may set it
_WORDS = ("name", "basis")
_SETTINGS = "settings"
_WHY = ("longest", "low", "high", "one", "other", "total")  # facts that say what a value does not agree with


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile. `name` and `basis`, the document it follows (A1, A29), are language → words."""

    name: Mapping[str, str]
    basis: Mapping[str, str]
    settings: Mapping[str, str]  # key → value, in its normal form


@cache
def load_profiles() -> Mapping[str, Profile]:
    """Return every profile by id. Refused as by `parse_profile` if any file is wrong, so that nobody starts on half of one."""
    return {name: parse_profile(name, _read_file(name)) for name in list_profile_ids()}


def parse_profile(name: str, content: bytes) -> Profile:
    """Parse the file of a profile; a byte order mark, as some editors write it, is ignored.

    Refused, with the `file`: `profile_malformed`, `profile_unknown_key` (and the keys `near` it), `profile_incomplete`,
    `profile_bad_value` (and the `choices`).
    """
    file = f"data/profiles/{name}.toml"
    try:
        table = tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise Refused("profile_malformed", file=file, syntax=str(wrong)) from None
    for key in table.keys() - {*_WORDS, _SETTINGS}:
        raise Refused("profile_unknown_key", file=file, unknown=key)
    words = {key: _parse_words(file, key, table.get(key, {})) for key in _WORDS}
    return Profile(**words, settings=_parse_settings(file, table.get(_SETTINGS, {})))


def _parse_words(file: str, key: str, written: object) -> Mapping[str, str]:
    """Return what each language says. Refused `profile_incomplete` if one says nothing."""
    said = written if isinstance(written, Mapping) else {}
    for language in list_languages():
        if not (isinstance(said.get(language), str) and said[language].strip()):
            raise Refused("profile_incomplete", file=file, missing=f"{key}.{language}")
    return dict(said)


def _parse_settings(file: str, written: object) -> Mapping[str, str]:
    """Return the settings, each as a person's would be read. Refused as by `parse_profile`."""
    if not isinstance(written, Mapping):
        raise Refused("profile_incomplete", file=file, missing=_SETTINGS)
    catalogue, found = load_catalogue(), {}
    for key, value in written.items():
        if key not in catalogue or key == CHOOSING:
            near = "、".join(get_close_matches(key, catalogue.keys() - {CHOOSING}, n=2))
            raise Refused("profile_unknown_key", file=file, unknown=key, near=near)
        try:
            found[key] = parse_value(key, value)
        except Refused:
            raise refuse_value(file, key, value) from None
    for key, row in catalogue.items():
        if row.is_of_profile and key not in found:
            raise Refused("profile_incomplete", file=file, missing=key)
    together = {key: row.default for key, row in catalogue.items() if row.default is not None} | found
    for key, value in found.items():
        try:
            refuse_nonsense(key, value, together)
        except Refused as no:
            raise refuse_value(
                file, key, value, **{name: no.facts[name] for name in _WHY if name in no.facts}
            ) from None
    return found


def refuse_value(file: str, key: str, value: object, **facts: object) -> Refused:
    """Return the refusal of one value in the file of a profile."""
    allowed = load_catalogue()[key].allowed
    return Refused("profile_bad_value", file=file, setting=key, wrong=f'"{value}"', choices=allowed, **facts)


def read_profile(name: str) -> Profile:
    """Return one profile. Refused `unknown_profile`, with the ids that there are, and as by `load_profiles`."""
    if name not in list_profile_ids():
        raise Refused("unknown_profile", profile=name[:60], known="、".join(list_profile_ids()))
    return load_profiles()[name]


def _read_file(name: str) -> bytes:
    return (files("backend") / "data" / "profiles" / f"{name}.toml").read_bytes()
