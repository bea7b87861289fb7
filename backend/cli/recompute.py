"""`jiesu recompute`: show how a change of limits or calendar days moves open duties, and with --apply make it."""

from typing import Any

import click

from backend.cli import tell, words
from backend.cli.bringing import read_pairs
from backend.cli.local import OPERATOR, answer, environment, local_house, now, server

DAYS = {"work": True, "off": False}
SHOWN = 50  # duties printed one by one


@click.command("recompute", help=words().render("cli.help.recompute"))
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", callback=read_pairs,
              help=words().render("cli.help.recompute_set"))  # fmt: skip
@click.option("--day", "days", multiple=True, metavar="YYYY-MM-DD=work|off", callback=read_pairs,
              help=words().render("cli.help.recompute_day"))  # fmt: skip
@click.option("--apply", "do_it", is_flag=True, help=words().render("cli.help.recompute_apply"))
@click.option("--json", "as_json", is_flag=True, help=words().render("cli.help.json"))
def recompute(settings: dict[str, str], days: dict[str, str], do_it: bool, as_json: bool) -> None:
    """Without --apply nothing is written."""
    body = {"settings": settings, "days": {day: _worked(said) for day, said in days.items()}}
    show(asked(body, do_it), do_it, as_json)


def _worked(said: str) -> bool:
    if said not in DAYS:
        raise click.BadParameter(said, param_hint="--day")
    return DAYS[said]


def asked(body: dict[str, Any], do_it: bool) -> dict[str, Any]:
    """Preview or apply through the running server if there is one, else here; return the moved duties."""
    running = server(environment())
    if running is not None:
        return dict(running.ask("POST", f"/api/v1/recompute/{'apply' if do_it else 'preview'}", body))
    return now(_asked(body, do_it))


async def _asked(body: dict[str, Any], do_it: bool) -> dict[str, Any]:
    from backend.deadlines.recompute import parse_days
    from backend.domain.acts import Actor
    from backend.domain.recompute import RuleChange
    from backend.domain.ticket import Role
    from backend.shelves import duties_of

    async with local_house(environment()) as house:
        room = duties_of(house)
        change = RuleChange(body["settings"], parse_days(body["days"]))
        zone = house.clock.zone
        found = (
            (await room.apply(change, Actor(OPERATOR.code, Role.ADMIN))).shifted
            if do_it
            else await room.preview(change)
        )
        items = [
            {"ticket": s.ticket_no, "duty": s.duty.id, "kind": str(s.duty.kind), "unit": s.duty.unit,
             "due_at": s.duty.due_at.astimezone(zone).isoformat(), "new_due_at": s.new_due_at.astimezone(zone).isoformat()}
            for s in found
        ]  # fmt: skip
        return {"items": items, "count": len(items)}


def show(found: dict[str, Any], done: bool, as_json: bool) -> None:
    """Print the moved duties, each with its old and new due time."""
    if as_json:
        answer(found)
    for one in found["items"][:SHOWN]:
        kind = words().get_word("duty", one["kind"])
        tell("recompute_line", ticket=one["ticket"], duty=kind, old=one["due_at"], new=one["new_due_at"])
    tell("recomputed" if done else "would_recompute", n=found["count"])
