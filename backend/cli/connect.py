"""How a command reaches the data: through the running server, or by opening the database itself."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import click

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.doorplate import owned

if TYPE_CHECKING:
    from backend.cli.client import ServerClient
    from backend.environment import Environment
    from backend.office.cache import OfficeCache
    from backend.shelves import Shelves

T = TypeVar("T")
OPERATOR = Actor("operator", Role.ADMIN)  # anyone who may run commands on this machine


def load_config() -> "Environment":
    """Load the configuration from the environment and jiesu.toml. Refused `bad_environment`."""
    from pydantic import ValidationError

    from backend.environment import Environment

    try:
        return Environment()
    except ValidationError as wrong:
        names = sorted({"JIESU_" + ".".join(str(p) for p in e["loc"]).upper() for e in wrong.errors()})
        raise Refused("bad_environment", names=", ".join(names)) from None
    except ValueError:  # an invalid jiesu.toml
        raise Refused("bad_environment", names="jiesu.toml") from None


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    return asyncio.run(coroutine)


def silence_logs() -> None:
    """Silence info logs; commands print their own result."""
    import logging
    import sys

    import structlog

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@contextlib.asynccontextmanager
async def open_core(config: "Environment", *, writing: bool = True) -> AsyncIterator["Shelves"]:
    """Open the core services in this process; when writing, own the embedded database file. Refused `in_use`."""
    from backend.shelves import embedded, open_shelves

    silence_logs()
    with contextlib.ExitStack() as stack:
        if writing and embedded(config):
            stack.enter_context(owned(config.data))
        async with open_shelves(config) as core:
            yield core


@contextlib.asynccontextmanager
async def open_local_office(config: "Environment") -> AsyncIterator["OfficeCache"]:
    """Open only the configuration, for reading."""
    from backend.shelves import open_office

    silence_logs()
    async with open_office(config) as office:
        yield office


def find_server(config: "Environment") -> "ServerClient | None":
    """Return the running server that owns the SQLite file; None if none runs or the database is shared."""
    from backend.cli.client import connect
    from backend.doorplate import look

    if not config.database.startswith("sqlite"):
        return None
    run_file = look(config.data)
    return connect(run_file) if run_file is not None else None


def print_json(document: Any) -> None:
    """Print one JSON document on stdout, and nothing else (contract §3)."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=1))
