"""One package is all a new chat network takes: its people are bound, told, sign and reply, and no other file is touched."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.house.source import ROOT

PAPER = ROOT / "tests" / "paper"


def test_a_package_is_all_a_new_chat_network_takes(tmp_path: Path) -> None:
    """It is found in a copy of the drivers' folder, beside the network of the rehearsal; tests/paper/story.py is the story."""
    shutil.copytree(ROOT / "notify", tmp_path / "notify", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "notify" / "chat" / "paper").mkdir()
    for name in ("__init__.py", "texts.zh_CN.toml", "texts.en.toml"):
        shutil.copy(PAPER / name, tmp_path / "notify" / "chat" / "paper")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("JIESU_")},
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        "JIESU_PAPER_KEY": "k1",
    }
    command = [sys.executable, "-m", "tests.paper.story", str(tmp_path)]
    told = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert told.stdout.splitlines()[-1:] == ["told"], told.stderr[-4000:]
