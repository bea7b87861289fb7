"""Whom an alarm reaches: addresses of administrators and auditors, held in memory because a database may be the patient."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from backend.domain.records import ChatAddress
from backend.domain.ticket_enums import Role
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.office.phone_numbers import to_callable_number


@dataclass(frozen=True, slots=True)
class Contact:
    """One person's addresses; any of them may be missing."""

    code: str
    is_auditor: bool
    chats: tuple[ChatAddress, ...]  # in the order of use
    phone: str | None  # E.164


class AlarmContacts:
    """The addresses as last read; read again when people or settings have changed."""

    def __init__(self, office: OfficeCache, get_phone: Callable[[str], Awaitable[str | None]]) -> None:
        self._office = office
        self._get_phone = get_phone
        self._of: OfficeSnapshot | None = None
        self._contacts: Sequence[Contact] = ()

    async def refresh(self) -> None:
        """Read them again if something changed; the error of a database that is away is the caller's."""
        snapshot = await self._office.snapshot()
        if snapshot is self._of:
            return
        people = [p for p in snapshot.config.people if p.role in (Role.ADMIN, Role.AUDITOR)]
        self._contacts = [
            Contact(
                p.code, p.role is Role.AUDITOR, p.chats,
                to_callable_number(await self._get_phone(p.code), snapshot) if p.has_phone else None,
            )
            for p in people
        ]  # fmt: skip
        self._of = snapshot

    def list_contacts(self, *, auditors: bool) -> Sequence[Contact]:
        """List whom to tell, as last read."""
        return [c for c in self._contacts if auditors or not c.is_auditor]

    def name_person(self, code: str) -> str:
        """Return a person's name as last read, else the code."""
        return code if self._of is None else self._of.person_names.get(code, code)
