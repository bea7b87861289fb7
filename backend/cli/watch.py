"""`jiesu watch`: the watcher on another machine, which rings when the whole installation is gone (operations §8)."""

import os
import shlex
import subprocess
import time
from collections.abc import Callable, Collection, Sequence

import click

from backend.cli import get_texts, print_text
from backend.cli.healthy import ask_health, describe_red

EVERY_SECONDS = 20.0
AFTER_SECONDS = 90.0  # with an answer of ten seconds: rings within three minutes, and not for a restart
COMMAND_SECONDS = 60.0


class Watcher:
    """Rings once when red has lasted, and once when it is over. `ring` is given the state and the codes."""

    def __init__(self, ring: Callable[[str, Sequence[str]], None], after_seconds: float = AFTER_SECONDS) -> None:
        self._ring = ring
        self._after = after_seconds
        self._red_since: float | None = None
        self._has_rung = False

    def see(self, red: Sequence[str], now: float) -> None:
        """Take one look at `now`, in monotonic seconds."""
        if not red:
            if self._has_rung:
                self._ring("green", ())
            self._red_since, self._has_rung = None, False
            return
        self._red_since = now if self._red_since is None else self._red_since
        if not self._has_rung and now - self._red_since >= self._after:
            self._has_rung = True
            self._ring("red", red)


def run_command(command: str, state: str, red: Sequence[str]) -> None:
    """Run the alarm's command; what it does wrong is said and does not end the watch."""
    environment = {**os.environ, "JIESU_WATCH_STATE": state, "JIESU_WATCH_RED": " ".join(red)}
    print_text(f"watch_{state}", red=" ".join(describe_red(get_texts(), code) for code in red))
    try:
        done = subprocess.run(shlex.split(command), env=environment, timeout=COMMAND_SECONDS, check=False)
        failed = str(done.returncode) if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        failed = type(error).__name__
    if failed:
        print_text("watch_command_failed", why=failed)


def say_degraded(said: Collection[str], degraded: Collection[str]) -> set[str]:
    """Say once what begins and what is over of what some do without; return what stands. Nobody is woken for it."""
    for code in sorted({*said} ^ {*degraded}):
        print_text(
            "watch_degraded" if code in degraded else "watch_degraded_over", what=describe_red(get_texts(), code)
        )
    return {*degraded}


@click.command(help=get_texts().render("cli.help.watch"))
@click.argument("url")
@click.option("--alarm", "command", required=True, help=get_texts().render("cli.help.watch_alarm"))
@click.option("--every", default=EVERY_SECONDS, show_default=True, type=click.FloatRange(min=0.05),
              help=get_texts().render("cli.help.watch_every"))  # fmt: skip
@click.option("--after", default=AFTER_SECONDS, show_default=True, type=click.FloatRange(min=0),
              help=get_texts().render("cli.help.watch_after"))  # fmt: skip
def watch(url: str, command: str, every: float, after: float) -> None:
    """Look until stopped. It needs neither settings nor a database."""
    watcher = Watcher(lambda state, red: run_command(command, state, red), after)
    print_text("watching", url=url)
    said: set[str] = set()
    while True:
        report = ask_health(url)
        watcher.see(report["red"], time.monotonic())
        said = say_degraded(said, report["degraded"])
        time.sleep(every)
