"""The do-not-visit list: who is never rung for a visit again, put there by a key press or by a person with a reason (FW33)."""

from collections.abc import Sequence

from backend.domain.acts import Actor
from backend.domain.masking import mask_phone
from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.office import Office
from backend.paper.numbers import normalise
from backend.ports.audit import AuditStore
from backend.ports.visits import Blocked, VisitStore

MAY = frozenset({Role.REVISIT_AGENT, Role.SUPERVISOR, Role.ADMIN})
READ = MAY | {Role.AUDITOR, Role.REVIEWER, Role.LEADER}
MOST = 500


class Peace:
    """Keeps the list; every change is in the audit book, the number itself nowhere."""

    def __init__(self, store: VisitStore, office: Office, audit: AuditStore) -> None:
        self._store = store
        self._office = office
        self._audit = audit

    async def all(self, by: Actor) -> Sequence[Blocked]:
        """The list, newest first. Refused `forbidden`."""
        if by.role not in READ:
            raise Refused("forbidden", verb="visit")
        return await self._store.blocked(MOST)

    async def add(self, phone: str, reason: str, by: Actor) -> bool:
        """Leave a number in peace; False when it stood there already.

        Refused `forbidden`, `reason_missing`, `number_missing`, `bad_phone` and what a number may be refused with.
        """
        _may(by, reason)
        if not phone.strip():
            raise Refused("number_missing", field="phone")
        standing = await self._office.standing()
        number = normalise(phone, countries=standing.settings.listing("calls.countries")).e164
        shown = mask_phone(number, standing.settings.text("privacy.phone_mask"))
        now = self._office.clock.now()
        if not await self._store.block(number, shown, reason.strip(), by.code, now):
            return False
        await self._audit.note(now, by.code, "visits_refused", shown, reason=reason.strip())
        return True

    async def remove(self, by: Actor, reason: str, *, ref: str = "", phone: str = "") -> str:
        """Take somebody off the list again, because he asked for it: his mask.

        Refused `forbidden`, `reason_missing`, `number_missing`, `not_found`.
        """
        _may(by, reason)
        if not (ref or phone.strip()):
            raise Refused("number_missing", field="ref")
        countries = (await self._office.standing()).settings.listing("calls.countries")
        number = normalise(phone, countries=countries).e164 if phone.strip() else ""
        shown = await self._store.unblock(ref=ref, phone=number)
        if shown is None:
            raise Refused("not_found")
        await self._audit.note(self._office.clock.now(), by.code, "visits_allowed", shown, reason=reason.strip())
        return shown


def _may(by: Actor, reason: str) -> None:
    if by.role not in MAY:
        raise Refused("forbidden", verb="visit")
    if not reason.strip():
        raise Refused("reason_missing", field="reason")
