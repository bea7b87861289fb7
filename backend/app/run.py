"""Runs the application in the foreground: sets up its log, prints the addresses, stops on SIGINT or SIGTERM."""

import asyncio
import contextlib
import errno
import logging
import os
import signal
import sys
from collections.abc import Callable, Collection, Iterator, MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog

from backend.app.application import Application
from backend.app.config import Config
from backend.domain.acts import OPERATOR
from backend.domain.refusals import Refused
from backend.domain.texts import Texts

FIRST_LINK_FILE = "first-run"
EXIT_OUTDATED = 75  # EX_TEMPFAIL: try again later


def reduce_move_line(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Reduce the log line of a move to the fields of contract §8; it has its own time."""
    if line.get("event") != "moved":
        return line
    return {"event": "moved"} | {name: value for name, value in line.items() if name not in ("level", "timestamp")}


def configure_logging(config: Config) -> None:
    """Configure logging: one JSON object a line, or readable lines on a terminal; errors only from other libraries."""
    form = config.log_format or ("console" if sys.stderr.isatty() else "json")
    last: list[Any] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if form == "console"
        else [
            reduce_move_line,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout if form == "json" else sys.stderr),
        cache_logger_on_first_use=True,
    )  # fmt: skip
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(name)s: %(message)s")
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # a malformed request is not worth a line (FW29)


@contextlib.contextmanager
def take_over_terminal() -> Iterator[None]:
    """Under `make run`, let Ctrl-C reach only this process: make would die of it, and a clean stop would not exit 0.

    The terminal is given back afterwards; without one nothing is done.
    """
    if os.environ.get("JIESU_OWN_TERMINAL") != "1" or not sys.stdin.isatty():
        yield
        return
    terminal, former = sys.stdin.fileno(), os.getpgrp()
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # taking and giving back the terminal must not stop us
    try:
        os.setpgid(0, 0)
        os.tcsetpgrp(terminal, os.getpid())
    except OSError:  # a session leader, or another session's terminal: Ctrl-C reaches us anyway
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.tcsetpgrp(terminal, former)


async def run_until_stopped(
    config: Config,
    roles: Collection[str],
    open_application: Callable[[Config, Collection[str]], AbstractAsyncContextManager[Application]],
) -> int:
    """Open, print the addresses, wait for SIGINT or SIGTERM, close; return 0, or 1 if it could not be opened.

    75 when only newer code may work on the database and nobody stopped this one: whoever starts it again starts that.
    """
    configure_logging(config)
    texts = Texts(config.language)
    stopped, status = asyncio.Event(), 0
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        with take_over_terminal():
            async with open_application(config, roles) as application:
                print(
                    _render_welcome(config, await _create_sign_in_link(config, roles, application), texts), flush=True
                )
                if "web" in roles and not config.sandbox:
                    await _offer_first_link(config, application, texts)
                if application.services.holds.current is not None:
                    print(texts.render("cli.check.held"), file=sys.stderr, flush=True)
                if "web" in roles and config.is_called_by_nobody:
                    print(texts.render("cli.check.hosts_none", host=config.host), file=sys.stderr, flush=True)
                if await _wait_for_end(stopped, application.services.gate.expired):
                    print(texts.render("cli.outdated"), file=sys.stderr, flush=True)
                    status = EXIT_OUTDATED
                print(texts.render("cli.closing"), file=sys.stderr, flush=True)
    except Refused as refused:
        print(texts.render_refusal(refused.code, dict(refused.facts)), file=sys.stderr)
        return 1
    except OSError as error:
        print(texts.render("cli.port_taken", host=config.host, port=config.port,
                            why=texts.get_word_or_value("os_error", errno.errorcode.get(error.errno or 0, type(error).__name__))),
              file=sys.stderr)  # fmt: skip
        return 1
    return status


async def _wait_for_end(stopped: asyncio.Event, expired: asyncio.Event) -> bool:
    """Wait until stopped, or until the process may not work any more; return whether that was why."""
    waiting = [asyncio.create_task(event.wait()) for event in (stopped, expired)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return not stopped.is_set()


async def _create_sign_in_link(config: Config, roles: Collection[str], application: Application) -> str:
    """Return a link that signs in once, in a rehearsal; "" elsewhere."""
    if not config.sandbox or "web" not in roles:
        return ""
    services = application.services
    code = await services.keys.create_sign_in_token(OPERATOR.account, services.clock.now())
    return f"{config.local_url}/sign-in?code={code}"


async def _offer_first_link(config: Config, application: Application, texts: Texts) -> None:
    """Offer the link by which the first administrator chooses a password: in a file of its owner, and on a terminal (FA6).

    Never in a log: whoever reads it could use it.
    """
    link = await application.services.accounts.issue_first_link()
    file = config.data / FIRST_LINK_FILE
    if link is None:
        file.unlink(missing_ok=True)
        return
    address = f"{config.base_url.rstrip('/')}/account/link?token={link.token}"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as written:
        written.write(f"{address}\n")
    if sys.stderr.isatty():
        print(texts.render("cli.first_link", link=address, file=str(file)), file=sys.stderr, flush=True)


def _render_welcome(config: Config, link: str, texts: Texts) -> str:
    here = f"http://{config.host}:{config.port}"
    key = "cli.welcome"
    if config.sandbox:
        key = "cli.welcome_samples" if config.samples else "cli.welcome_sandbox"
    return texts.render(key, console=f"{here}/", sandbox=f"{here}/sandbox", api=f"{here}/api/openapi.json", link=link)
