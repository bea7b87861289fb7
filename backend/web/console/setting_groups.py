"""Groups the settings for the settings page, each with options, default and whether the office changed it."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.domain.setting_checks import find_partner
from backend.domain.setting_words import find_word, list_codes, word_allowed, word_value, write_value
from backend.domain.settings import Settings, SettingSpec, ValueKind, load_catalogue
from backend.domain.texts import Texts


@dataclass(frozen=True, slots=True)
class SettingView:
    """A setting on the page. `options` are value → word, empty for free text."""

    row: SettingSpec
    value: str
    written: str  # as people write it, with words for codes
    shown: str  # as people read it
    default: str  # as people read it
    of_profile: str  # name of the profile its default is from, "" for a general one
    follows: str  # label of the setting it inherits from while unset
    changed: bool  # whether it is another than the default
    allowed: str
    options: Mapping[str, str]
    of_units: tuple[tuple[str, str], ...]  # unit → its own value
    partner: tuple[str, str] | None  # label and value of the one that must be changed with it


@dataclass(frozen=True, slots=True)
class SettingGroup:
    """A group with its settings."""

    name: str
    rows: tuple[SettingView, ...]
    open: bool

    @property
    def changed(self) -> int:
        """How many of them the office has changed."""
        return sum(one.changed or bool(one.of_units) for one in self.rows)


def group_settings(settings: Settings, texts: Texts, search: str = "", opened: str = "") -> list[SettingGroup]:
    """Return all groups in catalogue order; with `search` only settings whose names contain all its words, all open."""
    defaults = _list_defaults(settings)
    wanted = search.casefold().split()
    found: dict[str, list[SettingView]] = {}
    for key, row in load_catalogue().items():
        name = f"{row.label} {key} {texts.get_word_or_value('setting_group', row.group)}".casefold()
        if all(word in name for word in wanted):
            found.setdefault(row.group, []).append(_build_view(settings, row, defaults[key], texts))
    return [SettingGroup(name, tuple(rows), bool(wanted) or name == opened) for name, rows in found.items()]


def _list_defaults(settings: Settings) -> dict[str, str]:
    """Return what each setting would be without its own value: of the profile, or what it follows as that is now."""
    usual = Settings({"profile": settings.get("profile")}).to_dict()
    rows = load_catalogue()
    followed = {key: settings.get(row.inherits) for key, row in rows.items() if row.inherits is not None}
    return {**usual, **followed, "profile": rows["profile"].default or ""}


def _build_view(settings: Settings, row: SettingSpec, default: str, texts: Texts) -> SettingView:
    own, value = settings.overrides, settings.get(row.key)
    follows = load_catalogue()[row.inherits].label if row.inherits else ""
    of_profile = settings.profile.name[texts.language] if row.key in settings.profile.settings else ""
    units = tuple(
        (key.partition("@")[2], word_value(texts, row.key, v))
        for key, v in own.items()
        if key.startswith(f"{row.key}@")
    )
    other = find_partner(row.key)
    partner = (load_catalogue()[other].label, settings.get(other)) if other else None
    return SettingView(
        row, value, write_value(texts, row, value), word_value(texts, row.key, value), word_value(texts, row.key, default),
        of_profile, follows, value != default, word_allowed(texts, row), _list_options(row, texts), units, partner,
    )  # fmt: skip


def _list_options(row: SettingSpec, texts: Texts) -> dict[str, str]:
    is_choice = row.kind in (ValueKind.FLAG, ValueKind.CHOICE)
    return {code: find_word(texts, row, code) or code for code in list_codes(row)} if is_choice else {}
