"""`jiesu settings` and `jiesu set`: list the settings in force and change them."""

from urllib.parse import quote

import click

from backend.cli import tell, words
from backend.cli.local import OPERATOR, answer, environment, local_house, local_office, now, server


@click.command(help=words().render("cli.help.settings"))
@click.option("--json", "as_json", is_flag=True, help=words().render("cli.help.json"))
def settings(as_json: bool) -> None:
    """List all settings in force, key by key."""
    view = now(_view())
    if as_json:
        answer(view)
    else:
        for key, value in view.items():
            click.echo(f"{key} = {value}")


async def _view() -> dict[str, str]:
    async with local_office(environment()) as office:
        return (await office.snapshot()).settings.to_dict()


@click.command("set", help=words().render("cli.help.set"))
@click.argument("key")
@click.argument("value")
@click.option("--unit", metavar="CODE", help=words().render("cli.help.set_unit"))
@click.option("--preview", is_flag=True, help=words().render("cli.help.set_preview"))
@click.option("--recompute", "move", is_flag=True, help=words().render("cli.help.set_recompute"))
@click.option("--json", "as_json", is_flag=True, help=words().render("cli.help.json"))
def set_(key: str, value: str, unit: str | None, preview: bool, move: bool, as_json: bool) -> None:
    """Change a setting from now on; open duties keep their due times unless --recompute moves them."""
    if preview or move:
        from backend.cli.recompute import asked, show

        wanted = {"settings": {key if unit is None else f"{key}@{unit}": value}, "days": {}}
        show(asked(wanted, move and not preview), move and not preview, as_json)
        return
    running = server(environment())
    if running is not None:
        body = {"value": value} | ({"unit": unit} if unit else {})
        written = str(running.ask("PUT", f"/api/v1/settings/{quote(key, safe='@.')}", body)["value"])
    else:
        written = now(_set(key, value, unit))
    if as_json:
        answer({"key": key, "value": written})
    tell("set", key=key if unit is None else f"{key}@{unit}", value=written)


async def _set(key: str, value: str, unit: str | None) -> str:
    from backend.office.settings import set_setting

    async with local_house(environment()) as house:
        return await set_setting(house.office, house.audit, key, unit, value, OPERATOR.code)
