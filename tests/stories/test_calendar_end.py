"""Before the working calendar ends there is an alarm; past its end deadlines are refused (FS8, readings §4)."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Grade, Obligation
from backend.integrity.calendar_end import is_calendar_short, list_calendar_findings
from tests.stories.office import Office, november
from tests.time_and_chance import ZONE

END = date(2026, 12, 31)
ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@given(st.integers(-400, 400), st.integers(0, 700))
def test_the_alarm_comes_sixty_days_ahead_and_stays_FS8(ahead: int, shift: int) -> None:
    end = END + timedelta(days=shift)
    today = end - timedelta(days=ahead)
    in_december = today.month == 12 and end.year == today.year
    assert is_calendar_short(today, end) is (ahead <= 60 or in_december)


@ONE_ENGINE
async def test_the_office_sees_the_alarm_until_it_has_the_next_calendar_while_deadlines_past_it_are_refused_FS8(
    office: Office,
) -> None:
    core = office.application.core
    snapshot = await core.office.snapshot()
    assert snapshot.calendar.end == END and office.now.date() == november(9, 9).date()
    [found] = await list_calendar_findings(core.office)
    assert (found.kind, found.subject) == ("calendar_short", "2026-12-31")
    assert "2026-12-31" in Texts().render("finding.calendar_short", subject=found.subject, **found.facts)
    assert "calendar_short" in {f.kind for f in await office.application.services.integrity.check()}  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="calendar_ends"):
        snapshot.due(Obligation.SIGN, Grade.GENERAL, None, datetime(2026, 12, 31, 18, tzinfo=ZONE), None)
