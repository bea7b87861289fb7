"""People are kept with sealed numbers; codes bind once; a guessed PIN locks."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from backend.domain.records import Unit
from backend.domain.refusals import Refused
from backend.domain.ticket import Role, UnitKind
from backend.office.cache import OfficeCache
from backend.office.people import People, PersonForm, generate_person_code, is_strong_pin, parse_contact_phone
from backend.ports.people import Binding
from storage import tables as t
from storage.delivery.chat_state import SqlChatStateStore
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.office.config import SqlConfigStore
from storage.office.people import SqlPeopleStore
from tests.time_and_chance import CHANCE, build_clock

ZONE = ZoneInfo("Asia/Shanghai")
PHONE = "+8613800001001"


class Desk:
    def __init__(self, db: Database) -> None:
        self.at = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)
        ids = IdSupply(db)
        self.db = db
        self.office = OfficeCache(SqlConfigStore(db, ids), build_clock(lambda: self.at), "jilin")
        self.people = SqlPeopleStore(db, ids, Encryption("a secret of the tests, long enough", CHANCE))
        self.registry = People(self.people, SqlChatStateStore(db), self.office, CHANCE)

    async def open(self) -> "Desk":
        await self.registry.save_units(
            [Unit("M01", "市热线", UnitKind.MANAGEMENT), Unit("U01", "住建局", UnitKind.HANDLING, parent="M01")],
            "admin",
        )
        form = PersonForm("李明", "U01", Role.HANDLER, "H1", "138 0000 1001")
        assert await self.registry.save_people([form], "admin") == [True]
        return self

    async def code(self) -> tuple[str, str]:
        opened = await self.registry.create_binding_code("H1", "admin")
        found = await self.people.try_code(opened.code, "bind:telegram:test", self.at)
        assert found is not None
        return opened.code, found[1]


@pytest.fixture
async def desk(database: Database) -> Desk:
    return await Desk(database).open()


async def test_the_same_people_again_change_nothing_and_numbers_are_sealed(desk: Desk) -> None:
    form = PersonForm("李明", "U01", Role.HANDLER, "H1", "＋86 13800001001")
    assert await desk.registry.save_people([form], "admin") == [False]
    assert await desk.registry.get_phone("H1") == PHONE
    row = await desk.db.read(lambda c: c.execute(select(t.people)).mappings().one())
    assert PHONE.encode() not in bytes(row["phone_sealed"]) and PHONE[-8:] not in str(row["phone_index"])
    found = await desk.registry.find_by_phone(PHONE)
    assert found is not None and found.code == "H1"


async def test_an_unknown_unit_is_refused_and_good_rows_land_all_the_same(desk: Desk) -> None:
    bad = PersonForm("某人", "U77", Role.HANDLER)
    with pytest.raises(Refused, match="unknown_unit"):
        await desk.registry.save_people([bad], "admin")
    good = PersonForm("王芳", "U01", Role.HANDLER, phone="13800001002")
    odd = PersonForm("号错", "U01", Role.HANDLER, phone="1.38E+10")
    first, second, third = await desk.registry.put_people_each([bad, good, odd], "admin")
    assert isinstance(first, Refused) and second is True
    assert isinstance(third, Refused) and third.code == "bad_phone"
    with pytest.raises(Refused, match="unknown_unit"):
        await desk.registry.save_units([Unit("U9", "某", UnitKind.HANDLING, parent="nobody")], "admin")
    assert (
        generate_person_code("U01", "王芳")
        == generate_person_code("U01", "王芳")
        != generate_person_code("U01", "王芬")
    )


async def test_deputies_stand_in_the_order_they_were_named(desk: Desk) -> None:
    names = ["乙", "丙", "丁"]
    await desk.registry.save_people([PersonForm(n, "U01", Role.HANDLER) for n in names], "admin")
    snapshot = await desk.office.snapshot(fresh=True)
    assert [p.name for p in snapshot.people("U01", Role.HANDLER)] == ["李明", *names]
    await desk.registry.save_people([PersonForm("李明", "U01", Role.HANDLER, "H1", active=False)], "admin")
    snapshot = await desk.office.snapshot(fresh=True)
    assert [p.name for p in snapshot.people("U01", Role.HANDLER)] == names


async def test_two_who_use_one_code_at_once_are_one_too_many_FT32(desk: Desk) -> None:
    _, hashed = await desk.code()
    bindings = [Binding("", "telegram", str(n), str(n)) for n in range(4)]
    results = await asyncio.gather(
        *(desk.people.bind(hashed, PHONE, b, desk.at) for b in bindings), return_exceptions=True
    )
    assert sum(not isinstance(r, BaseException) for r in results) == 1
    assert {r.code for r in results if isinstance(r, Refused)} == {"already_bound"}
    live = select(t.bindings).where(t.bindings.c.state == "live")
    assert len(await desk.db.read(lambda c: c.execute(live).all())) == 1


async def test_fifty_guesses_at_once_are_five_FA2(desk: Desk) -> None:
    async def guess(number: int) -> str:
        try:
            await desk.registry.start_binding("telegram", "66", "66", f"{number:08d}")
        except Refused as refused:
            return refused.code
        return "in"

    codes = await asyncio.gather(*(guess(n) for n in range(50)))
    assert codes.count("code_unknown") == 5 and codes.count("too_many_tries") == 45


async def test_one_person_one_chat_and_one_chat_one_person(desk: Desk) -> None:
    await desk.registry.save_people([PersonForm("王芳", "U01", Role.HANDLER, "H2", PHONE)], "admin")
    for user in ("1", "2"):
        _, hashed = await desk.code()
        await desk.people.bind(hashed, PHONE, Binding("", "telegram", user, user), desk.at)
    opened = await desk.registry.create_binding_code("H2", "admin")
    await desk.registry.start_binding("telegram", "2", "2", opened.code)
    bound = await desk.registry.confirm_binding("telegram", "2", "2", PHONE.removeprefix("+"))
    assert (bound.person.code, bound.unit, bound.tail) == ("H2", "住建局", "1001")
    assert await desk.registry.find_by_chat("telegram", "1") is None
    found = await desk.registry.find_by_chat("telegram", "2")
    assert found is not None and found.code == "H2"
    snapshot = await desk.office.snapshot(fresh=True)
    assert snapshot.by_code["H1"].chat is None and snapshot.by_code["H2"].address == "2"


async def test_who_left_is_nobody_in_chat_FA7(desk: Desk) -> None:
    _, hashed = await desk.code()
    await desk.people.bind(hashed, PHONE, Binding("", "telegram", "1", "1"), desk.at)
    await desk.registry.save_people([PersonForm("李明", "U01", Role.HANDLER, "H1", active=False)], "admin")
    assert await desk.registry.find_by_chat("telegram", "1") is None
    with pytest.raises(Refused, match="person_inactive"):
        await desk.registry.create_binding_code("H1", "admin")


async def test_three_wrong_pins_lock_for_a_quarter_of_an_hour(desk: Desk) -> None:
    assert not await desk.registry.check_pin("H1", "2580") and not await desk.registry.has_pin("H1")
    await desk.registry.set_pin("H1", "2580")
    assert await desk.registry.has_pin("H1") and not await desk.registry.has_pin("nobody")
    assert await desk.registry.check_pin("H1", "2580")
    assert not await desk.registry.check_pin("H1", "0000")
    assert not await desk.registry.check_pin("H1", "1111")
    for pin in ("9999", "2580"):
        with pytest.raises(Refused, match="pin_locked"):
            await desk.registry.check_pin("H1", pin)
    desk.at += timedelta(minutes=16)
    assert await desk.registry.check_pin("H1", "2580")


@pytest.mark.parametrize(
    ("pin", "good"),
    [("2580", True), ("25801379", True), ("123", False), ("1234", False), ("4321", False), ("7777", False),
     ("２５８０", False), ("258013791", False), ("25a0", False)],
)  # fmt: skip
def test_weak_pins(pin: str, good: bool) -> None:
    assert is_strong_pin(pin) is good


@pytest.mark.parametrize("said", ["8613800001001", "+86 138-0000-1001", "13800001001"])
def test_a_contact_cards_number_is_the_registrys_number(said: str) -> None:
    assert parse_contact_phone(said) == PHONE
