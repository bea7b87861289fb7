"""Two applications in one process, each with its own time: nothing of one is the other's."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from backend.services import Services
from tests.stories.office import MONDAY, Office, open_office, start_clock


async def test_two_applications_in_one_process_share_neither_time_nor_tickets(tmp_path: Path) -> None:
    later = MONDAY + timedelta(days=40)

    def place(name: str) -> tuple[Path, str]:
        (tmp_path / name).mkdir()
        return tmp_path / name, f"sqlite:///{tmp_path / name / 'office.db'}"

    async with (
        open_office(*place("one"), wall_clock=start_clock(MONDAY)) as one,
        open_office(*place("two"), wall_clock=start_clock(later)) as two,
    ):
        assert one.now.date() == MONDAY.date() and two.now.date() == later.date()
        await asyncio.gather(one.dispatch_ticket("T1"), two.dispatch_ticket("T1"))
        await two.advance("3h")
        assert one.now < MONDAY + timedelta(hours=1) < later + timedelta(hours=3) <= two.now
        assert await list_starts(one) == [MONDAY.date()] and await list_starts(two) == [later.date()]
        assert not _list_shared(one.application.services, two.application.services)
        for office in (one, two):
            await office.assert_running()


async def list_starts(office: Office) -> list[object]:
    """The days on which the tickets of an office began."""
    found = await office.request("GET", "/tickets")
    return [
        datetime.fromisoformat(ticket["generated_at"]).astimezone(MONDAY.tzinfo).date() for ticket in found["items"]
    ]


def _list_shared(one: Services, two: Services) -> list[str]:
    """The services that are the same object in both; what is only a function, a text or empty may be."""
    names = [name for name in Services.__dataclass_fields__ if name not in ("process_token", "providers")]
    return [name for name in names if getattr(one, name) is getattr(two, name)]
