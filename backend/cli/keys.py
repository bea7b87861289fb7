"""`jiesu key create|list|revoke|rotate`: API keys; a secret is printed once."""

from typing import Any

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import find_server, format_instant, load_config, open_services, print_json, run_async
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
@click.option(
    "--days", type=click.IntRange(1, 730), default=365, show_default=True, help=get_texts().render("cli.help.key_days")
)
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def create(person: str | None, role: str | None, unit: str | None, name: str, days: int, as_json: bool) -> None:
    """For a person, or a service with a role and optionally a unit."""
    if (person is None) == (role is None):
        raise Misused("just_one", choices="--person | --role")
    config = load_config()
    running = find_server(config)
    fields = {"name": name, "person": person, "role": role, "unit": unit, "days": days}
    if running is not None:
        body = {k: v for k, v in fields.items() if v is not None}
        secret = str(running.request("POST", "/api/v1/keys", body)["key"])
    else:
        secret = run_async(_create_here(name, person, role, unit, days))
    _print_secret(secret, as_json)


def _print_secret(secret: str, as_json: bool) -> None:
    if as_json:
        print_json({"key": secret})
        return
    click.echo(secret)
    print_text("key_once")


@key.command("list", help=get_texts().render("cli.help.key_list"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def list_(as_json: bool) -> None:
    """All keys, the newest first."""
    config = load_config()
    running = find_server(config)
    items: Any = running.request("GET", "/api/v1/keys")["items"] if running else run_async(_list_here())
    if as_json:
        print_json({"items": items})
        return
    if not items:
        print_text("keys_none")
    for one in items:
        whose = one["person"] or "/".join(filter(None, (one["role"], one["unit"])))
        last, until = (format_instant(at, config) if at else "—" for at in (one["used_at"], one["expires_at"]))
        state = get_texts().get_word("key_state", "living" if one["living"] else "ended")
        click.echo(f"{one['id']}\t{one['name']}\t{whose}\t{state}\t{until}\t{last}")


@key.command(help=get_texts().render("cli.help.key_revoke"))
@click.argument("id", type=click.IntRange(1))
def revoke(id: int) -> None:
    """It opens nothing from the next request on."""
    running = find_server(load_config())
    name = str(running.request("DELETE", f"/api/v1/keys/{id}")["name"]) if running else run_async(_revoke_here(id))
    print_text("key_revoked", name=name)


@key.command(help=get_texts().render("cli.help.key_rotate"))
@click.argument("id", type=click.IntRange(1))
@click.option(
    "--overlap",
    type=click.IntRange(0, 720),
    default=24,
    show_default=True,
    help=get_texts().render("cli.help.key_overlap"),
)
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def rotate(id: int, overlap: int, as_json: bool) -> None:
    """A new key like this one; the old one ends after the overlap."""
    running, body = find_server(load_config()), {"overlap_hours": overlap}
    if running is not None:
        secret = str(running.request("POST", f"/api/v1/keys/{id}/rotate", body)["key"])
    else:
        secret = run_async(_rotate_here(id, overlap))
    _print_secret(secret, as_json)


async def _create_here(name: str, person: str | None, role: str | None, unit: str | None, days: int) -> str:
    async with open_services(load_config()) as services:
        return await services.api_keys.create(name, OPERATOR.code, person=person, role=role, unit=unit, days=days)


async def _list_here() -> Any:
    from backend.web.api.keys import list_keys
    from backend.web.request import ApiRequest

    async with open_services(load_config(), writing=False) as services:
        return (await list_keys(ApiRequest(services, OPERATOR))).payload["items"]


async def _revoke_here(id: int) -> str:
    async with open_services(load_config()) as services:
        return (await services.api_keys.revoke(id, OPERATOR.code)).key.name


async def _rotate_here(id: int, overlap: int) -> str:
    async with open_services(load_config()) as services:
        return await services.api_keys.rotate(id, OPERATOR.code, overlap)
