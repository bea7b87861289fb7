"""How a command reaches the data: through the running server, or by opening the database itself."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Coroutine
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from backend.app.runfile import lock_database
from backend.domain.refusals import Refused

if TYPE_CHECKING:
    from backend.app.config import Config
    from backend.app.core import Core
    from backend.cli.client import ServerClient
    from backend.services import Services

T = TypeVar("T")


def load_config() -> "Config":
    """Load the configuration from the environment and jiesu.toml. Refused `bad_environment`, `unknown_profile`, `profile_…`."""
    from pydantic import ValidationError

    from backend.app.config import Config

    try:
        return Config()
    except ValidationError as wrong:
        names = sorted({"JIESU_" + ".".join(str(p) for p in e["loc"]).upper() for e in wrong.errors()})
        raise Refused("bad_environment", names=", ".join(names)) from None
    except ValueError:  # an invalid jiesu.toml
        raise Refused("bad_environment", names="jiesu.toml") from None


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    return asyncio.run(coroutine)


def format_instant(written: str, config: "Config") -> str:
    """Return an instant written as ISO text as people of the office read it."""
    return f"{datetime.fromisoformat(written).astimezone(config.zone):%Y-%m-%d %H:%M}"


def silence_logs() -> None:
    """Silence info logs; commands print their own result."""
    import logging
    import sys

    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@contextlib.asynccontextmanager
async def open_services(config: "Config", *, writing: bool = True) -> AsyncIterator["Services"]:
    """Open the services in this process; when writing, own the embedded database file. Refused `in_use`."""
    from backend.app.build_services import open_services
    from backend.app.place import is_embedded

    silence_logs()
    with contextlib.ExitStack() as stack:
        if writing and is_embedded(config):
            stack.enter_context(lock_database(config.data))
        async with open_services(config) as built:
            yield built.services


@contextlib.asynccontextmanager
async def open_core(config: "Config") -> AsyncIterator["Core"]:
    """Open what needs no secret, for reading: rules, people and calendar in force, scores."""
    from backend.app.core import open_core

    silence_logs()
    async with open_core(config) as core:
        yield core


def find_server(config: "Config") -> "ServerClient | None":
    """Return the running server that owns the SQLite file; None if none runs or the database is shared."""
    from backend.app.runfile import read_run_file
    from backend.cli.client import connect

    if not config.resolved_database_url.startswith("sqlite"):
        return None
    run_file = read_run_file(config.data)
    return connect(run_file) if run_file is not None else None


def print_json(document: Any) -> None:
    """Print one JSON document on stdout, and nothing else (contract §3)."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=1))
