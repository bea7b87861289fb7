"""Translates click's own help and usage sentences into the chosen language; no command says a sentence of its own."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from backend.domain.texts import Texts

#: Click's own phrases → their key under `cli.page`.
CLICK_PHRASES = {
    "Options": "options", "Commands": "commands", "Positional arguments": "arguments",
    "Show this message and exit.": "help", "Show the version and exit.": "version",
}  # fmt: skip
#: What click writes in a usage line → its key under `cli.page`.
USAGE_WORDS = {"[OPTIONS]": "some_options", "COMMAND [ARGS]...": "a_command"}
#: Kind of value → its key under `cli.page`, which says what is to be written.
KINDS_OF_VALUE: Sequence[tuple[type[click.types.ParamType[Any]], str]] = (
    (click.Choice, "choose"),
    (click.Path, "no_file"),
    (click.IntRange, "in_range"),
    (click.FloatRange, "in_range"),
    (type(click.INT), "whole_number"),
    (type(click.FLOAT), "number"),
    (click.DateTime, "date"),
)
_IN_BRACKETS = re.compile(r"\((.*)\)")  # how click names arguments beyond those it knows


class Misused(click.UsageError):
    """A command is used wrongly in a way click does not know: `key` is below `cli.page`, the facts fill its sentence."""

    def __init__(self, key: str, **facts: object) -> None:
        super().__init__(key)
        self.key = key
        self.facts = facts


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
            for written, key in USAGE_WORDS.items():
                args = args.replace(written, texts.render(f"cli.page.{key}"))
            super().write_usage(prog, args, prefix or texts.render("cli.page.usage"))

        @contextmanager
        def section(self, name: str) -> Iterator[None]:
            with super().section(said(name)):
                yield

        def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
            super().write_dl([(name, said(text)) for name, text in rows], col_max, col_spacing)

    click.Context.formatter_class = Spoken


def describe_usage_error(texts: Texts, error: click.UsageError) -> str:
    """Describe a usage error in this language; what click says itself is never shown."""
    key, facts = _word(error)
    return texts.render(f"cli.page.{key}", **facts)


def _word(error: click.UsageError) -> tuple[str, dict[str, object]]:
    """Return the key of the sentence, below `cli.page`, and its facts."""
    if isinstance(error, Misused):
        return error.key, error.facts
    if isinstance(error, click.NoSuchOption):
        return "no_option", {"what": error.option_name}
    if isinstance(error, click.BadOptionUsage):
        is_flag = "does not take" in error.message  # click has one class for both
        return "takes_no_value" if is_flag else "no_value", {"what": error.option_name}
    if named := getattr(error, "command_name", ""):  # click's NoSuchCommand, where it has one
        return "no_command", {"what": named}
    if isinstance(error, click.BadParameter):
        return _word_value(error)
    if error.ctx is not None and isinstance(error.ctx.command, click.Group):
        return "command_missing", {}
    beyond = _IN_BRACKETS.search(error.message)
    return "too_many", {"what": beyond[1] if beyond else ""}


def _word_value(error: click.BadParameter) -> tuple[str, dict[str, object]]:
    hint = error.param_hint if isinstance(error.param_hint, str) else ""
    param = (
        error.param or next((p for p in error.ctx.command.params if hint in p.opts), None) if error.ctx else error.param
    )
    if param is None:
        return "wrong", {"what": hint, "found": error.message}
    what = param.human_readable_name if isinstance(param, click.Argument) else "/".join(param.opts)
    if isinstance(error, click.MissingParameter):
        return "missing", {"what": what}
    for kind, key in KINDS_OF_VALUE:
        if isinstance(param.type, kind):
            choices = param.type.choices if isinstance(param.type, click.Choice) else ()
            low, high = getattr(param.type, "min", None), getattr(param.type, "max", None)
            return key, {"what": what, "choices": " ".join(map(str, choices)), "low": low, "high": high}
    return "wrong", {"what": what, "found": error.message, "form": param.metavar}
