"""Tells commands on this machine where the running server is, and locks the database file for it."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.domain.refusals import Refused

RUN_FILE = "server.json"
LOCK_FILE = "jiesu.lock"


@dataclass(frozen=True, slots=True)
class RunFile:
    """Address, API key and process id of a running server."""

    url: str
    token: str
    pid: int


def write_run_file(data: Path, url: str, token: str) -> None:
    """Write server.json (url, token, pid), mode 0600."""
    data.mkdir(parents=True, exist_ok=True)
    temporary = data / f"{RUN_FILE}.{os.getpid()}"
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump({"url": url, "token": token, "pid": os.getpid()}, file)
    temporary.replace(data / RUN_FILE)


def delete_run_file(data: Path) -> None:
    """Delete server.json on shutdown, unless another process wrote it."""
    found = read_run_file(data)
    if found is not None and found.pid == os.getpid():
        (data / RUN_FILE).unlink(missing_ok=True)


def read_run_file(data: Path) -> RunFile | None:
    """Read server.json; None if it is missing or unreadable. The server named in it need not be alive."""
    try:
        content = json.loads((data / RUN_FILE).read_text("utf-8"))
        return RunFile(str(content["url"]), str(content["token"]), int(content["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextlib.contextmanager
def lock_database(data: Path) -> Iterator[None]:
    """Hold the lock of the database file while inside: one writing process at a time. Refused `in_use`.

    What older versions left readable to others becomes its owner's (XS8).
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in (*data.glob("jiesu.db*"), *data.glob("sandbox.json"), *data.glob("secret.key")):
        left.chmod(0o600)
    with (data / LOCK_FILE).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused("in_use") from None
        yield  # the lock is released with the file, also when the process dies
