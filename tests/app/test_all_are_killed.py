"""All processes are killed at once: the watcher on another machine rings (G31, XR8)."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from backend.cli.watch import AFTER_SECONDS, EVERY_SECONDS
from tests.app.test_serve import JIESU, find_free_port, serve
from tests.figures import Figures

QUICK = pytest.param(0.1, 0.5, id="quick")
REAL = pytest.param(EVERY_SECONDS, AFTER_SECONDS, id="real", marks=(pytest.mark.soak, pytest.mark.timeout(600)))
LIMIT = 180.0


@pytest.mark.parametrize(("every", "after"), [QUICK, REAL])
def test_the_watcher_rings_when_all_are_killed_G31(
    tmp_path: Path, figures: Figures, every: float, after: float
) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("JIESU_")}
    port = find_free_port()
    environment = bare | {"JIESU_SANDBOX": "1", "JIESU_DATA": str(tmp_path / "var"), "JIESU_PORT": str(port)}
    ring = tmp_path / "ring.py"
    ring.write_text("import os, sys; open(sys.argv[1], 'a').write(os.environ['JIESU_WATCH_STATE'] + '\\n')", "utf-8")
    rung, url = tmp_path / "rung", f"http://127.0.0.1:{port}/readyz"
    command = f"{sys.executable} '{ring}' '{rung}'"
    watching = [*JIESU, "watch", url, "--alarm", command, "--every", str(every), "--after", str(after)]
    with serve(environment) as (process, _):
        with urlopen(url) as answer:
            assert answer.status == 200
        assert subprocess.run([*JIESU, "healthy"], env=environment, capture_output=True, check=False).returncode == 0
        watcher = subprocess.Popen(
            watching, env=bare, cwd=tmp_path, stderr=subprocess.DEVNULL
        )  # no settings, no database
        try:
            time.sleep(4 * every + 1)
            assert not rung.exists()
            process.send_signal(signal.SIGKILL)
            begun = time.monotonic()
            while not rung.exists() or not rung.read_text("utf-8"):
                assert time.monotonic() - begun < LIMIT
                time.sleep(0.05)
            assert rung.read_text("utf-8") == "red\n"
            figures.report("G31", rung_seconds=time.monotonic() - begun)
        finally:
            watcher.kill()
            watcher.wait()
    assert subprocess.run([*JIESU, "healthy"], env=environment, capture_output=True, check=False).returncode == 1
