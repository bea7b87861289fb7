"""API keys: made, listed, revoked and rotated by administrators; each ends by itself after a year at most two."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from backend.domain.acts import Actor
from backend.domain.codes import check_code
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from backend.office.cache import OfficeCache
from backend.ports.integrity import AuditStore
from backend.ports.web import ApiKey, KeyStore, ListedKey

DAYS, MOST_DAYS = 365, 730  # a key's life, and the longest
OVERLAP_HOURS = 24  # for which a rotated key still opens beside the new one


class ApiKeys:
    """The only maker of keys. Every event is on record."""

    def __init__(self, store: KeyStore, office: OfficeCache, audit: AuditStore) -> None:
        self._store, self._office, self._audit = store, office, audit

    async def create(
        self, name: str, by: str, *, person: str | None = None, role: str | None = None, unit: str | None = None,
        days: int = DAYS,
    ) -> str:  # fmt: skip
        """Create a key of a person, or of a service with a role and perhaps a unit; return its secret, once.

        Refused `missing`, `bad_field`, `reserved_code`, `unit_missing`, `unknown_person`, `unknown_unit`, `exists`.
        """
        snapshot = await self._office.snapshot(fresh=True)
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
        if not 1 <= days <= MOST_DAYS:
            raise Refused("bad_field", field="days")
        return await self._create(ApiKey(name, person, role, unit), by, timedelta(days=days), "key")

    async def _create(self, key: ApiKey, by: str, life: timedelta, event: str) -> str:
        now = self._office.clock.now()
        secret = await self._store.create_key(
            key.name, now, person=key.person, role=key.role, unit=key.unit, by=by, until=now + life
        )
        await self._audit.record(now, by, event, key.name)
        return secret

    async def list_all(self) -> Sequence[ListedKey]:
        """List all keys, the newest first, ended ones as well."""
        return await self._store.list_keys()

    async def revoke(self, id: int, by: str) -> ListedKey:
        """Revoke a key: the next request with it is refused. Refused `unknown_key`."""
        now = self._office.clock.now()
        revoked = await self._store.revoke_key(id, by, now)
        if revoked is None:
            raise Refused("unknown_key")
        await self._audit.record(now, by, "key_revoked", revoked.key.name)
        return revoked

    async def rotate(self, id: int, by: str, overlap_hours: int = OVERLAP_HOURS) -> str:
        """Return the secret of a new key like this one, once; the old one ends after the overlap.

        Refused `unknown_key` for one that is not living, `bad_field`.
        """
        if not 0 <= overlap_hours <= 24 * 30:
            raise Refused("bad_field", field="overlap_hours")
        now = self._office.clock.now()
        old = next((one for one in await self._store.list_keys() if one.id == id), None)
        if old is None or not is_living(old, now):
            raise Refused("unknown_key")
        life = timedelta(days=DAYS) if old.expires_at is None else old.expires_at - old.created_at
        secret = await self._create(old.key, by, min(life, timedelta(days=MOST_DAYS)), "key_rotated")
        await self._store.end_key(id, now + timedelta(hours=overlap_hours))
        return secret


def is_living(listed: ListedKey, now: datetime) -> bool:
    """Whether a key opens anything at this moment."""
    return listed.revoked_at is None and (listed.expires_at is None or listed.expires_at > now)
