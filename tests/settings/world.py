"""An office that exists in memory only, under the settings a test gives it, and stand-ins for what its services ask."""

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from backend.domain.records import Person, Unit
from backend.domain.ticket_enums import Role, UnitKind
from backend.office.cache import OfficeCache
from backend.ports.office import OfficeConfig
from tests.chats import bind_to
from tests.time_and_chance import build_clock

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 10, 9, 30, tzinfo=ZONE)  # a Tuesday
UNITS = (
    Unit("M01", "市热线", UnitKind.MANAGEMENT, "A市"),
    Unit("U01", "住建局", UnitKind.HANDLING, "A市"),
    Unit("U02", "交通局", UnitKind.HANDLING, "A市"),
)
PEOPLE = (
    Person("H1", "李明", "U01", Role.HANDLER, chats=bind_to("chat-H1")),
    Person("H2", "王芳", "U01", Role.HANDLER, chats=bind_to("chat-H2")),
    Person("L1", "赵联", "U01", Role.LIAISON, chats=bind_to("chat-L1")),
    Person("B1", "钱领", "U01", Role.LEADER, chats=bind_to("chat-B1")),
)


class Fake:
    """Gives prepared answers (a function is asked for its), remembers every question, knows nothing else."""

    def __init__(self, **answers: Any) -> None:
        self.answers, self.asked = answers, list[tuple[str, tuple[Any, ...], dict[str, Any]]]()

    def __getattr__(self, name: str) -> Any:
        if name not in self.answers:
            raise AttributeError(f"nobody expected {name}")

        async def method(*given: Any, **named: Any) -> Any:
            self.asked.append((name, given, named))
            answer = self.answers[name]
            return answer(*given, **named) if callable(answer) else answer

        return method

    def list_asked(self, name: str) -> list[tuple[Any, ...]]:
        """What was given each time this was asked."""
        return [given for asked, given, _ in self.asked if asked == name]


class Ids:
    """An endless supply of ids."""

    def __init__(self) -> None:
        self._numbers = count(1)

    async def refill(self, need: int = 1) -> None:
        return None

    def take(self) -> int:
        return next(self._numbers)


class Hands:
    """The hands of the office's clock."""

    def __init__(self, at: datetime) -> None:
        self.at = at


def build_office(settings: Mapping[str, str], at: datetime = NOW) -> tuple[OfficeCache, Hands]:
    """An office of one institution and two units under these settings, and its clock."""
    config, hands = OfficeConfig(1, {unit.code: unit for unit in UNITS}, PEOPLE, settings), Hands(at)
    store = Fake(get_epoch=1, load=config, list_versions=[])
    return OfficeCache(store, build_clock(lambda: hands.at), "jilin"), hands  # type: ignore[arg-type]
