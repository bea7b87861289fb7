"""The README names every command, every environment variable and every page for users; everything it links exists."""

import re

import pytest

from backend.app.config import Config
from backend.cli import COMMANDS
from notify.driver_registry import FAMILIES, DriverRegistry, name_variable
from tests.house.source import ROOT, nothing

CHINESE = (ROOT / "README.md").read_text("utf-8")
ENGLISH = (ROOT / "README.en.md").read_text("utf-8")


#: fields that are no variables: the settings of drivers, which each declares itself
GATHERED = {"drivers"}
REGISTRY = DriverRegistry.discover()
OF_DRIVERS = {
    name_variable(name, setting.name).removeprefix("JIESU_").lower()
    for family in FAMILIES
    for name in REGISTRY.list_names(family)
    for setting in REGISTRY.load(family, name).settings
}


@pytest.mark.parametrize("name", sorted({*Config.model_fields, *OF_DRIVERS} - GATHERED))
def test_every_variable_is_explained(name: str) -> None:
    assert f"`JIESU_{name.upper()}`" in CHINESE


@pytest.mark.parametrize("name", sorted(COMMANDS))
@pytest.mark.parametrize("text", [CHINESE, ENGLISH], ids=["zh", "en"])
def test_every_command_is_listed(name: str, text: str) -> None:
    assert re.search(rf"`jiesu {name}\b", text)


@pytest.mark.parametrize("text", [CHINESE, ENGLISH], ids=["zh", "en"])
def test_everything_linked_exists(text: str) -> None:
    linked = {path for path in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in path}
    assert linked
    nothing(sorted(path for path in linked if not (ROOT / path).exists()), "linked but missing")


@pytest.mark.parametrize("text", [CHINESE, ENGLISH], ids=["zh", "en"])
def test_every_page_for_users_is_linked(text: str) -> None:
    pages = sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.zh.md"))
    assert pages
    nothing([page for page in pages if page not in text], "not linked")
