"""`jiesu account link`, `jiesu operator create`: one-time links by which somebody chooses a password for themself."""

from typing import Any

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import find_server, format_instant, load_config, open_services, print_json, run_async
from backend.domain.acts import OPERATOR


@click.group(help=get_texts().render("cli.help.account"))
def account() -> None:
    """The group."""


@account.command(help=get_texts().render("cli.help.account_link"))
@click.argument("person")
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def link(person: str, as_json: bool) -> None:
    """For a person of the registry."""
    _issue({"person": person}, person, as_json)


@click.group(help=get_texts().render("cli.help.operator"))
def operator() -> None:
    """The group."""


@operator.command(help=get_texts().render("cli.help.operator_create"))
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def create(name: str, as_json: bool) -> None:
    """A new administrator, or a new link for one there is: nobody can be locked out of their own office."""
    _issue({"administrator": name}, name, as_json)


def _issue(whose: dict[str, str], name: str, as_json: bool) -> None:
    config = load_config()
    running = find_server(config)
    issued: Any = running.request("POST", "/api/v1/account-links", whose) if running else run_async(_issue_here(whose))
    if as_json:
        print_json(issued)
    else:
        click.echo(issued["link"])
    print_text("account_link", name=name, until=format_instant(issued["until"], config))


async def _issue_here(whose: dict[str, str]) -> dict[str, str]:
    from backend.web.api.accounts import issue_link
    from backend.web.request import ApiRequest
    from backend.web.schemas import AccountLinkBody

    async with open_services(load_config()) as services:
        answer = await issue_link(ApiRequest(services, OPERATOR, body=AccountLinkBody(**whose)))
        return {"link": answer.payload["link"], "until": answer.payload["until"]}
