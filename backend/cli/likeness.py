"""`jiesu likeness rebuild` and `jiesu clusters`: rebuild the similarity index; group similar tickets of a file or here."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from backend.cli import tell, words
from backend.cli.local import answer, environment, local_house, now, server
from backend.domain.refusals import Refused

SHOWN = 50  # groups printed one by one


@click.group(help=words().render("cli.help.likeness"))
def likeness() -> None:
    """The group."""


@likeness.command(help=words().render("cli.help.rebuild"))
@click.option("--json", "as_json", is_flag=True, help=words().render("cli.help.json"))
def rebuild(as_json: bool) -> None:
    """Recompute the features of all tickets."""
    running = server(environment())
    if running is not None:
        count = int(running.ask("POST", "/api/v1/likeness/rebuild", {})["tickets"])
    else:
        count = now(_rebuild())
    if as_json:
        answer({"tickets": count})
    tell("rebuilt", count=count)


async def _rebuild() -> int:
    async with local_house(environment()) as house:
        return await house.likeness.rebuild()


@click.command(help=words().render("cli.help.clusters"))
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help=words().render("cli.help.clusters_since"))
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help=words().render("cli.help.clusters_until"))
@click.option("--least", type=click.IntRange(20, 100), help=words().render("cli.help.clusters_least"))
@click.option("--json", "as_json", is_flag=True, help=words().render("cli.help.json"))
def clusters(
    file: Path | None, since: datetime | None, until: datetime | None, least: int | None, as_json: bool
) -> None:
    """A file is only read; nothing of it is stored."""
    if file is not None:
        read, groups = _of_file(file, least or 50)
    else:
        if since is None:
            raise click.UsageError(words().render("cli.help.clusters_since"))
        read, groups = _asked(since.date(), until.date() if until else None)
    members = sum(len(group["members"]) for group in groups)
    if as_json:
        answer({"read": read, "groups": groups})
    else:
        for group in groups[:SHOWN]:
            click.echo(words().render("cli.cluster_line", count=len(group["members"]), about=" ".join(group["about"])))
            for one in group["members"]:
                click.echo(words().render("cli.cluster_member", no=one["ticket_no"], title=one["title"]))
    tell("cluster_total", read=read, groups=len(groups), members=members)


def _of_file(file: Path, least: int) -> tuple[int, list[dict[str, Any]]]:
    from backend.importing.files.reader import open_import
    from backend.importing.files.records import TicketRow
    from backend.ports.ticket_features import FeaturedTicket
    from backend.triage.segmenter import extract_ticket_features
    from backend.triage.similarity import group_tickets

    moment = datetime.now(UTC)
    found = []
    for row in open_import("tickets", file, set_values={}, now=moment):
        if isinstance(row, TicketRow):
            about = extract_ticket_features(row.title, row.text, row.place or "", row.region or "")
            found.append(FeaturedTicket(
                row.row, row.ticket_no, "", row.title, row.category, row.region or "", row.place or "", None, False,
                (), 0, row.generated_at, None, about,
            ))  # fmt: skip
    return len(found), [_group(g.common_terms, g.members) for g in group_tickets(found, least / 100)]


def _asked(since: date, until: date | None) -> tuple[int, list[dict[str, Any]]]:
    running = server(environment())
    if running is None:
        return now(_of_house(since, until))
    to = f"&to={until}" if until else ""
    found = running.ask("GET", f"/api/v1/clusters?from={since}{to}")
    return found["read"], found["groups"]


async def _of_house(since: date, until: date | None) -> tuple[int, list[dict[str, Any]]]:
    async with local_house(environment()) as house:
        zone, today = house.clock.zone, house.clock.now().date()
        first, last = (datetime(d.year, d.month, d.day, tzinfo=zone) for d in (since, until or today))
        if last < first:
            raise Refused("bad_field", field="until")
        groups, known = await house.likeness.group_period(first, last + timedelta(days=1))
        return len(known), [_group(g.common_terms, g.members) for g in groups]


def _group(about: Sequence[str], members: Sequence[Any]) -> dict[str, Any]:
    said: Sequence[Mapping[str, str]] = [{"ticket_no": one.no, "title": one.title} for one in members]
    return {"about": list(about), "members": said}
