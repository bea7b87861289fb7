"""Change settings and create API keys: validated, stored, audited."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from backend.domain.profiles import CHOOSING, read_profile, refuse_value
from backend.domain.refusals import Refused
from backend.domain.setting_checks import refuse_nonsense
from backend.domain.settings import Settings
from backend.domain.settings_catalogue import split_list
from backend.office.cache import OfficeCache
from backend.office.phone_numbers import check_countries
from backend.ports.integrity import AuditStore
from backend.ports.office import SettingVersion

COUNTRIES = "calls.countries"


async def set_setting(
    office: OfficeCache,
    audit: AuditStore,
    key: str,
    unit: str | None,
    value: str,
    by: str,
    from_at: datetime | None = None,
    together: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Store a new version of a setting (`KEY` or `KEY@UNIT`); return its normalised value.

    `together` are settings that only make sense changed with it, key → value; all are stored or none.
    Refused `unknown_setting`, `not_per_unit`, `bad_setting`, `unknown_unit`, `unknown_country` and as `refuse_nonsense`.
    """
    key, _, named = key.partition("@")
    unit = unit or named or None
    snapshot = await office.snapshot(fresh=True)
    if unit is not None and unit not in snapshot.config.units:
        raise Refused("unknown_unit", unit=unit)
    full = key if unit is None else f"{key}@{unit}"
    changed = snapshot.settings.with_changes({**together, full: value})
    refuse_settings({**together, full: value}, changed)
    now = office.clock.now()
    written = {name: changed.overrides[name] for name in (full, *together)}
    versions = [
        SettingVersion(name.partition("@")[0], name.partition("@")[2] or None, text, from_at or now, by, now)
        for name, text in written.items()
    ]
    await office.store.add_version(*versions)
    for name, text in written.items():
        await audit.record(now, by, "setting", name, value=text)
    office.invalidate()
    return written[full]


def refuse_settings(names: Iterable[str], changed: Settings) -> None:
    """Check newly written settings beside all `changed` ones. Refused `unknown_country` and as `refuse_nonsense`."""
    for name in names:
        written = changed.overrides.get(name) or changed.get(name)
        refuse_nonsense(name, written, changed.to_dict())
        if name == COUNTRIES:
            check_countries(split_list(written))
        if name == CHOOSING:
            check_profile(written)


def check_profile(name: str) -> None:
    """Read a profile and check what only the office knows: the countries it rings. Refused as `read_profile` and `profile_bad_value`."""
    written = read_profile(name).settings.get(COUNTRIES, "")
    try:
        check_countries(split_list(written))
    except Refused as no:
        raise refuse_value(f"data/profiles/{name}.toml", COUNTRIES, no.facts["value"]) from None
