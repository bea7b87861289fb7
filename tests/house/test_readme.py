"""The README names every command, every environment variable and every page for users, and every picture it shows is there."""

import re
from pathlib import Path

import pytest

from backend.app.config import Config
from backend.cli import COMMANDS

ROOT = Path(__file__).parents[2]
CHINESE = (ROOT / "README.md").read_text("utf-8")
ENGLISH = (ROOT / "README.en.md").read_text("utf-8")


@pytest.mark.parametrize("name", sorted(Config.model_fields))
def test_every_variable_is_explained(name: str) -> None:
    assert f"`JIESU_{name.upper()}`" in CHINESE


@pytest.mark.parametrize("name", sorted(COMMANDS))
@pytest.mark.parametrize("text", [CHINESE, ENGLISH], ids=["zh", "en"])
def test_every_command_is_listed(name: str, text: str) -> None:
    assert re.search(rf"`jiesu {name}\b", text)


@pytest.mark.parametrize("text", [CHINESE, ENGLISH], ids=["zh", "en"])
def test_everything_linked_is_there(text: str) -> None:
    linked = {place for place in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in place}
    assert linked and all((ROOT / place).exists() for place in linked)


@pytest.mark.parametrize("text", [CHINESE, ENGLISH], ids=["zh", "en"])
def test_every_page_for_users_is_linked(text: str) -> None:
    assert all(f"docs/{page.name}" in text for page in (ROOT / "docs").glob("*.zh.md"))
