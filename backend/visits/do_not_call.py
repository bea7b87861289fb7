"""The do-not-call list: numbers never called for a visit again, added by a key press or by a person (FW33)."""

from collections.abc import Sequence

from backend.domain.acts import Actor
from backend.domain.masking import mask_phone
from backend.domain.permissions import require
from backend.domain.refusals import Refused
from backend.office.cache import OfficeCache
from backend.office.phone_numbers import normalise_phone
from backend.ports.integrity import AuditStore
from backend.ports.visits import DoNotCallEntry, VisitStore

MAX_ROWS = 500


class DoNotCall:
    """Keeps the list. Every change is audited; the number itself is never written out."""

    def __init__(self, store: VisitStore, office: OfficeCache, audit: AuditStore) -> None:
        self._store = store
        self._office = office
        self._audit = audit

    async def list_numbers(self, by: Actor) -> Sequence[DoNotCallEntry]:
        """Return the list, newest first. Refused `forbidden`."""
        require(by, "visits.read", verb="visit")
        return await self._store.list_blocked(MAX_ROWS)

    async def add(self, phone: str, reason: str, by: Actor) -> bool:
        """Add a number; False if it is on the list already.

        Refused `forbidden`, `reason_missing`, `number_missing`, `bad_phone` and other refusals of phone numbers.
        """
        _check_allowed(by, reason)
        if not phone.strip():
            raise Refused("number_missing", field="phone")
        snapshot = await self._office.snapshot()
        number = normalise_phone(phone, countries=snapshot.settings.strings("calls.countries")).e164
        masked_number = mask_phone(number, snapshot.settings.text("privacy.phone_mask"))
        now = self._office.clock.now()
        if not await self._store.block(number, masked_number, reason.strip(), by.code, now):
            return False
        await self._audit.record(now, by.code, "visits_refused", masked_number, reason=reason.strip())
        return True

    async def remove(self, by: Actor, reason: str, *, ref: str = "", phone: str = "") -> str:
        """Remove an entry at its owner's request; return the masked number.

        Refused `forbidden`, `reason_missing`, `number_missing`, `not_found`.
        """
        _check_allowed(by, reason)
        if not (ref or phone.strip()):
            raise Refused("number_missing", field="ref")
        countries = (await self._office.snapshot()).settings.strings("calls.countries")
        number = normalise_phone(phone, countries=countries).e164 if phone.strip() else ""
        masked_number = await self._store.unblock(ref=ref, phone=number)
        if masked_number is None:
            raise Refused("not_found", number=ref)
        await self._audit.record(
            self._office.clock.now(), by.code, "visits_allowed", masked_number, reason=reason.strip()
        )
        return masked_number


def _check_allowed(by: Actor, reason: str) -> None:
    require(by, "do_not_call.edit", verb="visit")
    if not reason.strip():
        raise Refused("reason_missing", field="reason")
