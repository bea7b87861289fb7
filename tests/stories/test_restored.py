"""An old copy of the database is put back: nobody hears a thing until an administrator has released it (XR3, FD13, G26)."""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update

from backend.domain.instants import to_micros
from storage import tables as t
from storage.engine.database import Database
from storage.engine.open import open_database
from storage.operations.mark_places import FileMark
from tests.figures import Figures
from tests.stories.office import MONDAY, REQUESTER, Office, open_office

DAYS = timedelta(days=3)
ALARMED = ("GL01", "SJ01")  # administrator, auditor
SENDING = {"sendMessage", "editMessageText", "editMessageReplyMarkup", "sendDocument", "sendPhoto"}


def count_sent(office: Office) -> int:
    """Requests by which something left: messages, edits, calls, SMS. Alarms ring those who are to release."""
    phones, chat = office.simulator.phones, office.simulator.chat
    told = {one.phone for one in office.simulator.people.values() if one.code in ALARMED}
    calls = [one for one in phones.calls_made if one.to not in told]
    return len(calls) + len(phones.messages) + sum(name in SENDING for _, name in chat.requests)


async def age(db: Database, folder: Path) -> None:
    """Make of the database what it was three days before its mark: messages not yet sent, one in hand, one for later."""
    letters = (await db.fetch_rows(select(t.outbox).order_by(t.outbox.c.id))) or []
    assert len(letters) >= 2
    unsent = {"state": "pending", "sent_at": None, "provider_id": None, "error": None}
    await db.execute(update(t.outbox).values(unsent))
    await db.execute(
        update(t.outbox).where(t.outbox.c.id == letters[0].id)
        .values(state="sending", owner="dead", asked_at=letters[0].not_before, lease_until=1)
    )  # fmt: skip
    later = {**letters[-1]._mapping, **unsent, "id": letters[-1].id + 1_000_000, "channel": letters[0].channel}
    await db.execute(insert(t.outbox).values({**later, "not_before": to_micros(MONDAY + DAYS + timedelta(minutes=30))}))
    stored = await db.fetch_value(select(t.key_values.c.value).where(t.key_values.c.name == "mark"))
    assert stored is not None
    mark = json.loads(stored)
    for name in ("at", "office_at"):
        mark[name] -= int(DAYS.total_seconds()) * 1_000_000
    await db.execute(update(t.key_values).where(t.key_values.c.name == "mark").values(value=json.dumps(mark)))
    kept: Any = await FileMark(folder / "var" / "state").read()
    later_mark = {**mark, "number": kept.number + 26_000, "at": kept.at, "office_at": to_micros(MONDAY + DAYS)}
    (folder / "var" / "state" / "mark.json").write_text(json.dumps(later_mark))


async def test_an_old_copy_sends_nothing_before_its_release_and_nothing_old_after_G26(
    database_url: str, tmp_path: Path, figures: Figures
) -> None:
    async with open_office(tmp_path, database_url) as office:
        await office.bind("H101")
        await office.dispatch_ticket("JS0001")
        await office.dispatch_ticket("JS0002", grade="urgent")
        await office.application.services.holds.keep_mark()
    db = open_database(database_url, time.monotonic)
    await age(db, tmp_path)
    await db.close()
    async with open_office(tmp_path, database_url, MONDAY + DAYS + timedelta(minutes=1)) as again:
        holds = again.application.services.holds
        assert await holds.is_held()
        before = count_sent(again)
        await again.settle()
        await again.advance("10m")
        assert count_sent(again) == before  # neither a message nor a call, and no card for what is late
        assert (await again.state("JS0001"), await again.state("JS0002")) == ("dispatched", "dispatched")
        await again.act("JS0001", "sign", "unit:U01")  # what people do is taken
        await again.create_ticket("JS0003", REQUESTER)
        await again.settle()
        async with again.http.get(f"{again.url}/readyz") as ready:
            assert ready.status == 503 and "held" in (await ready.json())["red"]
        deliveries = await again.request("GET", "/deliveries", "dispatcher")
        assert deliveries["held"] is True
        shown = await again.request("GET", "/hold", "dispatcher")
        assert shown["why"] == "behind" and {one["what"] for one in shown["waiting"]} >= {"messages"}
        assert shown["passed_duties"]["sign"] >= 1
        refused = await again.request("POST", "/hold/release", "dispatcher", {})
        assert refused.status == 403
        sent_early = count_sent(again) - before
        done = await again.request("POST", "/hold/release", "admin", {})
        assert done.status == 200 and done["dropped"] >= 2
        again_released = await again.request("POST", "/hold/release", "admin", {})
        assert (again_released.status, again_released.code) == (409, "not_held")
        holds._looked_at = None
        await again.settle()
        mark_at = to_micros(MONDAY + DAYS)
        k = t.outbox.c
        old = await again.count_rows(t.outbox, k.state == "sent", k.sent_at > mark_at, k.not_before <= mark_at)
        figures.report("G26", before=sent_early, older=old)
        assert await again.count_rows(t.outbox, k.error == "restored") >= 2
        assert await again.state("JS0002") == "signed"  # by the clock, which moves again
        await again.advance("1h")
        assert await again.count_rows(t.outbox, k.id > 1_000_000, k.state == "pending", k.not_before < mark_at) == 0
        assert (await again.request("GET", "/deliveries", "dispatcher"))["held"] is False
        assert count_sent(again) > before


async def test_after_a_night_off_everything_goes_on_as_ever_FS17(database_url: str, tmp_path: Path) -> None:
    async with open_office(tmp_path, database_url) as office:
        await office.dispatch_ticket("JS0001")
        await office.application.services.holds.keep_mark()
    async with open_office(tmp_path, database_url, MONDAY + timedelta(hours=3)) as again:
        assert not await again.application.services.holds.is_held()
        assert (await again.request("GET", "/hold", "admin"))["held"] is False
        await again.assert_running()
