"""`jiesu texts`: preview the texts people see or hear, with sample facts."""

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import print_json
from backend.domain.preview import match_keys, render_preview
from backend.domain.texts import Texts, list_languages


@click.command(help=get_texts().render("cli.help.texts"))
@click.argument("key", default="")
@click.option(
    "--language", type=click.Choice(list_languages()), default="zh_CN", help=get_texts().render("cli.help.language")
)
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def texts(key: str, language: str, as_json: bool) -> None:
    """All texts, a group (chat, sms …), or one by its key or name (M1); exit status 1 if there is none."""
    catalogue = Texts(language)
    found = {name: render_preview(catalogue, name) for name in match_keys(catalogue, key)}
    if as_json:
        print_json(found)
    else:
        for name, text in found.items():
            click.echo(f"{name}\n{text}\n")
    if not found:
        print_text("no_text", key=key)
        raise click.exceptions.Exit(1)
