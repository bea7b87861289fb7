"""`jiesu recompute`: show how a change of limits or calendar days moves open duties, and with --apply make it."""

from typing import Any

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import find_server, load_config, open_services, print_json, run_async
from backend.cli.import_ import read_pairs
from backend.domain.acts import OPERATOR

DAY_WORDS = {"work": True, "off": False}
MAX_SHOWN = 50  # duties printed one by one


@click.command("recompute", help=get_texts().render("cli.help.recompute"))
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", callback=read_pairs,
              help=get_texts().render("cli.help.recompute_set"))  # fmt: skip
@click.option("--day", "days", multiple=True, metavar="YYYY-MM-DD=work|off", callback=read_pairs,
              help=get_texts().render("cli.help.recompute_day"))  # fmt: skip
@click.option("--apply", is_flag=True, help=get_texts().render("cli.help.recompute_apply"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def recompute(settings: dict[str, str], days: dict[str, str], apply: bool, as_json: bool) -> None:
    """Without --apply nothing is written."""
    body = {"settings": settings, "days": {day: _parse_day_word(word) for day, word in days.items()}}
    print_moved(request_recompute(body, apply), apply, as_json)


def _parse_day_word(word: str) -> bool:
    if word not in DAY_WORDS:
        raise click.BadParameter(word, param_hint="--day")
    return DAY_WORDS[word]


def request_recompute(body: dict[str, Any], apply: bool) -> dict[str, Any]:
    """Preview or apply through the running server if there is one, else here; return the moved duties."""
    running = find_server(load_config())
    if running is not None:
        return dict(running.request("POST", f"/api/v1/recompute/{'apply' if apply else 'preview'}", body))
    return run_async(_recompute_here(body, apply))


async def _recompute_here(body: dict[str, Any], apply: bool) -> dict[str, Any]:
    from backend.deadlines.recompute import parse_days
    from backend.domain.recompute import RuleChange

    async with open_services(load_config()) as services:
        duties = services.deadlines
        change = RuleChange(body["settings"], parse_days(body["days"]))
        zone = services.clock.zone
        found = (await duties.apply(change, OPERATOR)).shifted if apply else await duties.preview(change)
        items = [
            {"ticket": s.ticket_no, "duty": s.duty.id, "kind": str(s.duty.kind), "unit": s.duty.unit,
             "due_at": s.duty.due_at.astimezone(zone).isoformat(), "new_due_at": s.new_due_at.astimezone(zone).isoformat()}
            for s in found
        ]  # fmt: skip
        return {"items": items, "count": len(items)}


def print_moved(found: dict[str, Any], done: bool, as_json: bool) -> None:
    """Print the moved duties, each with its old and new due time."""
    if as_json:
        print_json(found)
    for one in found["items"][:MAX_SHOWN]:
        kind = get_texts().get_word("duty", one["kind"])
        print_text("recompute_line", ticket=one["ticket"], duty=kind, old=one["due_at"], new=one["new_due_at"])
    print_text("recomputed" if done else "would_recompute", n=found["count"])
