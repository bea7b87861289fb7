"""Translates click's own help and usage sentences into the chosen language."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click

from backend.domain.texts import Texts

#: Click's own phrases → their key under `cli.page`.
CLICK_PHRASES = {
    "Options": "options", "Commands": "commands", "Positional arguments": "arguments",
    "Show this message and exit.": "help", "Show the version and exit.": "version",
}  # fmt: skip


def translate_help(texts: Texts) -> None:
    """Format every help page in this language, through click's `formatter_class`, so that no command needs to."""

    def said(text: str) -> str:
        translated = texts.render(f"cli.page.{CLICK_PHRASES[text]}") if text in CLICK_PHRASES else text
        return translated.replace("[required]", texts.render("cli.page.required")).replace(
            "[default: ", texts.render("cli.page.default")
        )

    class Spoken(click.HelpFormatter):
        """Click's formatter with its own phrases translated."""

        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            super().write_usage(prog, args, prefix or texts.render("cli.page.usage"))

        @contextmanager
        def section(self, name: str) -> Iterator[None]:
            with super().section(said(name)):
                yield

        def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
            super().write_dl([(name, said(text)) for name, text in rows], col_max, col_spacing)

    click.Context.formatter_class = Spoken


def describe_usage_error(texts: Texts, error: click.UsageError) -> str:
    """Describe a usage error in this language where we have a text, else in click's words."""
    param = getattr(error, "param", None)
    what = param.human_readable_name if isinstance(param, click.Argument) else "/".join(param.opts) if param else ""
    if isinstance(error, click.MissingParameter) and param is not None:
        return texts.render("cli.page.missing", what=what)
    if isinstance(error, click.NoSuchOption):
        return texts.render("cli.page.no_option", what=error.option_name)
    if isinstance(error, click.BadOptionUsage):
        return texts.render("cli.page.no_value", what=error.option_name)
    if named := getattr(error, "command_name", ""):  # click's NoSuchCommand, where it has one
        return texts.render("cli.page.no_command", what=named)
    if param is not None and isinstance(param.type, click.Choice):
        return texts.render("cli.page.choose", what=what, choices=" ".join(map(str, param.type.choices)))
    return error.format_message()
