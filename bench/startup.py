"""P10: the CPU cost of `jiesu --help`, and what commands without a bot import."""

import json
import os
import resource
import secrets
import subprocess
import sys
from collections.abc import Iterable

from bench.harness import Figure, judge

_RUN_HELP = "import sys; sys.argv = ['jiesu', '--help']; from backend.cli import main; main()"
_LIST_MODULES = """
import contextlib, io, json, sys
sys.argv = ['jiesu', *{words!r}]
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    try:
        from backend.cli import main
        main()
    except SystemExit:
        pass
print(json.dumps(sorted(n for n in ('aiogram', 'twilio', 'aiohttp', 'sqlalchemy', 'openpyxl') if n in sys.modules)))
"""
#: Commands that need no bot; with --help all their imports happen and nothing is done.
WITHOUT_BOT = (["--help"], ["due", "--help"], ["import", "--help"], ["verify", "--help"], ["score", "--help"])


def run(small: bool) -> Iterable[Figure]:
    """Measure the command line as a user starts it."""
    costs = [_measure_cpu([sys.executable, "-c", _RUN_HELP]) for _ in range(5)]
    yield judge("P10", "jiesu --help: CPU", "", costs, most=0.5, unit="s")
    bare = [_measure_cpu([sys.executable, "-c", "pass"]) for _ in range(5)]
    yield judge("P10", "a bare interpreter, for comparison", "", bare, unit="s")
    loaded = {" ".join(words): _list_modules(words) for words in WITHOUT_BOT}
    with_bot = [words for words, found in loaded.items() if "aiogram" in found]
    note = "; ".join(f"{words}: {', '.join(found) or 'nothing heavy'}" for words, found in loaded.items())
    yield judge(
        "P10", "commands without a bot that import aiogram", "", [float(len(with_bot))], most=0, unit="", note=note
    )


def _measure_cpu(command: list[str]) -> float:
    """Run a child process and return its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "JIESU_SECRET_KEY": secrets.token_urlsafe(32)},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _list_modules(words: list[str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _LIST_MODULES.format(words=words)], capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
