"""Each setting of the catalogue is read by some code or some scheme."""

import ast
import re

from backend.domain.settings import load_catalogue
from tests.house.source import ROOT, modules, name_of, nothing, tree

HOLE = "[^ .]+"
#: f"scoring.{name}" lists the settings of counting for a document; it would hide every setting of scoring.
TOO_BROAD = re.escape("scoring.") + HOLE


def find_keys(source: ast.AST) -> tuple[set[str], set[str]]:
    """Return the strings of some code, and as regular expressions its templates, one part of a key for each hole."""
    keys: set[str] = set()
    templates: set[str] = set()
    for node in ast.walk(source):
        if isinstance(node, ast.JoinedStr):
            parts = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else HOLE for p in node.values]
            templates.add("".join(parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            keys.add(node.value)
            if "{" in node.value:
                templates.add(HOLE.join(map(re.escape, re.split(r"\{[a-z_]*\}", node.value))))
    return keys, {t for t in templates if re.search(r"[a-z]{4}", t.replace(HOLE, "")) and r"\." in t} - {TOO_BROAD}


def find_unread(keys: set[str], templates: set[str]) -> list[str]:
    """Return the settings that are neither among the keys nor match a template."""
    patterns = [re.compile(template) for template in templates]
    return [key for key in load_catalogue() if key not in keys and not any(p.fullmatch(key) for p in patterns)]


def test_every_setting_is_read_somewhere() -> None:
    keys: set[str] = set()
    templates: set[str] = set()
    for file in modules("backend", "bot"):
        if name_of(file) != "backend/domain/settings_catalogue.py":
            found, patterns = find_keys(tree(file))
            keys |= found
            templates |= patterns
    for scheme in (ROOT / "backend" / "data" / "schemes").glob("*.toml"):
        keys |= set(re.findall(r'setting = "([a-z_.]+)"', scheme.read_text("utf-8")))
    nothing(find_unread(keys, templates), "a setting that nothing reads promises what is not done")


def test_a_setting_nothing_reads_is_found() -> None:
    source = 'settings.text("reply.limit"); settings.text(f"close.limit.{category}"); print("scoring.{name} is set")'
    unread = find_unread(*find_keys(ast.parse(source)))
    assert "scoring.task_cap" in unread and "extension.max" in unread
    assert not {"reply.limit", "close.limit.help"} & set(unread)
