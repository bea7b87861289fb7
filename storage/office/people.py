"""People's tables: phone numbers are sealed and found by blind index; each person has one live chat a network."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, func, insert, select, update

from backend.domain.instants import to_micros
from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from backend.ports.office import Binding, PersonRow, PinCheck
from storage import tables as t
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.integrity.audit import INSERT_AUDIT, build_audit_row
from storage.office import secrets
from storage.office.config import bump_epoch, group_chats

P, B = t.people.c, t.bindings.c
_FIND_ROW = select(t.people).where(P.code == bindparam("code"))
_FIND_LAST_RANK = select(func.max(P.contact_order)).where(
    P.unit == bindparam("unit"), P.role == bindparam("role"), P.code != bindparam("code")
)
_INSERT_PERSON = insert(t.people)
_PERSON = (
    select(P.code, P.name, P.unit, P.role, P.active, P.contact_order, P.phone_sealed.is_not(None).label("has_phone"),
           P.preferred_chat, B.id, B.person, B.channel, B.user_id, B.address, B.how, B.bound_at)
    .outerjoin(t.bindings, (B.person == P.code) & (B.state == "live"))
    .order_by(P.contact_order, P.code)
)  # fmt: skip
_FIND_PERSON = _PERSON.where(P.code == bindparam("code"))
_FIND_ACTIVE_PERSON = _FIND_PERSON.where(P.active)
_BOUND = select(B.person).where(B.channel == bindparam("channel"), B.user_id == bindparam("user_id"), B.state == "live")
_FIND_PERSON_BY_CHAT = _PERSON.where(P.code.in_(_BOUND) & P.active)
_LIST_CODES_BY_PHONE = select(P.code).where(P.phone_index == bindparam("phone_index"), P.active).order_by(P.code)
_FIND_PHONE = select(P.phone_sealed).where(P.code == bindparam("code"))
_FIND_PHONE_INDEX = select(P.phone_index).where(P.code == bindparam("code"))
_FIND_PHONE_TAIL = select(P.phone_tail).where(P.code == bindparam("code"))
_FIND_PERSON_WITH_PIN = select(P.code).where(P.code == bindparam("code"), P.pin_hash.is_not(None))
_INSERT_BINDING = insert(t.bindings)
_END_OLDER_BINDINGS = (
    update(t.bindings)
    .where(
        B.channel == bindparam("b_channel"), B.state == "live",
        (B.person == bindparam("b_person")) | (B.user_id == bindparam("b_user")),
    )
    .values(state="ended", ended_at=bindparam("b_now"), reason="rebound")
)  # fmt: skip
_END_BINDING = (
    update(t.bindings)
    .where(B.person == bindparam("b_person"), B.channel == bindparam("b_channel"), B.state == "live")
    .values(state=bindparam("b_state"), ended_at=bindparam("b_now"), reason=bindparam("b_reason"))
)
_END_CARDS = (
    update(t.chat_cards)
    .where(
        t.chat_cards.c.person == bindparam("b_person"),
        t.chat_cards.c.channel == bindparam("b_channel"),
        t.chat_cards.c.state == "live",
    )
    .values(state="gone")
)


class SqlPeopleStore:
    """`PeopleStore` on either engine (FT32, FT34)."""

    def __init__(self, db: Database, ids: IdSupply, vault: Encryption) -> None:
        self._db = db
        self._ids = ids
        self._vault = vault

    async def save_people(
        self, people: Sequence[PersonRow], now: datetime, by: str, *, dry_run: bool = False
    ) -> list[bool]:
        await self._ids.refill(len(people))

        def work(c: Connection) -> list[bool]:
            trial = c.begin_nested() if dry_run else None
            changed = [self._save(c, row, now) for row in people]
            if trial is not None:
                trial.rollback()
            elif any(changed):
                written = [row for row, new in zip(people, changed, strict=True) if new]
                c.execute(INSERT_AUDIT, [_audit_person(self._ids, row, now, by) for row in written])
                bump_epoch(c)
            return changed

        return await self._db.write(work)

    def _save(self, c: Connection, row: PersonRow, now: datetime) -> bool:
        known = c.execute(_FIND_ROW, {"code": row.code}).mappings().first()
        same_post = known is not None and (known["unit"], known["role"]) == (row.unit, row.role)
        rank = row.contact_order
        if rank is None:
            others = {"unit": row.unit, "role": row.role, "code": row.code}
            last = None if same_post else c.execute(_FIND_LAST_RANK, others).scalar()
            rank = known["contact_order"] if known and same_post else 0 if last is None else last + 1
        values: dict[str, Any] = {
            "name": row.name, "unit": row.unit, "role": row.role, "contact_order": rank,
        }  # fmt: skip
        if row.active is not None:
            values["active"] = row.active
        if row.key_name is not None:
            values["key_name"] = row.key_name
            if known is not None and known["key_name"] != row.key_name:
                values["key_authorised"] = False  # another key has to be authorised again (A37)
        if row.key_authorised is not None:
            values["key_authorised"] = row.key_authorised
        if row.phone is not None:
            values |= {"phone_index": self._vault.blind_index(row.phone), "phone_tail": row.phone[-4:]}
        if known is not None and all(known[name] == value for name, value in values.items()):
            return False
        if row.phone is not None:
            values["phone_sealed"] = self._vault.seal("people", row.code, "phone", row.phone)
        if known is None:
            fresh = {
                "code": row.code,
                "active": True,
                "key_authorised": False,
                "pin_failures": 0,
                "reported_at": to_micros(now),
            }
            c.execute(_INSERT_PERSON, fresh | values)
        else:
            c.execute(secrets.UPDATE_PERSON, {"b_code": row.code, **values, "reported_at": to_micros(now)})
        return True

    async def get_person(self, code: str) -> Person | None:
        return await self._find(_FIND_PERSON, code=code)

    async def find_by_chat(self, channel: str, user_id: str) -> Person | None:
        return await self._find(_FIND_PERSON_BY_CHAT, channel=channel, user_id=user_id)

    async def list_by_phone(self, phone: str) -> Sequence[Person]:
        index = self._vault.blind_index(phone)

        def work(c: Connection) -> list[Person]:
            codes = c.execute(_LIST_CODES_BY_PHONE, {"phone_index": index}).scalars().all()
            found = [_find_person(c, _FIND_PERSON, code=code) for code in codes]
            return [person for person in found if person is not None]

        return await self._db.read(work)

    async def _find(self, query: Executable, **wanted: str) -> Person | None:
        return await self._db.read(lambda c: _find_person(c, query, **wanted))

    async def get_phone(self, code: str) -> str | None:
        sealed = await self._db.fetch_value(_FIND_PHONE, {"code": code})
        return self._vault.open("people", code, "phone", sealed)

    async def get_phone_tail(self, code: str) -> str:
        return await self._db.fetch_value(_FIND_PHONE_TAIL, {"code": code}) or ""

    async def store_code(self, code: str, person: str, now: datetime, until: datetime) -> None:
        hashed = self._vault.blind_index(f"binding:{code}")
        await self._db.write(lambda c: secrets.store_code(c, hashed, person, now, until))

    async def try_code(self, code: str, subject: str, now: datetime) -> tuple[str, str] | None:
        hashed = self._vault.blind_index(f"binding:{code}")

        def work(c: Connection) -> tuple[str | None, bool]:
            if not secrets.count_guess(c, subject, now):
                return None, False
            row = secrets.find_usable_code(c, hashed, now)
            return (str(row.person) if row else None), True

        person, allowed = await self._db.write(work)  # a refusal here would roll the count back
        if not allowed:
            raise Refused("too_many_tries")
        return (person, hashed) if person else None

    async def bind(self, code_hash: str, phone: str, binding: Binding, now: datetime) -> Person:
        await self._ids.refill(1)
        subject = f"bind:{binding.channel}:{binding.user_id}"

        def work(c: Connection) -> Person | str:
            if not secrets.count_guess(c, subject, now):
                return "too_many_tries"
            row = secrets.find_code(c, code_hash)
            wrong = secrets.check_code(row, now)
            if row is None or wrong:
                return wrong or "code_unknown"
            person = _find_person(c, _FIND_ACTIVE_PERSON, code=row.person)
            if person is None:
                return "code_unknown"
            if c.execute(_FIND_PHONE_INDEX, {"code": row.person}).scalar() != self._vault.blind_index(phone):
                return "number_not_registered"
            if not secrets.use_code(c, code_hash, binding.user_id, now):
                return "already_bound"
            self._replace(c, person.code, binding, now)
            secrets.reset_guesses(c, subject)
            bump_epoch(c)
            return person

        found = await self._db.write(work)
        if isinstance(found, str):
            raise Refused(found)
        return found

    def _replace(self, c: Connection, person: str, new: Binding, now: datetime) -> None:
        older = {"b_channel": new.channel, "b_person": person, "b_user": new.user_id, "b_now": to_micros(now)}
        c.execute(_END_OLDER_BINDINGS, older)
        row = {
            "id": self._ids.take(), "person": person, "channel": new.channel, "address": new.address,
            "user_id": new.user_id, "state": "live", "how": new.how, "bound_at": to_micros(now),
        }  # fmt: skip
        c.execute(_INSERT_BINDING, row)

    async def unbind(self, person: str, channel: str, reason: str, now: datetime, *, by: str | None = None) -> bool:
        here = {"b_person": person, "b_channel": channel}
        end = {"b_state": "dead" if by is None else "ended", "b_now": to_micros(now), "b_reason": reason}
        await self._ids.refill(1)

        def work(c: Connection) -> bool:
            if not c.execute(_END_BINDING, here | end).rowcount:
                return False
            c.execute(_END_CARDS, here)
            if by is not None:
                c.execute(INSERT_AUDIT, build_audit_row(self._ids, now, by, "unbound", person, {"channel": channel}))
            bump_epoch(c)
            return True

        return await self._db.write(work)

    async def prefer_chat(self, person: str, channel: str | None, now: datetime, by: str) -> None:
        await self._ids.refill(1)

        def work(c: Connection) -> None:
            c.execute(secrets.UPDATE_PERSON, {"b_code": person, "preferred_chat": channel})
            facts = {"channel": channel or ""}
            c.execute(INSERT_AUDIT, build_audit_row(self._ids, now, by, "chat_preferred", person, facts))
            bump_epoch(c)

        await self._db.write(work)

    async def set_pin(self, person: str, hash: str | None) -> None:
        values = {"pin_hash": hash, "pin_failures": 0, "pin_locked_until": None}
        await self._db.execute(secrets.UPDATE_PERSON, {"b_code": person, **values})

    async def has_pin(self, person: str) -> bool:
        return await self._db.fetch_first(_FIND_PERSON_WITH_PIN, {"code": person}) is not None

    async def try_pin(self, person: str, now: datetime, max_guesses: int, lock_until: datetime) -> PinCheck | None:
        return await self._db.write(lambda c: secrets.try_pin(c, person, now, max_guesses, lock_until))

    async def reset_pin_failures(self, person: str) -> None:
        values = {"b_code": person, "pin_failures": 0, "pin_locked_until": None}
        await self._db.execute(secrets.UPDATE_PERSON, values)


def _find_person(c: Connection, query: Executable, **wanted: str) -> Person | None:
    """Return the first person a query finds, by rank, with their live bindings, the newest first."""
    rows = c.execute(query, wanted).all()
    if not rows:
        return None
    r = rows[0]
    chats = group_chats([row for row in rows if row.person == r.code])
    return Person(r.code, r.name, r.unit, Role(r.role), bool(r.active), r.contact_order, bool(r.has_phone),
                  chats.get(r.code, ()), r.preferred_chat)  # fmt: skip


def _audit_person(ids: IdSupply, row: PersonRow, now: datetime, by: str) -> dict[str, object]:
    """Return the audit row of a saved person: what was given, the number only as given or not."""
    facts = {"unit": row.unit, "role": row.role, "active": row.active, "rank": row.contact_order, "phone": row.phone is not None,
             "key_name": row.key_name, "key_authorised": row.key_authorised}  # fmt: skip
    return build_audit_row(ids, now, by, "person", row.code, {k: v for k, v in facts.items() if v is not None})
