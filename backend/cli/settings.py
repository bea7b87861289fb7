"""`jiesu settings` and `jiesu set`: list the settings in force and change them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import (
    find_server,
    load_config,
    open_core,
    open_services,
    print_json,
    run_async,
)
from backend.cli.import_ import read_pairs
from backend.domain.acts import OPERATOR

if TYPE_CHECKING:
    from backend.domain.settings import Settings


@click.command(help=get_texts().render("cli.help.settings"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def settings(as_json: bool) -> None:
    """List all settings in force, key by key."""
    found = run_async(_load_settings())
    if as_json:
        print_json(found.to_dict())
        return
    name = found.profile.name[get_texts().language]
    origin = get_texts().render("cli.setting_of_profile", name=name)
    for key, value in found.to_dict().items():
        click.echo(f"{key} = {value}{origin if found.has_profiles(key) else ''}")


async def _load_settings() -> "Settings":
    async with open_core(load_config()) as core:
        return (await core.office.snapshot()).settings


@click.command("set", help=get_texts().render("cli.help.set"))
@click.argument("key")
@click.argument("value")
@click.option("--unit", metavar="CODE", help=get_texts().render("cli.help.set_unit"))
@click.option(
    "--with",
    "together",
    multiple=True,
    metavar="KEY=VALUE",
    callback=read_pairs,
    help=get_texts().render("cli.help.set_with"),
)
@click.option("--preview", is_flag=True, help=get_texts().render("cli.help.set_preview"))
@click.option("--recompute", "move", is_flag=True, help=get_texts().render("cli.help.set_recompute"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def set_(
    key: str, value: str, unit: str | None, together: dict[str, str], preview: bool, move: bool, as_json: bool
) -> None:
    """Change a setting from now on; open duties keep their due times unless --recompute moves them."""
    if preview or move:
        from backend.cli.recompute import print_moved, request_recompute

        wanted = {"settings": {key if unit is None else f"{key}@{unit}": value, **together}, "days": {}}
        print_moved(request_recompute(wanted, move and not preview), move and not preview, as_json)
        return
    running = find_server(load_config())
    if running is not None:
        body = {"value": value} | ({"unit": unit} if unit else {}) | ({"together": together} if together else {})
        stored = str(running.request("PUT", f"/api/v1/settings/{quote(key, safe='@.')}", body)["value"])
    else:
        stored = run_async(_set_here(key, value, unit, together))
    if as_json:
        print_json({"key": key, "value": stored})
    print_text("set", key=key if unit is None else f"{key}@{unit}", value=stored)


async def _set_here(key: str, value: str, unit: str | None, together: Mapping[str, str]) -> str:
    from backend.office.settings import set_setting

    async with open_services(load_config()) as services:
        return await set_setting(services.office, services.audit, key, unit, value, OPERATOR.code, together=together)
