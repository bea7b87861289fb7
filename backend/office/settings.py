"""Change settings and create API keys: validated, stored, audited."""

from datetime import datetime

from backend.domain.acts import Actor
from backend.domain.codes import check_code
from backend.domain.refusals import Refused
from backend.domain.setting_checks import refuse_nonsense
from backend.domain.settings_catalogue import split_list
from backend.domain.ticket_enums import Role
from backend.office.cache import OfficeCache
from backend.office.phone_numbers import check_countries
from backend.ports.integrity import AuditStore
from backend.ports.office import SettingVersion
from backend.ports.web import KeyStore


async def set_setting(
    office: OfficeCache,
    audit: AuditStore,
    key: str,
    unit: str | None,
    value: str,
    by: str,
    from_at: datetime | None = None,
) -> str:
    """Store a new version of a setting (`KEY` or `KEY@UNIT`); return its normalised value.

    Refused `unknown_setting`, `not_per_unit`, `bad_setting`, `unknown_unit`, `unknown_country` and as `refuse_nonsense`.
    """
    key, _, named = key.partition("@")
    unit = unit or named or None
    snapshot = await office.snapshot(fresh=True)
    if unit is not None and unit not in snapshot.config.units:
        raise Refused("unknown_unit", unit=unit)
    full = key if unit is None else f"{key}@{unit}"
    changed = snapshot.settings.with_changes({full: value})
    written = changed.overrides[full]
    refuse_nonsense(full, written, changed.to_dict())
    if key == "calls.countries":
        check_countries(split_list(written))
    now = office.clock.now()
    await office.store.add_version(SettingVersion(key, unit, written, from_at or now, by, now))
    await audit.record(now, by, "setting", full, value=written)
    office.invalidate()
    return written


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
