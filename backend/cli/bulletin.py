"""`jiesu bulletin`: write a period's documents to a folder, through the running server if there is one (contract §3)."""

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from backend.cli import get_texts, print_text
from backend.cli.client import ServerClient
from backend.cli.connect import find_server, load_config, open_services, print_json, run_async
from backend.cli.help import Misused
from backend.domain.acts import OPERATOR
from backend.domain.refusals import Refused
from backend.scoring.periods import parse_period

WAIT_SECONDS = 600.0  # longest wait for the server, in seconds
POLL_SECONDS = 0.3


@click.command(help=get_texts().render("cli.help.bulletin"))
@click.option("--month", metavar="2026-10", help=get_texts().render("cli.help.month"))
@click.option("--quarter", metavar="2026Q4", help=get_texts().render("cli.help.quarter"))
@click.option("--year", metavar="2026", help=get_texts().render("cli.help.year"))
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR",
              help=get_texts().render("cli.help.bulletin_out"))  # fmt: skip
@click.option("--kind", metavar="KIND", help=get_texts().render("cli.help.bulletin_kind"))
@click.option("--profile", metavar="PROFILE", help=get_texts().render("cli.help.bulletin_profile"))
@click.option("--scheme", metavar="ID", help=get_texts().render("cli.help.scheme"))
@click.option(
    "--issue", type=click.IntRange(1, 10_000), metavar="N", help=get_texts().render("cli.help.bulletin_issue")
)
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def bulletin(
    month: str | None, quarter: str | None, year: str | None, out: Path, kind: str | None, profile: str | None,
    scheme: str | None, issue: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Exactly one period; exit status 2 for an invalid one."""
    named = [
        (unit, name) for unit, name in (("month", month), ("quarter", quarter), ("year", year)) if name is not None
    ]
    if len(named) != 1:
        raise Misused("just_one", choices="--month | --quarter | --year")
    unit, period = named[0]
    _check_period(unit, period)
    _prepare_folder(out)
    request = {"period": period, "kind": kind, "number": issue, "profile": profile, "scheme": scheme}
    config = load_config()
    there = find_server(config)
    made, files = _make_on_server(there, request) if there is not None else run_async(_make_here(request))
    paths = []
    for name, content in files:
        path = out / name
        try:
            path.write_bytes(content)
        except OSError:
            raise Refused("not_writable", path=str(path)) from None
        paths.append(str(path))
    if as_json:
        print_json({**made, "files": paths})
        return
    print_text("bulletin.done", kind=get_texts().get_word("bulletin", made["kind"]), period=made["period"], year=made["year"],
         number=made["number"])  # fmt: skip
    for printed in paths:
        click.echo(printed)


def _check_period(unit: str, period: str) -> None:
    try:
        if parse_period(period).kind == unit:
            return
    except Refused:
        pass
    raise click.BadParameter(period, param_hint=f"--{unit}")


def _prepare_folder(out: Path) -> None:
    """Create the folder if needed and check that it is writable, before any work. Refused `not_writable`."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError:
        raise Refused("not_writable", path=str(out)) from None


def _print_step(step: str) -> None:
    """Print progress on a terminal."""
    if sys.stderr.isatty():
        print_text(f"bulletin.{step}")


async def _make_here(request: Mapping[str, Any]) -> tuple[dict[str, Any], Sequence[tuple[str, bytes]]]:
    async with open_services(load_config()) as services:
        issue, files = await services.reporting.make(
            request["period"], request["kind"], by=OPERATOR, number=request["number"], profile=request["profile"],
            scheme=request["scheme"], on_step=_print_step,
        )  # fmt: skip
    made = {"kind": issue.kind, "period": issue.period, "year": issue.year, "number": issue.number,
            "revision": issue.revision}  # fmt: skip
    return made, files


def _make_on_server(
    server: ServerClient, request: Mapping[str, Any]
) -> tuple[dict[str, Any], Sequence[tuple[str, bytes]]]:
    """Have the running server make it, since only it writes its database file. Refused `server_silent` or its error."""
    body = {name: value for name, value in request.items() if value is not None}
    issue = server.request("POST", "/api/v1/bulletins", body)
    _print_step("wait")
    until = time.monotonic() + WAIT_SECONDS
    while issue["state"] == "making":
        if time.monotonic() > until:
            raise Refused("server_silent", url=server.url)
        time.sleep(POLL_SECONDS)
        issue = server.request("GET", f"/api/v1/bulletins/{issue['id']}")
    if issue["state"] != "ready":
        raise Refused(issue["error"] or "press_failed")
    path = f"/api/v1/bulletins/{issue['id']}"
    files = [(f["name"], server.download(f"{path}/{quote(f['name'])}")) for f in issue["files"]]
    return {name: issue[name] for name in ("kind", "period", "year", "number", "revision")}, files
