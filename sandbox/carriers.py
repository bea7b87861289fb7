"""Finds the simulated carriers that bring themselves: a package beside this file with a `rehearsal.py`.

Its `NAME` is the driver's, its `build({})` returns `Rehearsed`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aiohttp import web

from sandbox.faults import Violations
from sandbox.http_client import SendRequest
from sandbox.telephone.exchange import Exchange


class SimulatedCarrier(Protocol):
    """A carrier that rings the telephones of the rehearsal."""

    name: str
    violations: Violations

    def build_app(self) -> web.Application:
        """Build its API, to be mounted at `/sandbox/<name>`."""
        ...

    def adopt_number(self) -> None:
        """Let people who call the office reach the product over this carrier."""
        ...


@dataclass(frozen=True)
class Surroundings:
    """What a simulated carrier is built of; `real_time` in seconds since 1970."""

    exchange: Exchange
    public_url: str
    real_time: Callable[[], float]
    random_bytes: Callable[[int], bytes]
    send_request: SendRequest


@dataclass(frozen=True)
class Rehearsed:
    """One such carrier: the settings its driver is given, and how it is built from them.

    `build_settings(api_url, derive_secret, folder)`: `derive_secret` makes the same 64 hex digits of a word in every
    process of a rehearsal, `folder` holds its data.
    """

    build_settings: Callable[[str, Callable[[str], str], Path], dict[str, str]]
    build_carrier: Callable[[Surroundings, Mapping[str, str]], SimulatedCarrier]


def list_carriers() -> tuple[str, ...]:
    """Return the names of those there are."""
    return tuple(sorted(file.parent.name for file in Path(__file__).parent.glob("*/rehearsal.py")))
