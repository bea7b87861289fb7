"""A PostgreSQL of the tests' own: started on a private port of the loopback address, gone afterwards."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """Where initdb and postgres are, if this machine has them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    plain = shutil.which("initdb")
    return Path(plain).parent if plain else None


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def cluster() -> Iterator[str]:
    """A running cluster; yields a URL without the database's name, ending in `/`."""
    where = programs()
    if where is None:
        raise RuntimeError("PostgreSQL's programs are not installed")
    home = Path(tempfile.mkdtemp(prefix="jiesu-pg-"))
    runas: list[str] = []
    if os.geteuid() == 0:
        runas = ["runuser", "-u", "postgres", "--"]
        account = pwd.getpwnam("postgres")
        os.chown(home, account.pw_uid, account.pw_gid)
    port = _free_port()
    data = home / "data"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": home}
    subprocess.run([*runas, str(where / "initdb"), "-D", str(data), "-U", "jiesu", "-A", "trust", "-E", "UTF8",
                    "--locale=C.UTF-8", "--no-sync"], check=True, **quiet)  # type: ignore[call-overload]  # fmt: skip
    options = (f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off "
               "-c full_page_writes=off -c max_connections=200 -c shared_buffers=64MB")  # fmt: skip
    subprocess.run([*runas, str(where / "pg_ctl"), "-D", str(data), "-o", options, "-w", "-l", str(home / "log"),
                    "start"], check=True, **quiet)  # type: ignore[call-overload]  # fmt: skip
    try:
        yield f"postgresql://jiesu@127.0.0.1:{port}/"
    finally:
        subprocess.run(
            [*runas, str(where / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"], check=False, **quiet
        )  # type: ignore[call-overload]
        shutil.rmtree(home, ignore_errors=True)
