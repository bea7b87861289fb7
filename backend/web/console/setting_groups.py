"""Groups the settings for the settings page, each with options, default and whether the office changed it."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.domain.settings import Settings, SettingSpec, ValueKind, load_catalogue
from backend.domain.texts import Texts


@dataclass(frozen=True, slots=True)
class SettingView:
    """A setting on the page. `options` are value → word, empty for free text."""

    row: SettingSpec
    value: str
    default: str
    follows: str  # label of the setting it inherits from while unset
    changed: bool
    options: Mapping[str, str]
    of_units: tuple[tuple[str, str], ...]  # unit → its own value


@dataclass(frozen=True, slots=True)
class SettingGroup:
    """A group with its settings."""

    name: str
    rows: tuple[SettingView, ...]
    open: bool

    @property
    def changed(self) -> int:
        """How many of them the office has set."""
        return sum(one.changed or bool(one.of_units) for one in self.rows)


def group_settings(settings: Settings, texts: Texts, search: str = "", opened: str = "") -> list[SettingGroup]:
    """Return all groups in catalogue order; with `asked` only settings whose names contain all its words, all open."""
    defaults = Settings({"profile": settings.get("profile")}).to_dict()
    wanted = search.casefold().split()
    found: dict[str, list[SettingView]] = {}
    for key, row in load_catalogue().items():
        name = f"{row.label} {key} {texts.get_word_or_value('setting_group', row.group)}".casefold()
        if all(word in name for word in wanted):
            found.setdefault(row.group, []).append(_build_view(settings, row, defaults[key], texts))
    return [SettingGroup(name, tuple(rows), bool(wanted) or name == opened) for name, rows in found.items()]


def _build_view(settings: Settings, row: SettingSpec, default: str, texts: Texts) -> SettingView:
    own = settings.overrides
    follows = load_catalogue()[row.inherits].label if row.inherits else ""
    units = tuple((key.partition("@")[2], value) for key, value in own.items() if key.startswith(f"{row.key}@"))
    return SettingView(row, settings.get(row.key), default, follows, row.key in own, _list_options(row, texts), units)


def _list_options(row: SettingSpec, texts: Texts) -> dict[str, str]:
    if row.kind is ValueKind.FLAG:
        return {"true": texts.render("console.yes"), "false": texts.render("console.no")}
    return {item: item for item in (*row.words, *row.items)} if row.kind is ValueKind.CHOICE else {}
