"""People are stored with encrypted phone numbers; a code binds once; guessing a PIN locks it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from backend.domain.records import Unit
from backend.domain.refusals import Refused
from backend.domain.script_files import load_script
from backend.domain.ticket_enums import Role, UnitKind
from backend.office.cache import OfficeCache
from backend.office.people import (
    People,
    PersonForm,
    generate_person_code,
    parse_contact_phone,
)
from backend.office.pins import PIN_DIGITS, is_strong_pin
from backend.ports.office import Binding
from storage import tables as t
from storage.delivery.chat_state import SqlChatStateStore
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.integrity.audit import SqlAuditStore
from storage.office.config import SqlConfigStore
from storage.office.people import SqlPeopleStore
from tests.time_and_chance import CHANCE, build_clock

PHONE = "+8613800001001"


class World:
    """An institution and a unit with one handler, H1."""

    def __init__(self, db: Database) -> None:
        self.at = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)
        ids = IdSupply(db)
        self.db = db
        self.office = OfficeCache(SqlConfigStore(db, ids), build_clock(lambda: self.at), "jilin")
        self.store = SqlPeopleStore(db, ids, Encryption("a secret of the tests", CHANCE))
        self.audit = SqlAuditStore(db, ids)
        self.people = People(self.store, SqlChatStateStore(db), self.office, CHANCE)

    async def open(self) -> "World":
        await self.people.save_units(
            [Unit("M01", "市热线", UnitKind.MANAGEMENT), Unit("U01", "住建局", UnitKind.HANDLING, parent="M01")],
            "admin",
        )
        form = PersonForm("李明", "U01", Role.HANDLER, "H1", "138 0000 1001")
        assert await self.people.save_people([form], "admin") == [True]
        return self

    async def open_code(self) -> str:
        """Open a binding code for H1, use it in a chat, and return its hash."""
        opened = await self.people.create_binding_code("H1", "admin")
        found = await self.store.try_code(opened.code, "bind:telegram:test", self.at)
        assert found is not None
        return found[1]


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).open()


async def test_saving_the_same_people_again_changes_nothing_and_phone_numbers_are_encrypted(world: World) -> None:
    form = PersonForm("李明", "U01", Role.HANDLER, "H1", "＋86 13800001001")
    assert await world.people.save_people([form], "admin") == [False]
    assert await world.people.get_phone("H1") == PHONE
    row = await world.db.read(lambda c: c.execute(select(t.people)).mappings().one())
    assert PHONE.encode() not in bytes(row["phone_sealed"]) and PHONE[-8:] not in str(row["phone_index"])
    assert [p.code for p in await world.people.list_by_phone(PHONE)] == ["H1"]


async def test_a_number_that_several_share_is_none_of_theirs_alone(world: World) -> None:
    forms = [PersonForm(f"人{n}", "U01", Role.HANDLER, f"H{n}", "13800001001") for n in (2, 1)]
    await world.people.save_people(forms, "admin")
    assert [p.code for p in await world.people.list_by_phone(PHONE)] == ["H1", "H2"]
    assert await world.people.list_by_phone("+8613800009999") == []


async def test_a_person_of_an_unknown_unit_is_refused_and_the_others_are_saved(world: World) -> None:
    unknown = PersonForm("某人", "U77", Role.HANDLER)
    with pytest.raises(Refused, match="unknown_unit"):
        await world.people.save_people([unknown], "admin")
    good = PersonForm("王芳", "U01", Role.HANDLER, phone="13800001002")
    wrong = PersonForm("号错", "U01", Role.HANDLER, phone="1.38E+10")
    first, second, third = await world.people.put_people_each([unknown, good, wrong], "admin")
    assert isinstance(first, Refused) and second is True
    assert isinstance(third, Refused) and third.code == "bad_phone"
    with pytest.raises(Refused, match="unknown_unit"):
        await world.people.save_units([Unit("U9", "某", UnitKind.HANDLING, parent="nobody")], "admin")


def test_the_code_of_a_person_depends_on_unit_and_name_alone() -> None:
    assert generate_person_code("U01", "王芳") == "U01-37bba6"
    others = {generate_person_code(unit, name) for unit, name in (("U01", "王芬"), ("U02", "王芳"))}
    assert len(others - {generate_person_code("U01", "王芳")}) == 2


async def test_contacts_keep_the_order_in_which_they_were_entered(world: World) -> None:
    names = ["乙", "丙", "丁"]
    await world.people.save_people([PersonForm(n, "U01", Role.HANDLER) for n in names], "admin")
    snapshot = await world.office.snapshot(fresh=True)
    assert [p.name for p in snapshot.people("U01", Role.HANDLER)] == ["李明", *names]
    await world.people.save_people([PersonForm("李明", "U01", Role.HANDLER, "H1", active=False)], "admin")
    snapshot = await world.office.snapshot(fresh=True)
    assert [p.name for p in snapshot.people("U01", Role.HANDLER)] == names


async def test_a_code_used_by_several_at_once_binds_one_FT32(world: World) -> None:
    hashed = await world.open_code()
    bindings = [Binding("", "telegram", str(n), str(n)) for n in range(4)]
    results = await asyncio.gather(
        *(world.store.bind(hashed, PHONE, b, world.at) for b in bindings), return_exceptions=True
    )
    assert sum(not isinstance(r, BaseException) for r in results) == 1
    assert {r.code for r in results if isinstance(r, Refused)} == {"already_bound"}
    live = select(t.bindings).where(t.bindings.c.state == "live")
    assert len(await world.db.read(lambda c: c.execute(live).all())) == 1


async def test_of_fifty_guesses_at_once_five_are_tried_FA2(world: World) -> None:
    async def guess(number: int) -> str:
        try:
            await world.people.start_binding("telegram", "66", "66", f"{number:08d}")
        except Refused as refused:
            return refused.code
        return "accepted"

    codes = await asyncio.gather(*(guess(n) for n in range(50)))
    assert codes.count("code_unknown") == 5 and codes.count("too_many_tries") == 45


async def test_a_person_has_one_chat_and_a_chat_one_person(world: World) -> None:
    await world.people.save_people([PersonForm("王芳", "U01", Role.HANDLER, "H2", PHONE)], "admin")
    for user in ("1", "2"):
        hashed = await world.open_code()
        await world.store.bind(hashed, PHONE, Binding("", "telegram", user, user), world.at)
    opened = await world.people.create_binding_code("H2", "admin")
    await world.people.start_binding("telegram", "2", "2", opened.code)
    bound = await world.people.confirm_binding("telegram", "2", "2", PHONE.removeprefix("+"))
    assert (bound.person.code, bound.unit, bound.tail) == ("H2", "住建局", "1001")
    assert await world.people.find_by_chat("telegram", "1") is None
    found = await world.people.find_by_chat("telegram", "2")
    assert found is not None and found.code == "H2"
    snapshot = await world.office.snapshot(fresh=True)
    assert snapshot.by_code["H1"].chat is None and snapshot.by_code["H2"].address == "2"


async def test_a_person_who_left_is_not_known_in_chat_FA7(world: World) -> None:
    hashed = await world.open_code()
    await world.store.bind(hashed, PHONE, Binding("", "telegram", "1", "1"), world.at)
    await world.people.save_people([PersonForm("李明", "U01", Role.HANDLER, "H1", active=False)], "admin")
    assert await world.people.find_by_chat("telegram", "1") is None
    with pytest.raises(Refused, match="person_inactive"):
        await world.people.create_binding_code("H1", "admin")


async def test_three_wrong_pins_lock_for_a_quarter_of_an_hour(world: World) -> None:
    assert not await world.people.check_pin("H1", "2580") and not await world.people.has_pin("H1")
    with pytest.raises(Refused, match="pin_weak"):
        await world.people.set_pin("H1", PHONE[-4:])
    await world.people.set_pin("H1", "2580")
    assert await world.people.has_pin("H1") and not await world.people.has_pin("nobody")
    assert await world.people.check_pin("H1", "2580")
    assert not await world.people.check_pin("H1", "0000")
    assert not await world.people.check_pin("H1", "1111")
    for pin in ("9999", "2580"):
        with pytest.raises(Refused, match="pin_locked"):
            await world.people.check_pin("H1", pin)
    world.at += timedelta(minutes=16)
    assert await world.people.check_pin("H1", "2580")


@pytest.mark.parametrize(
    ("pin", "is_strong"),
    [("2580", True), ("25801", False), ("25801379", False), ("123", False), ("", False), ("1234", False), ("4321", False), ("7777", False),
     ("２５８０", False), ("258013791", False), ("25a0", False)],
)  # fmt: skip
def test_a_pin_is_four_digits_and_no_simple_series(pin: str, is_strong: bool) -> None:
    assert is_strong_pin(pin) is is_strong


def test_every_call_asks_for_as_many_digits_as_a_pin_has() -> None:
    asked = [
        (name, step.digits)
        for name in ("notice", "inbound_handler")
        for step in load_script(name).steps.values()
        if any(effect in ("sign_requested", "check_pin") for b in step.on.values() for effect in b.effects)
        and step.digits > 1
    ]
    assert {name for name, _ in asked} == {"notice", "inbound_handler"}
    assert {digits for _, digits in asked} == {PIN_DIGITS}


@pytest.mark.parametrize("written", ["8613800001001", "+86 138-0000-1001", "13800001001"])
def test_the_number_of_a_contact_card_is_read_as_the_one_on_record(written: str) -> None:
    assert parse_contact_phone(written) == PHONE


async def test_every_change_of_units_and_people_leaves_an_audit_row_and_no_number_in_it_FA12(world: World) -> None:
    before = len((await world.audit.list_entries()).items)
    assert before == 3  # two units and H1
    form = PersonForm("李明", "U01", Role.LIAISON, "H1", "13800001009")
    assert await world.people.save_people([form], "GL01") == [True]
    assert await world.people.save_people([form], "GL01") == [False]
    unit = Unit("U01", "住建局", UnitKind.HANDLING, parent="M01", active=False)
    assert await world.people.save_units([unit], "GL02") == [True]
    assert await world.people.save_units([unit], "GL02") == [False]
    closed, moved, *older = (await world.audit.list_entries()).items
    assert len(older) == before
    assert (moved.actor, moved.event, moved.subject) == ("GL01", "person", "H1") and moved.facts["role"] == "liaison"
    assert (closed.actor, closed.event, closed.subject) == ("GL02", "unit", "U01") and closed.facts["active"] is False
    assert "1009" not in str(moved.facts)


CHANGES = [
    {}, {"phone": "13800001009"}, {"key_name": "另一把"}, {"key_authorised": True}, {"active": False}, {"contact_order": 7},
    {"role": Role.LIAISON}, {"name": "李明明"}, {"code": None}, {"unit": "M01"},
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
async def test_a_dry_run_counts_people_as_the_import_would_and_writes_nothing_FF7(
    world: World, change: dict[str, Any]
) -> None:
    form = replace(PersonForm("李明", "U01", Role.HANDLER, "H1", PHONE), **change)
    forms = [form, PersonForm("某人", "U77", Role.HANDLER), form]
    rows = await world.db.read(lambda c: c.execute(select(t.people)).mappings().all())
    epoch, audit = await world.office.store.get_epoch(), await world.audit.list_entries()
    first, refused, again = await world.people.put_people_each(forms, "admin", dry_run=True)
    assert await world.db.read(lambda c: c.execute(select(t.people)).mappings().all()) == rows
    assert (await world.office.store.get_epoch(), await world.audit.list_entries()) == (epoch, audit)
    assert isinstance(refused, Refused) and again is False
    done = await world.people.put_people_each(forms, "admin")
    assert (done[0], done[2]) == (first, again) == (bool(change), False)


async def bind(world: World, network: str, user: str = "7") -> None:
    """Bind H1 on one more network, a minute after the last."""
    world.at += timedelta(minutes=1)
    code = await world.people.create_binding_code("H1", "admin")
    await world.people.start_binding(network, user, f"{network}-{user}", code.code)
    await world.people.confirm_binding(network, user, user, PHONE)


async def list_networks(world: World) -> list[str]:
    """H1's chats in the order of use, as the office has them and as storage alone finds them."""
    known, stored = (await world.office.snapshot(fresh=True)).by_code["H1"], await world.store.get_person("H1")
    assert stored is not None and set(known.chats) == set(stored.chats)
    return [chat.network for chat in known.chats]


async def test_a_person_keeps_a_chat_on_each_network_in_the_order_of_use(world: World) -> None:
    await bind(world, "telegram")
    await bind(world, "feishu")
    await bind(world, "wecom")
    assert await list_networks(world) == ["wecom", "feishu", "telegram"]
    known = (await world.office.snapshot()).by_code["H1"]
    assert {(c.network, c.user, c.address, c.how) for c in known.chats} == {
        (n, "7", f"{n}-7", "code") for n in ("wecom", "feishu", "telegram")
    }
    assert known.chats[0].since == world.at
    await bind(world, "telegram", "8")
    assert await list_networks(world) == ["telegram", "wecom", "feishu"], "one a network: the newer one"
    met = await world.people.find_by_chat("feishu", "7")
    assert met is not None and (met.chat, met.address) == ("feishu", "feishu-7"), "answered where they speak"


async def test_the_network_a_person_chose_is_kept_and_audited(world: World) -> None:
    await bind(world, "telegram")
    await bind(world, "feishu")
    assert (await world.people.prefer_chat("H1", "telegram", "H1")).chat == "telegram"
    assert await list_networks(world) == ["telegram", "feishu"]
    with pytest.raises(Refused, match="not_bound_there"):
        await world.people.prefer_chat("H1", "wecom", "H1")
    with pytest.raises(Refused, match="unknown_person"):
        await world.people.prefer_chat("H7", None, "H1")
    assert (await world.people.prefer_chat("H1", None, "A1")).chat == "feishu"
    events = [(e.actor, e.event) for e in (await world.audit.list_entries()).items]
    assert events.count(("H1", "chat_preferred")) == 1 and events.count(("A1", "chat_preferred")) == 1


async def test_a_dead_chat_ends_alone_and_only_the_last_one_is_told_of_FT20(world: World) -> None:
    await bind(world, "telegram")
    await bind(world, "feishu")
    assert not await world.people.drop_binding("H1", "feishu", "blocked"), "one is left"
    assert await list_networks(world) == ["telegram"]
    assert not await world.people.drop_binding("H1", "feishu", "blocked"), "noticed before"
    assert await world.people.drop_binding("H1", "telegram", "blocked")
    assert await list_networks(world) == []


async def test_an_administrator_ends_one_chat_and_its_cards_and_that_is_audited(world: World) -> None:
    await bind(world, "telegram")
    await bind(world, "feishu")
    await world.people.unbind("H1", "feishu", "A1")
    assert await list_networks(world) == ["telegram"]
    assert await world.people.find_by_chat("feishu", "7") is None
    with pytest.raises(Refused, match="not_bound_there"):
        await world.people.unbind("H1", "feishu", "A1")
    [audited] = [e for e in (await world.audit.list_entries()).items if e.event == "unbound"]
    assert (audited.actor, audited.subject, audited.facts) == ("A1", "H1", {"channel": "feishu"})
    rows = await world.db.fetch_all(select(t.bindings.c.state, t.bindings.c.reason).order_by(t.bindings.c.id), tuple)
    assert rows == [("live", None), ("ended", "unbound")]
