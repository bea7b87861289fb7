"""People's tables: phone numbers are sealed and found by blind index; each person has one live chat per channel."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from backend.domain.instants import to_micros
from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from backend.ports.office import Binding, PersonRow, PinCheck
from storage import tables as t
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.integrity.audit import build_audit_row
from storage.office import secrets
from storage.office.config import bump_epoch


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
                c.execute(insert(t.audit_log), [_audit_person(self._ids, row, now, by) for row in written])
                bump_epoch(c)
            return changed

        return await self._db.write(work)

    def _save(self, c: Connection, row: PersonRow, now: datetime) -> bool:
        k = t.people.c
        known = c.execute(select(t.people).where(k.code == row.code)).mappings().first()
        same_post = known is not None and (known["unit"], known["role"]) == (row.unit, row.role)
        rank = row.contact_order
        if rank is None:
            last = select(func.max(k.contact_order)).where(k.unit == row.unit, k.role == row.role, k.code != row.code)
            rank = known["contact_order"] if known and same_post else (c.execute(last).scalar() or 0) + 1
            if not same_post and c.execute(last).scalar() is None:
                rank = 0
        values: dict[str, Any] = {"name": row.name, "unit": row.unit, "role": row.role, "contact_order": rank}
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
            c.execute(insert(t.people).values(**fresh | values))
        else:
            c.execute(update(t.people).where(k.code == row.code).values(**values, reported_at=to_micros(now)))
        return True

    async def get_person(self, code: str) -> Person | None:
        return await self._find(t.people.c.code == code)

    async def find_by_chat(self, channel: str, user_id: str) -> Person | None:
        b = t.bindings.c
        mine = select(b.person).where(b.channel == channel, b.user_id == user_id, b.state == "live")
        return await self._find(t.people.c.code.in_(mine) & t.people.c.active)

    async def list_by_phone(self, phone: str) -> Sequence[Person]:
        k = t.people.c
        codes = select(k.code).where(k.phone_index == self._vault.blind_index(phone), k.active).order_by(k.code)

        def work(c: Connection) -> list[Person]:
            found = [find_person(c, k.code == code) for code in c.execute(codes).scalars().all()]
            return [person for person in found if person is not None]

        return await self._db.read(work)

    async def _find(self, condition: Any) -> Person | None:
        return await self._db.read(lambda c: find_person(c, condition))

    async def get_phone(self, code: str) -> str | None:
        query = select(t.people.c.phone_sealed).where(t.people.c.code == code)
        sealed = await self._db.fetch_value(query)
        return self._vault.open("people", code, "phone", sealed)

    async def get_phone_tail(self, code: str) -> str:
        query = select(t.people.c.phone_tail).where(t.people.c.code == code)
        return await self._db.fetch_value(query) or ""

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
            person = find_person(c, (t.people.c.code == row.person) & t.people.c.active)
            if person is None:
                return "code_unknown"
            right = select(t.people.c.phone_index).where(t.people.c.code == row.person)
            if c.execute(right).scalar() != self._vault.blind_index(phone):
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
        b = t.bindings.c
        older = (b.channel == new.channel) & (b.state == "live") & ((b.person == person) | (b.user_id == new.user_id))
        c.execute(update(t.bindings).where(older).values(state="ended", ended_at=to_micros(now), reason="rebound"))
        c.execute(
            insert(t.bindings).values(
                id=self._ids.take(), person=person, channel=new.channel, address=new.address,
                user_id=new.user_id, state="live", bound_at=to_micros(now),
            )
        )  # fmt: skip

    async def unbind(self, person: str, channel: str, reason: str, now: datetime) -> bool:
        def work(c: Connection) -> bool:
            b = t.bindings.c
            live = (b.person == person) & (b.channel == channel) & (b.state == "live")
            ended = c.execute(
                update(t.bindings).where(live).values(state="dead", ended_at=to_micros(now), reason=reason)
            )
            if not ended.rowcount:
                return False
            bump_epoch(c)
            return True

        return await self._db.write(work)

    async def set_pin(self, person: str, hash: str | None) -> None:
        values = {"pin_hash": hash, "pin_failures": 0, "pin_locked_until": None}
        await self._db.execute(update(t.people).where(t.people.c.code == person).values(**values))

    async def has_pin(self, person: str) -> bool:
        mine = select(t.people.c.code).where(t.people.c.code == person, t.people.c.pin_hash.is_not(None))
        return await self._db.fetch_first(mine) is not None

    async def try_pin(self, person: str, now: datetime, max_guesses: int, lock_until: datetime) -> PinCheck | None:
        return await self._db.write(lambda c: secrets.try_pin(c, person, now, max_guesses, lock_until))

    async def reset_pin_failures(self, person: str) -> None:
        values = {"pin_failures": 0, "pin_locked_until": None}
        await self._db.execute(update(t.people).where(t.people.c.code == person).values(**values))


def find_person(c: Connection, condition: Any) -> Person | None:
    """Return the first person matching a condition, by rank, with their live binding."""
    k, b = t.people.c, t.bindings.c
    query = (
        select(k.code, k.name, k.unit, k.role, k.active, k.contact_order, k.phone_sealed.is_not(None), b.channel, b.address)
        .outerjoin(t.bindings, (b.person == k.code) & (b.state == "live"))
        .where(condition).order_by(k.contact_order, k.code, b.id.desc()).limit(1)
    )  # fmt: skip
    row = c.execute(query).first()
    if row is None:
        return None
    code, name, unit, role, active, rank, has_phone, chat, address = row
    return Person(code, name, unit, Role(role), bool(active), rank, bool(has_phone), chat, address)


def _audit_person(ids: IdSupply, row: PersonRow, now: datetime, by: str) -> dict[str, object]:
    """Return the audit row of a saved person: what was given, the number only as given or not."""
    facts = {"unit": row.unit, "role": row.role, "active": row.active, "rank": row.contact_order, "phone": row.phone is not None,
             "key_name": row.key_name, "key_authorised": row.key_authorised}  # fmt: skip
    return build_audit_row(ids, now, by, "person", row.code, {k: v for k, v in facts.items() if v is not None})
