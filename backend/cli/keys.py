"""`jiesu key create`: create an API key, printed once."""

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import find_server, load_config, open_services, print_json, run_async
from backend.cli.help import Misused
from backend.domain.acts import OPERATOR
from backend.domain.ticket_enums import Role


@click.group(help=get_texts().render("cli.help.key"))
def key() -> None:
    """The group."""


@key.command(help=get_texts().render("cli.help.key_create"))
@click.option("--person", metavar="CODE", help=get_texts().render("cli.help.person"))
@click.option("--role", type=click.Choice([str(role) for role in Role]), help=get_texts().render("cli.help.role"))
@click.option("--unit", metavar="CODE", help=get_texts().render("cli.help.unit"))
@click.option("--name", required=True, help=get_texts().render("cli.help.name"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def create(person: str | None, role: str | None, unit: str | None, name: str, as_json: bool) -> None:
    """For a person, or a service with a role and optionally a unit."""
    if (person is None) == (role is None):
        raise Misused("just_one", choices="--person | --role")
    config = load_config()
    running = find_server(config)
    fields = {"name": name, "person": person, "role": role, "unit": unit}
    if running is not None:
        body = {k: v for k, v in fields.items() if v is not None}
        secret = str(running.request("POST", "/api/v1/keys", body)["key"])
    else:
        secret = run_async(_create_here(name, person, role, unit))
    if as_json:
        print_json({"key": secret})
    else:
        click.echo(secret)
        print_text("key_once")


async def _create_here(name: str, person: str | None, role: str | None, unit: str | None) -> str:
    from backend.office.settings import create_key

    async with open_services(load_config()) as services:
        return await create_key(
            services.office, services.keys, services.audit, name, OPERATOR.code, person=person, role=role, unit=unit
        )
