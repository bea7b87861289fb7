"""`jiesu key create`: create an API key, printed once."""

import click

from backend.cli import tell, words
from backend.cli.local import OPERATOR, answer, environment, local_house, now, server
from backend.domain.ticket import Role


@click.group(help=words().render("cli.help.key"))
def key() -> None:
    """The group."""


@key.command(help=words().render("cli.help.key_create"))
@click.option("--person", metavar="CODE", help=words().render("cli.help.person"))
@click.option("--role", type=click.Choice([str(role) for role in Role]), help=words().render("cli.help.role"))
@click.option("--unit", metavar="CODE", help=words().render("cli.help.unit"))
@click.option("--name", required=True, help=words().render("cli.help.name"))
@click.option("--json", "as_json", is_flag=True, help=words().render("cli.help.json"))
def create(person: str | None, role: str | None, unit: str | None, name: str, as_json: bool) -> None:
    """For a person, or a service with a role and optionally a unit."""
    if (person is None) == (role is None):
        raise click.UsageError("--person | --role")
    house = environment()
    running = server(house)
    wanted = {"name": name, "person": person, "role": role, "unit": unit}
    if running is not None:
        body = {k: v for k, v in wanted.items() if v is not None}
        secret = str(running.ask("POST", "/api/v1/keys", body)["key"])
    else:
        secret = now(_create(name, person, role, unit))
    if as_json:
        answer({"key": secret})
    else:
        click.echo(secret)
        tell("key_once")


async def _create(name: str, person: str | None, role: str | None, unit: str | None) -> str:
    from backend.office.settings import create_key

    async with local_house(environment()) as house:
        return await create_key(
            house.office, house.keys, house.audit, name, OPERATOR.code, person=person, role=role, unit=unit
        )
