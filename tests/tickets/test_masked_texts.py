"""Masked texts stand beside a ticket's own from the start; a changed setting or an import is caught up with."""

import json
from dataclasses import replace
from datetime import timedelta

from backend.domain.masked_texts import COLUMNS, build_masked_texts, get_mask_version
from backend.domain.text_search import TextSearch
from backend.domain.ticket_enums import Category, Channel, Grade, Source
from backend.office.settings import set_setting
from backend.ports.ticket_queries import TicketFilter
from backend.tickets.masked_texts import BATCH, PAUSE, TextMasker
from backend.tickets.new_ticket import NewTicket
from storage.tickets.masked_texts import SqlMaskedTextStore
from tests.tickets.conftest import DISPATCHER, SampleCity

MASK = "138****1234"
FORM = NewTicket(
    category=Category.HELP, grade=Grade.GENERAL, channel=Channel.PHONE, title="李红家停水", place="东风桥3号楼501室",
    text="我叫李红，电话139-1234-5678，Wifi停了", requester_name="李红", requester_phone="138 0000 2005",
)  # fmt: skip


def build_masker(city: SampleCity) -> TextMasker:
    return TextMasker(SqlMaskedTextStore(city.core.db, city.built.encryption), city.core.office)


async def find(city: SampleCity, words: str, mask: str = MASK) -> list[str]:
    filters = TicketFilter(text=TextSearch(words, mask))
    page = await city.services.queries.list_tickets(filters, city.core.clock.now())
    return sorted(view.ticket.ticket_no for view in page.items)


async def set_mask(city: SampleCity, mask: str) -> None:
    await set_setting(city.core.office, city.services.audit, "privacy.phone_mask", None, mask, "GL01")


async def test_a_new_ticket_is_stored_with_its_masked_texts_and_found_by_these_only_XS1(city: SampleCity) -> None:
    many = [replace(FORM, ticket_no=f"N{n}", requester_phone=None) for n in range(12)]
    numbers = [await city.services.intake.receive(replace(FORM, ticket_no="N12"), DISPATCHER, Source.API)]
    numbers += [str(no) for no in await city.services.intake.receive_many(many, DISPATCHER, Source.IMPORT)]
    shown = build_masked_texts(FORM.copied, FORM.requester_name, MASK)
    for no in numbers:
        row = await city.load_row(no)
        assert {name: getattr(row, name) for name in COLUMNS} == shown
    assert "李红" not in "".join(shown.values()) and "501" not in shown["masked_place"]
    for words in ("139****5678", "wifi", "李*家", "号楼*室", "n"):
        assert len(await find(city, words)) == 13, words
    for words in ("李红", "1391234", "139-1234", "501", "%", "_"):
        assert await find(city, words) == [], words
    assert await build_masker(city).run_once() == 0


async def test_a_changed_mask_is_put_on_every_ticket_and_meanwhile_nothing_is_found_by_the_old_one_XS1(
    city: SampleCity,
) -> None:
    many = [replace(FORM, ticket_no=f"N{n:03}", requester_phone=None) for n in range(BATCH + 5)]
    await city.services.intake.receive_many(many, DISPATCHER, Source.IMPORT)
    masker, other = build_masker(city), "*******1234"
    assert await masker.run_once() == 0
    await set_mask(city, other)
    assert await find(city, "139****5678", other) == []
    done = [await masker.run_once() for _ in range(4)]
    assert sum(done) == BATCH + 5 and done[-1] == 0
    row = await city.load_row("N000")
    assert row.mask_version == get_mask_version(other) and "*******5678" in row.masked_text
    assert await find(city, "139****5678", other) == [] and len(await find(city, "*******5678", other)) == 50


async def test_an_imported_history_is_masked_soon_after_XS1(city: SampleCity) -> None:
    masker = build_masker(city)
    assert await masker.run_once() == 0
    line = {
        "ticket_no": "L1", "category": "help", "grade": "general", "generated_at": "2026-10-08T09:00:00+08:00",
        "text": "电话13912345678，路灯不亮", "assignments": [{"unit": "U01", "dispatched_at": "2026-10-08T10:00:00+08:00"}],
    }  # fmt: skip
    report = await city.import_text("history", json.dumps(line, ensure_ascii=False) + "\n")
    assert report["imported"] == 1, report
    assert await find(city, "路灯") == [] and await masker.run_once() == 0, "it has just looked"
    city.at += PAUSE + timedelta(seconds=1)
    assert await masker.run_once() == 1
    assert await find(city, "路灯") == ["L1"] and await find(city, "1391234") == []
