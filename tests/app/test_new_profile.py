"""A new province is new files only: the program as it is, beside it a profile and a scheme, is an office that follows them."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.app.test_serve import JIESU, find_free_port, serve

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("backend", "bot", "notify", "sandbox", "storage")
PROFILE = """
[name]
zh_CN = "某地接诉即办"
en = "Somewhere"
[basis]
zh_CN = "某地接诉即办办法。"
en = "Measures of Somewhere."
[settings]
"scoring.unit_scheme" = "somewhere"
"scoring.institution_scheme" = "none"
"region.scheme" = "none"
"ticket.channels" = "phone,直播间"
"ticket.required_fields" = "place"
"sign.general.limit" = "3h"
"close.requires_cause" = true
"""
SCHEME = """
id = "somewhere"
name = "某地办法附件"
title = { zh_CN = "承办单位（某地）", en = "Handling unit (Somewhere)" }
basis = "某地接诉即办办法附件"
version = "1"
kind = "sheet"
points = "100"
counts_assignments = true
[[rate]]
item = "promptness"
name = "签收及时"
source = "某地"
measure = "sign"
rule = "weighted"
points = "100"
better = "higher"
"""


def link_program(folder: Path, *new: str) -> None:
    """The program with every file as it is; only the folders of new files are folders of this copy."""
    own = {parent for path in new for parent in Path(path).parents}
    for place in sorted(own, key=lambda one: len(one.parts)):
        (folder / place).mkdir(exist_ok=True)
        for entry in (ROOT / place).iterdir():
            if place / entry.name not in own and (place != Path() or entry.name in PACKAGES):
                (folder / place / entry.name).symlink_to(entry)


def request(url: str, token: str, path: str, body: Any = None) -> Any:
    """What the API answers, a refusal too."""
    asked = urllib.request.Request(f"{url}/api/v1{path}", None if body is None else json.dumps(body).encode(), {
        "Authorization": f"Bearer {token}", "Content-Type": "application/json",
    })  # fmt: skip
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        return json.load(refused)


def test_a_fourth_profile_and_its_scheme_are_two_new_files_and_none_is_edited(tmp_path: Path) -> None:
    program = tmp_path / "program"
    new = {"backend/data/profiles/somewhere.toml": PROFILE, "backend/data/schemes/somewhere.toml": SCHEME}
    link_program(program, *new)
    for path, text in new.items():
        (program / path).write_text(text, "utf-8")
    edited = [file for file in program.rglob("*") if file.is_file() and not file.is_symlink()]
    assert {file.relative_to(program).as_posix() for file in edited} == set(new)

    environment = {name: value for name, value in os.environ.items() if not name.startswith("JIESU_")}
    environment |= {
        "PYTHONPATH": str(program), "JIESU_PROFILE": "somewhere", "JIESU_SANDBOX": "1",
        "JIESU_DATA": str(tmp_path / "var"), "JIESU_PORT": str(find_free_port()),
    }  # fmt: skip

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*JIESU, *arguments]
        return subprocess.run(command, env=environment, cwd=program, capture_output=True, text=True, check=False)

    with serve(environment, program):
        found = json.loads((tmp_path / "var" / "server.json").read_text())
        url, token = found["url"], found["token"]
        for code, kind in (("M1", "management"), ("U1", "handling")):
            request(url, token, "/units", {"code": code, "name": f"单位{code}", "kind": kind, "region": "某地"})
        form = {"ticket_no": "X1", "category": "help", "grade": "general", "channel": "直播间", "text": "路灯不亮"}
        assert request(url, token, "/tickets", form)["error"]["details"] == {"field": "place"}
        taken = request(url, token, "/tickets", {**form, "place": "人民路", "region": "某地"})
        assert taken["channel"] == "直播间", taken
        month = f"{datetime.now(UTC):%Y-%m}"
        [sheet] = request(url, token, f"/scores?month={month}")["units"]
        assert (sheet["unit"], sheet["scheme"]) == ("U1", "somewhere")
    listed = run("settings").stdout
    assert "sign.general.limit = 3h    # 默认值来自方案“某地接诉即办”" in listed

    (program / "backend/data/profiles/somewhere.toml").write_text(PROFILE.replace("3h", "soon"), "utf-8")
    refused = run("serve")
    assert refused.returncode == 1 and "data/profiles/somewhere.toml" in refused.stderr
    assert "sign.general.limit" in refused.stderr and "Traceback" not in refused.stderr
