"""What an office takes in: which channels, and what a demand must come with, through every door (B5, B22, XM4)."""

import json
from dataclasses import replace

import pytest

from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Category, Grade, Source
from backend.office.settings import set_setting
from backend.tickets.new_ticket import NewTicket
from tests.tickets.conftest import DISPATCHER, SampleCity

FORM = NewTicket(category=Category.HELP, grade=Grade.GENERAL, channel="12351", text="路灯不亮")
SHEET = "工单编号,类别,级别,渠道,诉求内容\nT1,求助,一般,12351热线,路灯不亮\nT2,求助,一般,电话,路灯不亮\n"


async def set_up(city: SampleCity, key: str, value: str) -> None:
    """Change a setting of the office."""
    core = city.core
    await set_setting(core.office, core.audit, key, None, value, "GL01", None)


async def test_the_beijing_profile_takes_12351_and_the_other_one_says_what_it_takes_XM4(city: SampleCity) -> None:
    with pytest.raises(Refused, match="bad_word") as no:
        await city.services.intake.receive(FORM, DISPATCHER, Source.API)
    assert no.value.facts["field"] == "channel" and "phone" in str(no.value.facts["allowed"])
    report = await city.import_text("tickets", SHEET)
    assert report["imported"] == 1
    assert [(r["row"], r["field"], r["code"]) for r in report["refused"]] == [(2, "channel", "bad_word")]
    history = {"ticket_no": "L1", "category": "help", "grade": "general", "channel": "12351", "direct_answer": True,
               "generated_at": "2026-10-08T09:00:00+08:00"}  # fmt: skip
    old = json.dumps(history)
    assert (await city.import_text("history", old))["refused"][0]["code"] == "bad_word"
    await set_up(city, "profile", "beijing_mutual_aid")
    taken = await city.services.intake.receive(FORM, DISPATCHER, Source.API)
    assert (await city.load_row(taken)).channel == "12351"
    assert (await city.import_text("tickets", SHEET, dry_run=True))["refused"] == []
    assert (await city.import_text("tickets", SHEET))["imported"] == 1
    assert (await city.load_row("T1")).channel == "12351"
    assert (await city.import_text("history", old))["imported"] == 1
    assert (await city.load_row("L1")).channel == "12351"


@pytest.mark.proves("ticket.channels")
async def test_an_office_names_its_channels_itself_XM4(city: SampleCity) -> None:
    await set_up(city, "ticket.channels", "phone,直播间")
    no = await city.services.intake.receive(replace(FORM, channel="直播间"), DISPATCHER, Source.API)
    assert (await city.load_row(no)).channel == "直播间"
    for channel in ("web", "12351"):
        with pytest.raises(Refused, match="bad_word"):
            await city.services.intake.receive(replace(FORM, channel=channel), DISPATCHER, Source.API)


@pytest.mark.proves("ticket.required_fields")
async def test_an_office_says_what_a_demand_must_come_with_B22(city: SampleCity) -> None:
    form = replace(FORM, channel="phone", region="云岭市", requester_phone="13900000001")
    await set_up(city, "ticket.required_fields", "place,requester_phone")
    for lacking in ("place", "requester_phone"):
        with pytest.raises(Refused, match="missing") as no:
            await city.services.intake.receive(
                replace(form, **{"place": "人民路", lacking: " "}), DISPATCHER, Source.API
            )
        assert no.value.facts == {"field": lacking}
    sheet = "工单编号,类别,级别,渠道,诉求内容,地点,诉求人电话\nR1,求助,一般,电话,路灯不亮,,13900000001\n"
    for dry_run in (True, False):
        report = await city.import_text("tickets", sheet, dry_run=dry_run)
        assert [(r["row"], r["field"], r["code"]) for r in report["refused"]] == [(2, "place", "missing")]
    no = await city.services.intake.receive(replace(form, place="人民路"), DISPATCHER, Source.API)
    assert (await city.load_row(no)).place == "人民路"


async def test_who_accepts_a_demand_names_one_of_the_offices_channels_XM4(city: SampleCity) -> None:
    no = await city.services.intake.receive(replace(FORM, channel=None), DISPATCHER, Source.API)
    with pytest.raises(Refused, match="bad_word"):
        await city.act("accept", DISPATCHER, no, channel="12351")
    await set_up(city, "profile", "beijing_mutual_aid")
    await city.act("accept", DISPATCHER, no, channel="12351")
    assert (await city.load_row(no)).channel == "12351"
