"""Change settings and create API keys: validated, stored, audited."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from backend.domain.acts import Actor
from backend.domain.codes import check_code
from backend.domain.profiles import CHOOSING, read_profile, refuse_value
from backend.domain.refusals import Refused
from backend.domain.setting_checks import refuse_nonsense
from backend.domain.settings import Settings
from backend.domain.settings_catalogue import split_list
from backend.domain.ticket_enums import Role
from backend.office.cache import OfficeCache
from backend.office.phone_numbers import check_countries
from backend.ports.integrity import AuditStore
from backend.ports.office import SettingVersion
from backend.ports.web import KeyStore

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


async def create_key(
    office: OfficeCache, keys: KeyStore, audit: AuditStore, name: str, by: str, *, person: str | None = None,
    role: str | None = None, unit: str | None = None,
) -> str:  # fmt: skip
    """Create an API key of a person, or of a service with a role and perhaps a unit; return its secret, once.

    Refused `missing`, `bad_field`, `reserved_code`, `unit_missing`, `unknown_person`, `unknown_unit`, `exists`.
    """
    snapshot = await office.snapshot(fresh=True)
    if (person is None) == (role is None):
        raise Refused("missing", field="person")
    if role is not None and role not in tuple(Role):
        raise Refused("bad_field", field="role")
    if person is not None and person not in snapshot.by_code:
        raise Refused("unknown_person", person=person)
    if role is not None:
        Actor.of_key(check_code(name, "name"), Role(role), unit)  # refused now rather than at its first use
    if unit is not None and unit not in snapshot.config.units:
        raise Refused("unknown_unit", unit=unit)
    now = office.clock.now()
    secret = await keys.create_key(name, now, person=person, role=role, unit=unit)
    await audit.record(now, by, "key", name)
    return secret
