"""Each line and seal names the key that made it: a change of secrets leaves the journal verified (identity §12)."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select, update

from backend.domain.acts import Act
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Source
from backend.integrity.chain_walk import ChainWalk
from backend.integrity.journal import JournalSealer, JournalVerifier
from backend.tickets.service import TicketService
from storage import tables as t
from storage.engine.encryption import Encryption
from storage.integrity.checks import SqlIntegrityStore
from storage.integrity.journal import SqlJournalStore
from tests.tickets.conftest import DISPATCHER, HANDLER, SampleCity
from tests.time_and_chance import CHANCE

OLD, NEW = "a secret of the tests", "a later secret of the tests"


def build_verifier(city: SampleCity, secret: str, older: Sequence[str] = ()) -> JournalVerifier:
    store = SqlJournalStore(city.core.db, city.core.ids)
    return JournalVerifier(store, Encryption(secret, CHANCE, older).journal_keys)


def build_walk(city: SampleCity, verifier: JournalVerifier) -> ChainWalk:
    core = city.core
    findings, store = SqlIntegrityStore(core.db, core.ids), SqlJournalStore(core.db, core.ids)
    return ChainWalk(store, findings, verifier, core.key_values, core.clock)


@pytest.fixture
async def rotated_city(city: SampleCity) -> SampleCity:
    """Two tickets registered, one signed and all sealed under the old secret; the other signed and sealed under the new."""
    core, store = city.core, SqlJournalStore(city.core.db, city.core.ids)
    await city.import_text("tickets", "ticket_no,category,grade,channel,text\n" + "".join(
        f"T{n},help,general,phone,第{n}件\n" for n in (1, 2)))  # fmt: skip
    for no in ("T1", "T2"):
        await city.act("dispatch", DISPATCHER, no, unit="U01")
    await city.act("sign", HANDLER, "T1")
    city.advance(minutes=6)
    assert await JournalSealer(store, Encryption(OLD, CHANCE).journal, core.clock).run_once()
    later = Encryption(NEW, CHANCE, [OLD]).journal
    await TicketService(city.built.moves, core.office, core.ids, later).act(
        Act("sign", HANDLER, Source.API, ticket_no="T2")
    )
    city.advance(minutes=6)
    assert await JournalSealer(store, later, core.clock).run_once() == 1
    return city


async def test_after_a_change_of_secrets_the_journal_is_verified_and_without_one_the_missing_key_is_named(
    rotated_city: SampleCity,
) -> None:
    city = rotated_city
    assert (await build_verifier(city, NEW, [OLD]).verify()).findings == ()
    for present, missing in ((NEW, OLD), (OLD, NEW)):
        found = (await build_verifier(city, present).verify()).findings
        assert [(f.code, f.ticket) for f in found] == [("key_missing", Encryption(missing, CHANCE).journal.name)]
    verifier = build_verifier(city, NEW, [OLD])
    old, new = (Encryption(secret, CHANCE).journal.name for secret in (OLD, NEW))
    j = t.journal.c
    for given, name in ((new, old), (old, new), ("journal:std:0", old)):  # the name itself is under the hash
        row = (await city.core.db.fetch_rows(select(j.id).where(j.key_name == name).order_by(j.id.desc()).limit(1)))[0]
        await city.core.db.execute(update(t.journal).where(j.id == row.id).values(key_name=given))
        assert (await verifier.verify()).findings
        await city.core.db.execute(update(t.journal).where(j.id == row.id).values(key_name=name))
    assert (await verifier.verify()).findings == ()


async def test_the_walk_tells_a_missing_key_once_however_many_tickets_need_it_until_it_is_back(
    rotated_city: SampleCity,
) -> None:
    city, name = rotated_city, Encryption(OLD, CHANCE).journal.name
    blind, seeing = (build_verifier(city, NEW, older) for older in ([], [OLD]))
    found = await build_walk(city, blind).walk()
    assert [(f.kind, f.subject) for f in found] == [("chain_key", name)]
    assert await build_walk(city, blind).walk() == []
    for language in ("zh_CN", "en"):
        assert name in Texts(language).render("finding.chain_key", subject=name, **found[0].facts)
        assert name in Texts(language).render("cli.found.key_missing", ticket=name, version=None)
    assert await build_walk(city, seeing).walk() == []
    assert await SqlIntegrityStore(city.core.db, city.core.ids).list_open() == []
