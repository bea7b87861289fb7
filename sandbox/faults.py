"""Planned faults that make a simulated provider misbehave, and the record of out-of-spec requests."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import web

#: says every violation; the tests listen to it, so that no test passes with one (G14)
VIOLATION_LOG = "sandbox.violations"

BAD_GATEWAY_PAGE = (
    "<html><head><title>502 Bad Gateway</title></head>"
    "<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>"
)


class Fault(StrEnum):
    """Ways in which a provider fails (rows FT23-FT25, FW14-FW17)."""

    BAD_GATEWAY = "bad_gateway"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    TOO_MANY = "too_many"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"
    DELAY = "delay"


# Faults after which the provider has done what it was asked all the same.
EXECUTED_FAULTS = frozenset({Fault.EMPTY, Fault.TRUNCATED, Fault.CUT_AFTER, Fault.DELAY})
STATUS_OF_FAULT = {Fault.SERVER_ERROR: 500, Fault.UNAVAILABLE: 503, Fault.TOO_MANY: 429}


@dataclass(frozen=True)
class Violation:
    """One request outside the documented limits: the provider's code, the method or path, the message."""

    code: int
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.code} {self.where}: {self.what}"


class Violations(list[Violation]):
    """The out-of-spec requests to one `network`, in order; each is logged when it is recorded."""

    def __init__(self, network: str) -> None:
        super().__init__()
        self._network = network

    def record(self, code: int, where: str, what: str) -> None:
        """Record a request: the provider's code, the method or path, the message."""
        self.append(Violation(code, where, what))
        logging.getLogger(VIOLATION_LOG).error("%s %s", self._network, self[-1])


@dataclass
class _Planned:
    fault: Fault
    left: int
    where: str | None
    seconds: float


@dataclass
class Faults:
    """The queue of planned faults of one provider; `where` restricts a fault to a method or part of a path."""

    planned: list[_Planned] = field(default_factory=list)
    history: list[tuple[Fault, str]] = field(default_factory=list)

    def plan_next(self, fault: Fault, times: int = 1, *, where: str | None = None, seconds: float = 1.0) -> None:
        """Plan `fault` for the next `times` requests; `seconds` is the real length of a DELAY or a retry-after."""
        self.planned.append(_Planned(fault, times, where, seconds))

    def clear(self) -> None:
        """Drop the faults that have not happened yet."""
        self.planned.clear()

    def take(self, where: str) -> tuple[Fault, float] | None:
        """Take the fault planned for a request to `where`, if any, with its seconds."""
        for plan in self.planned:
            if plan.where is None or plan.where.lower() in where.lower():
                plan.left -= 1
                if plan.left <= 0:
                    self.planned.remove(plan)
                self.history.append((plan.fault, where))
                return plan.fault, plan.seconds
        return None


Answer = Callable[[], Awaitable[web.Response]]
BuildError = Callable[[int, float], web.Response]


async def respond_with_fault(
    fault: Fault, seconds: float, request: web.Request, answer: Answer, build_error: BuildError
) -> web.Response:
    """Answer `request` with a fault; `build_error` builds an error in the provider's format."""
    if fault is Fault.DELAY:
        await asyncio.sleep(seconds)
    response = await answer() if fault in EXECUTED_FAULTS else None
    match fault:
        case Fault.DELAY if response is not None:
            return response
        case Fault.BAD_GATEWAY:
            return web.Response(status=502, text=BAD_GATEWAY_PAGE, content_type="text/html")
        case Fault.EMPTY:
            return web.Response(status=200)
        case Fault.TRUNCATED if response is not None and isinstance(response.body, bytes):
            half = response.body[: len(response.body) // 2]
            return web.Response(status=response.status, body=half, content_type="application/json")
        case Fault.CUT_BEFORE | Fault.CUT_AFTER:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        case _:
            return build_error(STATUS_OF_FAULT.get(fault, 500), seconds)
