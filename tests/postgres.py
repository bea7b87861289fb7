"""A PostgreSQL cluster for tests: on a private port of the loopback address, removed afterwards."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def find_programs() -> Path | None:
    """Return the folder of initdb and postgres, or None if they are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def _find_folder() -> str | None:
    """Return the folder in memory where the machine has one of 4 GiB or more; None for the usual temporary folder.

    Each test has a database of its own, some three hundred files; a disk takes a minute of a run to remove them.
    """
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 4 << 30 else None


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@dataclass
class Cluster:
    """A running cluster. `url` is without a database's name and ends in `/`; `run` calls a program on its folder."""

    url: str
    run: Callable[..., None]
    options: str
    log: str

    def stop(self) -> None:
        """Stop it as a crash would: no connection is told, nothing is written."""
        self.run("pg_ctl", "-m", "immediate", "-w", "stop")

    def start(self) -> None:
        """Start it again where it was."""
        self.run("pg_ctl", "-w", "start", "-o", self.options, "-l", self.log)


@contextmanager
def run_cluster() -> Iterator[str]:
    """Run a cluster; yields its URL."""
    with open_cluster() as cluster:
        yield cluster.url


@contextmanager
def open_cluster() -> Iterator[Cluster]:
    """Run a cluster that can be stopped. Raises RuntimeError without programs."""
    programs = find_programs()
    if programs is None:
        raise RuntimeError("PostgreSQL's programs are not installed")
    home = Path(tempfile.mkdtemp(prefix="jiesu-pg-", dir=_find_folder()))
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        as_user = ["runuser", "-u", "postgres", "--"]
        account = pwd.getpwnam("postgres")
        os.chown(home, account.pw_uid, account.pw_gid)
    port = _free_port()
    data = str(home / "data")

    def run(program: str, *arguments: str, check: bool = True) -> None:
        command = [*as_user, str(programs / program), "-D", data, *arguments]
        subprocess.run(command, check=check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home)

    run("initdb", "-U", "jiesu", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off "
        "-c full_page_writes=off -c max_connections=200 -c shared_buffers=64MB"
    )
    cluster = Cluster(f"postgresql://jiesu@127.0.0.1:{port}/", run, options, str(home / "log"))
    cluster.start()
    try:
        yield cluster
    finally:
        run("pg_ctl", "-m", "immediate", "stop", check=False)
        shutil.rmtree(home, ignore_errors=True)
