"""Drivers are found by their file, loaded when asked for, and never two of one name."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from notify.driver import DriverRefused
from notify.driver_registry import FAMILIES, DriverError, DriverRegistry, list_stems
from tests.house.source import ROOT


def test_the_drivers_are_those_whose_files_are_there() -> None:
    registry = DriverRegistry.discover()
    for family, known in (("chat", "telegram"), ("voice", "aliyun"), ("voice", "twilio"), ("sms", "twilio")):
        folder = ROOT / "notify" / family
        files = sorted((*folder.glob("*.py"), *folder.glob("*/__init__.py")))
        named = [file for file in files if re.search("^NAME = ", file.read_text("utf-8"), re.M)]
        drivers = [file.stem if file.parent == folder else file.parent.name for file in named]
        names = registry.list_names(family)
        assert known in names and list(names) == drivers


def test_every_driver_file_is_found_and_is_what_its_name_says() -> None:
    registry = DriverRegistry.discover()
    for family in FAMILIES:
        files = list_stems(ROOT / "notify" / family)
        assert list(registry.list_names(family)) == files
        for name in files:
            assert registry.load(family, name).name == name


def test_a_helper_beside_its_driver_is_no_driver(tmp_path: Path) -> None:
    for name in ("__init__", "_draft", "wecom", "wecom_http", "work_chat"):
        (tmp_path / f"{name}.py").touch()
    assert list_stems(tmp_path) == ["wecom", "work_chat"]


def test_finding_the_drivers_imports_none_of_them_P10() -> None:
    code = (
        "import sys; from notify.driver_registry import DriverRegistry; import notify.rate_limit, notify.message;"
        "print('telegram' in DriverRegistry.discover().list_names('chat'),"
        " [m for m in sys.modules if m in ('aiogram', 'twilio', 'aiohttp') or m.startswith('notify.') and m.count('.') > 1])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "True []"


def test_one_file_is_all_a_new_driver_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "newapps").mkdir()
    (tmp_path / "newapps" / "__init__.py").touch()
    (tmp_path / "newapps" / "feige.py").write_text(
        "NAME = 'feige'\nfrom notify.driver import Setting\nSETTINGS = (Setting('key', required=True),)\ndef build(settings): return settings['key']\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    registry = DriverRegistry.discover([("chat", "newapps", tmp_path / "newapps")])
    assert set(registry.list_names("chat")) == {"feige", *DriverRegistry.discover().list_names("chat")}
    assert registry.build_network("feige", {"key": "k"}) == "k"
    with pytest.raises(DriverRefused, match="driver_setting_missing"):
        registry.build_network("feige", {"key": ""})


def test_two_drivers_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "telegram.py").touch()
    with pytest.raises(DriverError, match="both"):
        DriverRegistry.discover([("chat", "other", tmp_path)])


def test_a_driver_must_have_the_name_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "impostors").mkdir()
    (tmp_path / "impostors" / "one.py").write_text("NAME = 'two'\ndef build(settings): return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry = DriverRegistry.discover([("sms", "impostors", tmp_path / "impostors")])
    with pytest.raises(DriverError, match="NAME"):
        registry.load("sms", "one")
    with pytest.raises(DriverError, match="no sms driver"):
        registry.load("sms", "three")
