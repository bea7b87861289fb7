"""What a ticket shows to those who read it, in the API and on the console."""

import json

import pytest

from tests.stories.console import sign_in
from tests.stories.office import Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@SQLITE
async def test_a_demand_recognised_as_unreasonable_shows_its_mark_also_when_imported_B43_XM28(office: Office) -> None:
    assignment = {"unit": "U01", "lead": True, "dispatched_at": "2026-10-08T10:00:00+08:00", "signed": "manual",
                  "signed_at": "2026-10-08T11:00:00+08:00", "closed_at": "2026-10-10T11:00:00+08:00"}  # fmt: skip
    history = {
        "ticket_no": "L1", "category": "complaint", "grade": "general", "region": "云岭市",
        "generated_at": "2026-10-08T09:00:00+08:00", "assignments": [assignment],
        "visits": [{"kind": "manual", "at": "2026-10-12T10:00:00+08:00", "answer": "unsatisfied"}],
        "unreasonable": {"decision": "recognised", "decided_at": "2026-10-14T10:00:00+08:00"},
    }  # fmt: skip
    other = {name: value for name, value in history.items() if name != "unreasonable"} | {"ticket_no": "L2"}
    lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in (history, other)).encode()
    assert (await office.upload("/imports/history", "历史.jsonl", lines, "admin"))["imported"] == 2
    assert (await office.flags("L1"), await office.flags("L2")) == (["unreasonable"], [])
    async with sign_in(office, "dispatcher") as console:
        assert "不合理诉求</span>" in await console.get("/tickets/L1")
        assert "不合理诉求</span>" not in await console.get("/tickets/L2")
