"""What every driver brings besides its messages or calls: settings, webhook routes, lines of `jiesu doctor`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

SettingKind = Literal["text", "secret", "shared", "url", "number"]


@dataclass(frozen=True)
class Setting:
    """One setting of a driver, read from `JIESU_<DRIVER>_<NAME>`.

    `secret` is never shown; `shared` is a secret of ours that stands in an address, so it must be hard to guess; a `url`
    is where secrets are sent, hence https and public unless named; a `number` is above 0 and at most 1,000.
    `choices` () allows anything.
    """

    name: str
    kind: SettingKind = "text"
    required: bool = False
    choices: tuple[str, ...] = ()


class Health(StrEnum):
    """正常, 注意, 不可用."""

    OK = "ok"
    NOTICE = "notice"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. `name` is a text key `cli.checked.…`, `what` is `cli.check.…`, filled with `facts`."""

    name: str
    health: Health
    what: str
    facts: dict[str, Any] = field(default_factory=dict)


class DriverRefused(Exception):
    """A driver whose settings are unsafe or useless: `code` is a refusal, `facts` fill its sentence."""

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


# -- webhooks


@dataclass(frozen=True)
class HookRequest:
    """A request as it came: `target` is the raw path with its query, `address` our configured public base URL.

    `parts` are the variable pieces of the path. The body is bounded, and nothing in it is verified.
    """

    method: str
    address: str
    target: str
    path: str
    parts: Mapping[str, str]
    headers: Sequence[tuple[str, str]]
    body: bytes

    def list_headers(self, name: str) -> list[str]:
        """Return every value of a header; who signs, signs once."""
        return [value for given, value in self.headers if given.lower() == name.lower()]

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's parameters, in order, with blanks and repeats."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def get_param(self, name: str) -> str:
        """Return the first value of a parameter of the query; "" without one."""
        return next((value for given, value in self.query if given == name), "")


@dataclass(frozen=True)
class HookResponse:
    """What a webhook answers."""

    status: int
    text: str = ""
    content_type: str = "text/plain"


class HookRefused(Exception):
    """A webhook is refused with this HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class HostAway(Exception):
    """Our own side cannot work on it now (the database is away, this process may not work): ask again."""


@dataclass(frozen=True)
class Route:
    """One route below `/hooks/<driver>`; `path` may have variable pieces `{name:regex}`."""

    method: str
    path: str
    handle: Callable[[HookRequest], Awaitable[HookResponse]]
