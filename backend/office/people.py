"""Manage units, people, their chat bindings, and the PINs they sign with by telephone."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.domain.chance import Chance
from backend.domain.chat_order import as_met_on
from backend.domain.codes import check_code
from backend.domain.institutions import is_circular
from backend.domain.records import Person, Unit
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from backend.office.cache import OfficeCache
from backend.office.phone_numbers import normalise_phone
from backend.office.pins import hash_pin, is_strong_pin, verify_pin
from backend.ports.chat import ChatStateStore, OpenQuestion
from backend.ports.office import Binding, PeopleStore, PersonRow

CODE_DIGITS = 8
CODE_LIFETIME = timedelta(minutes=10)
MAX_PIN_TRIES, PIN_LOCKOUT = 3, timedelta(minutes=15)
BINDING_QUESTION = "bind"  # the question open between the code and the contact card


@dataclass(frozen=True, slots=True)
class PersonForm:
    """A person as given by a file, the console or the API (contract §4). `code` may be missing."""

    name: str
    unit: str
    role: Role
    code: str | None = None
    phone: str | None = None  # in any notation; stored as E.164
    key_name: str | None = None
    key_authorised: bool | None = None  # None: unchanged
    active: bool | None = True  # None: unchanged
    contact_order: int | None = None


@dataclass(frozen=True, slots=True)
class BindingCode:
    """A code for a person, shown once."""

    code: str
    link: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class BindingResult:
    """The person bound: the facts of M22."""

    person: Person
    unit: str
    tail: str


class People:
    """The only writer of units and people. Refused `reserved_code`, `unknown_unit`, `unknown_person`, `bad_phone` …

    `bot_link` opens the bot with a code ("{code}" in it), set once it is known. `countries`: those whose numbers may be called.
    """

    def __init__(
        self,
        store: PeopleStore,
        questions: ChatStateStore,
        office: OfficeCache,
        chance: Chance,
        *,
        countries: Collection[str] = ("CN",),
    ) -> None:
        self._store = store
        self._questions = questions
        self._office = office
        self._chance = chance
        self._countries = tuple(countries)
        self.bot_link = ""

    # -- units and people

    async def save_units(self, units: Sequence[Unit], by: str) -> list[bool]:
        """Store units; True for each new or changed one. Refused `unknown_unit` (parent), `unit_circle`."""
        snapshot = await self._office.snapshot(fresh=True)
        known = {**snapshot.config.units, **{u.code: u for u in units}}
        for unit in units:
            check_code(unit.code)
            if unit.parent and unit.parent not in known:
                raise Refused("unknown_unit", unit=unit.parent)
            if is_circular(known, unit.code):
                raise Refused("unit_circle", unit=unit.name, field="parent")
        changed = await self._office.store.save_units(units, by, self._office.clock.now())
        self._office.invalidate()
        return changed

    async def save_people(self, people: Sequence[PersonForm], by: str) -> list[bool]:
        """Store people, all or none; True for each new or changed one."""
        units = (await self._office.snapshot(fresh=True)).config.units
        rows = [self._to_row(form, units) for form in people]
        changed = await self._store.save_people(rows, self._office.clock.now(), by)
        self._office.invalidate()
        return changed

    async def put_people_each(
        self, people: Sequence[PersonForm], by: str, *, dry_run: bool = False
    ) -> list[bool | Refused]:
        """As `save_people`, but good rows are kept even if others are refused; results in the order given.

        `dry_run`: return the same and write nothing.
        """
        units = (await self._office.snapshot(fresh=True)).config.units
        rows: list[PersonRow | Refused] = []
        for form in people:
            try:
                rows.append(self._to_row(form, units))
            except Refused as refused:
                rows.append(refused)
        good = [r for r in rows if isinstance(r, PersonRow)]
        changed = iter(await self._store.save_people(good, self._office.clock.now(), by, dry_run=dry_run))
        self._office.invalidate()
        return [r if isinstance(r, Refused) else next(changed) for r in rows]

    def _to_row(self, form: PersonForm, units: Mapping[str, Unit]) -> PersonRow:
        name = form.name.strip()
        check_code(form.code or "")
        if not name:
            raise Refused("bad_field", field="name")
        if form.unit not in units:
            raise Refused("unknown_unit", unit=form.unit)
        phone = normalise_phone(form.phone, countries=self._countries).e164 if form.phone else None
        return PersonRow(
            form.code or generate_person_code(form.unit, name), name, form.unit, form.role.value, phone,
            form.key_name, form.key_authorised, form.active, form.contact_order,
        )  # fmt: skip

    async def get_phone(self, person: str) -> str | None:
        """Return a person's decrypted number, E.164; None without one."""
        return await self._store.get_phone(person)

    async def list_by_phone(self, phone: str) -> Sequence[Person]:
        """List the active people with that number (E.164). A caller id is a hint, never identity (FW25)."""
        return await self._store.list_by_phone(phone)

    # -- binding a chat (FT32, FT33)

    async def create_binding_code(self, person: str, by: str) -> BindingCode:
        """Create a code that binds this person once within ten minutes; earlier unused ones stop working.

        Refused `unknown_person`, `person_inactive`, `no_phone`.
        """
        found = await self._store.get_person(person)
        if found is None:
            raise Refused("unknown_person", person=person)
        if not found.active:
            raise Refused("person_inactive", person=person)
        if not found.has_phone:
            raise Refused("no_phone", person=person)
        now = self._office.clock.now()
        code = self._chance.digits(CODE_DIGITS)
        await self._store.store_code(code, person, now, now + CODE_LIFETIME)
        link = self.bot_link.replace("{code}", code)
        return BindingCode(code, link, now + CODE_LIFETIME)

    async def start_binding(self, channel: str, user_id: str, address: str, code: str) -> None:
        """First step: check the code and wait for the user's own contact card; nobody is bound yet.

        Refused `too_many_tries`, or `code_unknown` (also for a used or expired one, so that guessing reveals nothing).
        """
        now = self._office.clock.now()
        found = await self._store.try_code(code.strip(), f"bind:{channel}:{user_id}", now)
        if found is None:
            raise Refused("code_unknown")
        question = OpenQuestion(BINDING_QUESTION, {"person": found[0], "code": found[1], "address": address})
        await self._questions.save_question(channel, user_id, question, now, now + CODE_LIFETIME)

    async def confirm_binding(
        self, channel: str, user_id: str, contact_user_id: str | None, phone: str
    ) -> BindingResult:
        """Second step: bind by the sender's own contact card with the registered number; an older binding ends.

        Refused `contact_not_own` (FT33), `number_not_registered`, `code_expired`, `already_bound`, `too_many_tries`.
        """
        if contact_user_id != user_id:
            await self._get_started(channel, user_id)
            raise Refused("contact_not_own")
        return await self._confirm(channel, user_id, parse_contact_phone(phone))

    async def confirm_code(self, channel: str, user_id: str) -> BindingResult:
        """Second step where people cannot share their number: the code alone binds. Refused as `confirm_binding`."""
        started = await self._get_started(channel, user_id)
        return await self._confirm(channel, user_id, await self._store.get_phone(str(started.facts["person"])) or "")

    async def _get_started(self, channel: str, user_id: str) -> OpenQuestion:
        question = await self._questions.find_question(channel, user_id, self._office.clock.now())
        if question is None or question.question != BINDING_QUESTION:
            raise Refused("code_expired")
        return question

    async def _confirm(self, channel: str, user_id: str, phone: str) -> BindingResult:
        now, question = self._office.clock.now(), await self._get_started(channel, user_id)
        binding = Binding("", channel, user_id, str(question.facts["address"]))
        person = await self._store.bind(str(question.facts["code"]), phone, binding, now)
        await self._questions.delete_question(channel, user_id)
        self._office.invalidate()
        units = (await self._office.snapshot(fresh=True)).config.units
        unit = units[person.unit].name if person.unit in units else person.unit
        return BindingResult(person, unit, await self._store.get_phone_tail(person.code))

    async def find_by_chat(self, channel: str, user_id: str) -> Person | None:
        """Find the active person behind a chat user; permissions come from here, never from the chat (FT34).

        Deactivation by another process takes effect within a second (FA7, FR18); an unknown user may just have
        been bound there, so the store is asked. Of their chats the one they are met on comes first.
        """
        snapshot = await self._office.snapshot()
        known = snapshot.by_code.get(snapshot.config.bindings.get((channel, user_id), ""))
        person = known or await self._store.find_by_chat(channel, user_id)
        return as_met_on(person, channel) if person else None

    async def drop_binding(self, person: str, channel: str, reason: str) -> bool:
        """Drop a dead chat (FT20). True for the first caller to notice that no chat is left, who then tells the colleagues."""
        if not await self._store.unbind(person, channel, reason, self._office.clock.now()):
            return False
        self._office.invalidate()
        left = await self._store.get_person(person)
        return left is None or not left.chats

    async def unbind(self, person: str, network: str, by: str) -> None:
        """End one chat of a person, who keeps the others; audited. Refused `unknown_person`, `not_bound_there`."""
        await self._get_bound(person, network)
        if not await self._store.unbind(person, network, "unbound", self._office.clock.now(), by=by):
            raise Refused("not_bound_there", person=person, network=network)
        self._office.invalidate()

    async def prefer_chat(self, person: str, network: str | None, by: str) -> Person:
        """Tell a person by this network first; None: as the office has it. Return them as they are now.

        Refused `unknown_person`, `not_bound_there`.
        """
        known = await self._get_bound(person, network)
        if known.preferred_chat != network:
            await self._store.prefer_chat(person, network, self._office.clock.now(), by)
            self._office.invalidate()
        return (await self._office.snapshot()).by_code[person]

    async def _get_bound(self, person: str, network: str | None) -> Person:
        known = (await self._office.snapshot(fresh=True)).by_code.get(person)
        if known is None:
            raise Refused("unknown_person", person=person)
        if network is not None and known.find_chat(network) is None:
            raise Refused("not_bound_there", person=person, network=network)
        return known

    async def list_colleagues(self, person: Person) -> Sequence[Person]:
        """List the liaisons and handlers of a person's unit who have a chat, liaisons first."""
        snapshot = await self._office.snapshot(fresh=True)
        here = snapshot.people(person.unit, Role.LIAISON, Role.HANDLER)
        return [p for p in here if p.chat and p.address and p.code != person.code]

    # -- PINs

    async def set_pin(self, person: str, pin: str) -> None:
        """Set a PIN. Refused `pin_weak`: not four digits, all the same, in a row, or the end of their number."""
        if not is_strong_pin(pin) or pin == await self._store.get_phone_tail(person):
            raise Refused("pin_weak")
        await self._store.set_pin(person, await hash_pin(pin))

    async def has_pin(self, person: str) -> bool:
        """Whether the person has set a PIN."""
        return await self._store.has_pin(person)

    async def check_pin(self, person: str, pin: str) -> bool:
        """Whether the PIN is right. Refused `pin_locked` for 15 minutes after three wrong ones."""
        now = self._office.clock.now()
        stored_pin = await self._store.try_pin(person, now, MAX_PIN_TRIES, now + PIN_LOCKOUT)
        if stored_pin is None:
            return False
        if stored_pin.locked_until is not None:
            raise Refused("pin_locked", until=stored_pin.locked_until.isoformat())
        if await verify_pin(stored_pin.hash, pin):
            await self._store.reset_pin_failures(person)
            return True
        if stored_pin.guesses >= MAX_PIN_TRIES:
            raise Refused("pin_locked", until=(now + PIN_LOCKOUT).isoformat())
        return False


def generate_person_code(unit: str, name: str) -> str:
    """Return a code for a person without one; the same for the same unit and name."""
    return f"{unit}-{hashlib.sha256(f'{unit}/{name}'.encode()).hexdigest()[:6]}"


def parse_contact_phone(phone: str) -> str:
    """Return a contact card's number as E.164: messengers omit the plus, some the country."""
    digits = "".join(c for c in phone if c.isascii() and c.isdigit())
    mainland = len(digits) == 11 and digits.startswith("1") and not phone.strip().startswith("+")
    return f"+86{digits}" if mainland else f"+{digits}"
