"""`jiesu bulletin`: write a period's documents to a folder, through the running server if there is one (contract §3)."""

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from backend.cli import tell, words
from backend.cli.local import OPERATOR, answer, environment, local_house, now, server
from backend.cli.remote import Server
from backend.domain.refusals import Refused
from backend.scoring.periods import parse_period

PATIENCE = 600.0  # longest wait for the server, in seconds
PAUSE = 0.3


@click.command(help=words().render("cli.help.bulletin"))
@click.option("--month", metavar="2026-10")
@click.option("--quarter", metavar="2026Q4")
@click.option("--year", metavar="2026")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR",
              help=words().render("cli.help.bulletin_out"))  # fmt: skip
@click.option("--kind", metavar="KIND")
@click.option("--profile", metavar="PROFILE", help=words().render("cli.help.bulletin_profile"))
@click.option("--scheme", metavar="ID")
@click.option("--issue", type=click.IntRange(1, 10_000), metavar="N", help=words().render("cli.help.bulletin_issue"))
@click.option("--json", "as_json", is_flag=True, help=words().render("cli.help.json"))
def bulletin(
    month: str | None, quarter: str | None, year: str | None, out: Path, kind: str | None, profile: str | None,
    scheme: str | None, issue: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Exactly one period; exit status 2 for an invalid one."""
    named = [
        (unit, name) for unit, name in (("month", month), ("quarter", quarter), ("year", year)) if name is not None
    ]
    if len(named) != 1:
        raise click.UsageError("--month | --quarter | --year")
    unit, period = named[0]
    _check(unit, period)
    _room_in(out)
    want = {"period": period, "kind": kind, "number": issue, "profile": profile, "scheme": scheme}
    here = environment()
    there = server(here)
    made, files = _asked(there, want) if there is not None else now(_local(want))
    paths = []
    for name, content in files:
        path = out / name
        try:
            path.write_bytes(content)
        except OSError:
            raise Refused("not_writable", path=str(path)) from None
        paths.append(str(path))
    if as_json:
        answer({**made, "files": paths})
        return
    tell("bulletin.done", kind=words().get_word("bulletin", made["kind"]), period=made["period"], year=made["year"],
         number=made["number"])  # fmt: skip
    for written in paths:
        click.echo(written)


def _check(unit: str, period: str) -> None:
    try:
        if parse_period(period).kind == unit:
            return
    except Refused:
        pass
    raise click.BadParameter(period, param_hint=f"--{unit}")


def _room_in(out: Path) -> None:
    """Create the folder if needed and check that it is writable, before any work. Refused `not_writable`."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError:
        raise Refused("not_writable", path=str(out)) from None


def _step(step: str) -> None:
    """Print progress on a terminal."""
    if sys.stderr.isatty():
        tell(f"bulletin.{step}")


async def _local(want: Mapping[str, Any]) -> tuple[dict[str, Any], Sequence[tuple[str, bytes]]]:
    from backend.shelves import bulletins_of

    async with local_house(environment()) as house:
        room = bulletins_of(house)
        issue, files = await room.make(
            want["period"], want["kind"], by=OPERATOR, number=want["number"], profile=want["profile"],
            scheme=want["scheme"], on_step=_step,
        )  # fmt: skip
    made = {"kind": issue.kind, "period": issue.period, "year": issue.year, "number": issue.number,
            "revision": issue.revision}  # fmt: skip
    return made, files


def _asked(there: Server, want: Mapping[str, Any]) -> tuple[dict[str, Any], Sequence[tuple[str, bytes]]]:
    """Have the running server make it, since only it writes its database file. Refused `server_silent` or its error."""
    body = {name: value for name, value in want.items() if value is not None}
    begun = there.ask("POST", "/api/v1/bulletins", body)
    _step("wait")
    until = time.monotonic() + PATIENCE
    while begun["state"] == "making":
        if time.monotonic() > until:
            raise Refused("server_silent", url=there.url)
        time.sleep(PAUSE)
        begun = there.ask("GET", f"/api/v1/bulletins/{begun['id']}")
    if begun["state"] != "ready":
        raise Refused(begun["error"] or "press_failed")
    path = f"/api/v1/bulletins/{begun['id']}"
    files = [(f["name"], there.take(f"{path}/{quote(f['name'])}")) for f in begun["files"]]
    return {name: begun[name] for name in ("kind", "period", "year", "number", "revision")}, files
