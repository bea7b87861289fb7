"""A driver is one file, found by its presence; no room asks for it by name."""

import ast

from notify.registry import FAMILIES, DriverRegistry, list_stems
from tests.house.source import ROOT, docstrings, modules, name_of, nothing, tree, where

#: Where the name of a network may stand: settings, wiring, stored words, and the door its messages come in by.
MAY_NAME = (
    "backend/domain/ticket.py", "backend/app/config.py", "backend/app/", "backend/web/", "backend/cli", "bot/",
)  # fmt: skip


def test_every_driver_file_is_found_and_is_what_its_name_says() -> None:
    registry = DriverRegistry.discover()
    for family in FAMILIES:
        files = list_stems(ROOT / "notify" / family)
        assert list(registry.list_names(family)) == files
        for name in files:
            assert registry.load(family, name).name == name


def test_no_room_knows_a_network_by_name() -> None:
    knowing = []
    for file in modules("backend"):
        if name_of(file).startswith(MAY_NAME):
            continue
        spoken = docstrings(file)
        for node in ast.walk(tree(file)):
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str)) or id(node) in spoken:
                continue
            if any(name in node.value.lower() for name in ("telegram", "twilio")):
                knowing.append(f"{where(file, node)} {node.value[:40]!r}")
    nothing(knowing, "ask for what the driver can do, not who it is")
