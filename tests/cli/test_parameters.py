"""Every command's function takes just what its options and arguments give it."""

import inspect
from collections.abc import Iterator

import click
import pytest

from backend.cli import jiesu as program
from tests.cli.conftest import Jiesu


def list_commands(command: click.Command, path: str = "jiesu") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from list_commands(found, f"{path} {name}")


ALL = dict(list_commands(program))


@pytest.mark.parametrize("path", ALL)
def test_a_command_takes_just_what_its_options_give_it(path: str) -> None:
    command = ALL[path]
    assert command.callback is not None
    given = {one.name for one in command.params if one.expose_value}
    taken = set(inspect.signature(command.callback).parameters) - {"ctx"}  # click's own, not an option
    assert taken == given


def test_recompute_shows_what_a_change_would_move_and_makes_it_when_told(jiesu: Jiesu) -> None:
    for more in ((), ("--apply",)):
        result = jiesu("recompute", "--set", "sign.urgent.limit=3h", *more)
        assert result.status == 0, result.err
