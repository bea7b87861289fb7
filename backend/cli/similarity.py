"""`jiesu similarity rebuild` and `jiesu clusters`: rebuild the similarity index; group similar tickets of a file or here."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import find_server, load_config, open_services, print_json, run_async
from backend.cli.help import Misused
from backend.domain.refusals import Refused

MAX_SHOWN = 50  # groups printed one by one


@click.group(help=get_texts().render("cli.help.similarity"))
def similarity() -> None:
    """The group."""


@similarity.command(help=get_texts().render("cli.help.rebuild"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def rebuild(as_json: bool) -> None:
    """Recompute the features of all tickets."""
    running = find_server(load_config())
    if running is not None:
        count = int(running.request("POST", "/api/v1/similarity/rebuild", {})["tickets"])
    else:
        count = run_async(_rebuild_here())
    if as_json:
        print_json({"tickets": count})
    print_text("rebuilt", count=count)


async def _rebuild_here() -> int:
    async with open_services(load_config()) as services:
        return await services.similarity.rebuild()


@click.command(help=get_texts().render("cli.help.clusters"))
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help=get_texts().render("cli.help.clusters_since"))
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help=get_texts().render("cli.help.clusters_until"))
@click.option("--least", type=click.IntRange(20, 100), help=get_texts().render("cli.help.clusters_least"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def clusters(
    file: Path | None, since: datetime | None, until: datetime | None, least: int | None, as_json: bool
) -> None:
    """A file is only read; nothing of it is stored."""
    if file is not None:
        read, groups = _cluster_file(file, least or 50)
    else:
        if since is None:
            raise Misused("just_one", choices="FILE | --since")
        read, groups = _cluster_stored(since.date(), until.date() if until else None)
    members = sum(len(group["members"]) for group in groups)
    if as_json:
        print_json({"read": read, "groups": groups})
    else:
        for group in groups[:MAX_SHOWN]:
            click.echo(
                get_texts().render("cli.cluster_line", count=len(group["members"]), about=" ".join(group["about"]))
            )
            for one in group["members"]:
                click.echo(get_texts().render("cli.cluster_member", no=one["ticket_no"], title=one["title"]))
    print_text("cluster_total", read=read, groups=len(groups), members=members)


def _cluster_file(file: Path, least: int) -> tuple[int, list[dict[str, Any]]]:
    from backend.importing.files.reader import open_import
    from backend.importing.files.records import TicketRow
    from backend.ports.triage import FeaturedTicket
    from backend.triage.segmenter import extract_ticket_features
    from backend.triage.similarity import group_tickets

    moment = datetime.now(UTC)
    found = []
    for row in open_import("tickets", file, set_values={}, now=moment):
        if isinstance(row, TicketRow):
            about = extract_ticket_features(row.title, row.text, row.place, row.region)
            found.append(FeaturedTicket(
                row.row, row.ticket_no, "", row.title, row.category, row.region, row.place, None, False,
                (), 0, row.generated_at, None, about,
            ))  # fmt: skip
    return len(found), [_dump_group(g.common_terms, g.members) for g in group_tickets(found, least / 100)]


def _cluster_stored(since: date, until: date | None) -> tuple[int, list[dict[str, Any]]]:
    running = find_server(load_config())
    if running is None:
        return run_async(_cluster_here(since, until))
    to = f"&to={until}" if until else ""
    found = running.request("GET", f"/api/v1/clusters?from={since}{to}")
    return found["read"], found["groups"]


async def _cluster_here(since: date, until: date | None) -> tuple[int, list[dict[str, Any]]]:
    async with open_services(load_config()) as services:
        zone, today = services.clock.zone, services.clock.now().date()
        first, last = (datetime(d.year, d.month, d.day, tzinfo=zone) for d in (since, until or today))
        if last < first:
            raise Refused("bad_field", field="until")
        groups, tickets = await services.similarity.group_period(first, last + timedelta(days=1))
        return len(tickets), [_dump_group(g.common_terms, g.members) for g in groups]


def _dump_group(about: Sequence[str], members: Sequence[Any]) -> dict[str, Any]:
    listed: Sequence[Mapping[str, str]] = [{"ticket_no": one.no, "title": one.title} for one in members]
    return {"about": list(about), "members": listed}
