"""The command line; each command's module is imported only when it is called (P10)."""

import json
import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import click

from backend.cli.help import describe_usage_error, translate_help
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.ports.availability import Unavailable

#: Command → `module:function`.
COMMANDS = {
    "serve": "backend.cli.serve:serve",
    "db": "backend.cli.database:database",
    "doctor": "backend.cli.doctor:doctor",
    "healthy": "backend.cli.healthy:healthy",
    "watch": "backend.cli.watch:watch",
    "verify": "backend.cli.verify:verify",
    "check": "backend.cli.check:check",
    "backup": "backend.cli.backup:backup",
    "restore": "backend.cli.restore:restore",
    "release": "backend.cli.release:release",
    "operator": "backend.cli.account:operator",
    "account": "backend.cli.account:account",
    "key": "backend.cli.keys:key",
    "import": "backend.cli.import_:import_file",
    "due": "backend.cli.due:due",
    "recompute": "backend.cli.recompute:recompute",
    "settings": "backend.cli.settings:settings",
    "set": "backend.cli.settings:set_",
    "score": "backend.cli.score:score",
    "runs": "backend.cli.runs:runs",
    "readiness": "backend.cli.readiness:readiness",
    "bulletin": "backend.cli.bulletin:bulletin",
    "sandbox": "backend.cli.sandbox:sandbox",
    "binding": "backend.cli.binding:binding",
    "similarity": "backend.cli.similarity:similarity",
    "clusters": "backend.cli.similarity:clusters",
    "texts": "backend.cli.texts:texts",
}


@cache
def get_texts() -> Texts:
    """Return the texts in the language of `JIESU_LANGUAGE`, default Chinese."""
    language = os.environ.get("JIESU_LANGUAGE", "")
    return Texts(language if language in ("zh_CN", "en") else "zh_CN")


def print_text(key: str, /, **facts: Any) -> None:
    """Print a sentence of the text catalogue on stderr."""
    click.echo(get_texts().render(f"cli.{key}", **facts), err=True)


class LazyGroup(click.Group):
    """A group that imports a command when it is called; listing them reads only their help texts."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; None if unknown."""
        where = COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, name = where.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, without importing any."""
        with formatter.section(get_texts().render("cli.commands")):
            formatter.write_dl([(name, get_texts().render(f"cli.help.{name}")) for name in COMMANDS])


@click.group(
    cls=LazyGroup, help=get_texts().render("cli.help.jiesu"), context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option("--debug", is_flag=True, help=get_texts().render("cli.help.debug"))
@click.version_option(package_name="jiesu")
@click.pass_context
def jiesu(ctx: click.Context, debug: bool) -> None:
    """The top-level group; its help is in the text catalogue."""
    ctx.obj = debug


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 refused or some rows refused, 2 usage (contract §3)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given  # allowed anywhere on the line
    translate_help(get_texts())
    arguments_left = ["--debug"] * debug + [word for word in given if word != "--debug"]
    try:
        status = jiesu.main(arguments_left, prog_name="jiesu", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.exceptions.NoArgsIsHelpError as no_arguments:
        no_arguments.show()
        return 2
    except click.UsageError as usage:
        print_text("usage")
        click.echo(describe_usage_error(get_texts(), usage), err=True)
        if usage.ctx is not None:
            click.echo(usage.ctx.get_usage(), err=True)
        print_text("page.see", command=usage.ctx.command_path if usage.ctx is not None else "jiesu")
        return 2
    except click.ClickException as other:
        other.show()
        return other.exit_code
    except (click.Abort, KeyboardInterrupt):
        print_text("stopped")
        return 1
    except (Refused, Unavailable) as error:
        if debug:
            raise
        refused = Refused(error.code) if isinstance(error, Unavailable) else error
        sentence = get_texts().render_refusal(refused.code, refused.facts)
        if "--json" in given:
            click.echo(json.dumps({"error": {"code": refused.code, "message": sentence, "details": refused.facts}},
                                  ensure_ascii=False, indent=1, default=str))  # fmt: skip
        click.echo(sentence, err=True)
        return 1
    except BrokenPipeError:
        return 1
    except Exception as error:  # the only catch-all: a short sentence, never a traceback
        if debug:
            raise
        print_text("accident", what=type(error).__name__)
        return 1


def main() -> None:
    """The program `jiesu`; what it writes is for its owner's eyes only (XS8)."""
    os.umask(0o077)
    sys.exit(run())
