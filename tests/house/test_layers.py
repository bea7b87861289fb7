"""The import contracts of pyproject.toml hold: each catches a planted import, and nothing of ours stands outside them."""

import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import grimp
import pytest
from importlinter.application.use_cases import read_user_options
from importlinter.configuration import configure
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract
from importlinter.contracts.protected import ProtectedContract
from importlinter.domain.contract import Contract

from tests.house.source import PACKAGES, ROOT, Breach, Source, imports, modules, nothing, sources

CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
TYPES = {"layers": LayersContract, "forbidden": ForbiddenContract, "protected": ProtectedContract}
#: What imports a module by a name that no contract can see, and the two files that find modules by a table of names.
LOADING = frozenset(
    ("importlib.import_module", "importlib.__import__", "runpy.run_module", "pkgutil.resolve_name", "sys.modules")
)
MAY_LOAD = ("backend/cli/__init__.py", "notify/driver_registry.py")


@cache
def _contracts() -> dict[str, Contract]:
    """The contracts by id, as import-linter reads them."""
    configure()
    options = read_user_options(str(ROOT / "pyproject.toml"))
    return {
        one["id"]: TYPES[one["type"]](one["name"], options.session_options, one) for one in options.contracts_options
    }


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def list_broken(*planted: tuple[str, str]) -> set[str]:
    """The contracts that do not hold when these modules import those."""
    graph = grimp.ImportGraph.__deepcopy__(_graph(), {})
    for importer, imported in planted:
        graph.add_import(importer=importer, imported=imported)
    return {name for name, contract in _contracts().items() if not contract.check(graph, verbose=False).kept}


def test_every_contract_holds() -> None:
    assert not list_broken()


@pytest.mark.parametrize(
    ("contract", "importer", "imported"),
    [
        ("layers", "backend.domain.decision", "backend.tickets.service"),
        ("layers", "backend.ports.tickets", "backend.office.cache"),
        ("layers", "backend.office.cache", "backend.tickets.service"),
        ("layers", "backend.tickets.service", "backend.delivery.worker"),
        ("layers", "backend.delivery.worker", "backend.calls.service"),
        ("layers", "backend.deadlines.watch", "backend.scoring.service"),
        ("layers", "backend.scoring.service", "backend.deadlines.watch"),
        ("layers", "backend.calls.service", "backend.visits.service"),
        ("layers", "backend.visits.service", "backend.triage.hot"),
        ("layers", "backend.triage.hot", "backend.importing.service"),
        ("layers", "backend.platform.service", "backend.reporting.service"),
        ("layers", "backend.reporting.service", "backend.services"),
        ("layers", "backend.services", "bot.services"),
        ("layers", "bot.dispatch", "backend.web.app"),
        ("layers", "backend.web.app", "bot.dispatch"),
        ("layers", "backend.web.app", "backend.rehearsal.clock"),
        ("layers", "bot.dispatch", "backend.app.build"),
        ("layers", "backend.app.build", "backend.cli.serve"),
        ("layers", "storage.tickets.moves", "backend.office.cache"),
        ("pure", "backend.domain.decision", "notify.channel"),
        ("pure", "storage.engine.database", "notify.message"),
        ("notify", "notify.message", "backend.domain.texts"),
        ("notify", "notify.chat.telegram", "bot.dispatch"),
        ("sandbox", "sandbox.state", "backend.domain.instants"),
        ("sandbox", "sandbox.telegram.network", "notify.message"),
        ("only_app_stores", "backend.tickets.service", "storage.tickets.moves"),
        ("only_app_stores", "backend.cli.database", "storage.engine.versions"),
        ("only_rehearsals_simulate", "backend.web.app", "sandbox.simulator"),
        ("only_cli_composes", "backend.rehearsal.clock", "backend.app.config"),
        ("drivers", "backend.delivery.sender", "notify.chat.telegram"),
        ("drivers", "bot.dispatch", "notify.voice.twilio.http"),
    ],
)
def test_a_planted_import_breaks_its_contract(contract: str, importer: str, imported: str) -> None:
    assert {importer, imported} <= _graph().modules
    assert contract in list_broken((importer, imported))


def test_every_contract_has_a_planted_breach() -> None:
    plants = test_a_planted_import_breaks_its_contract.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {contract for contract, _, _ in plants} == set(_contracts())


@pytest.mark.parametrize(
    "text",
    [
        "from plant_b import y\n",
        "def f():\n    import plant_b.x\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import plant_b.x\n",
        "try:\n    from plant_b.x import y\nexcept ImportError:\n    y = None\n",
    ],
)
def test_an_import_is_seen_wherever_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    for name, written in {
        "plant_a/__init__.py": "",
        "plant_a/x.py": text,
        "plant_b/__init__.py": "",
        "plant_b/x.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(written)
    monkeypatch.syspath_prepend(tmp_path)
    graph = grimp.build_graph("plant_a", "plant_b", cache_dir=None)
    assert graph.find_modules_directly_imported_by("plant_a.x")


def list_outside(children: Iterable[str], layers: Iterable[str]) -> list[str]:
    """What stands in no layer."""
    named = {name.strip() for layer in layers for name in layer.split("|")}
    return sorted(set(children) - named)


def test_every_package_of_ours_is_under_the_import_contracts() -> None:
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    assert set(CONFIG["importlinter"]["root_packages"]) == packages
    assert set(CONFIG["mypy"]["packages"]) == packages


def test_every_part_of_the_backend_has_its_layer() -> None:
    parts = {file.relative_to(ROOT / "backend").parts[0].removesuffix(".py") for file in modules("backend")} - {
        "__init__"
    }
    layers = next(one["layers"] for one in CONFIG["importlinter"]["contracts"] if one["id"] == "layers")
    nothing(list_outside((f"backend.{part}" for part in parts), layers), "give it a layer in pyproject.toml")
    assert list_outside(["backend.plant", "backend.web"], layers) == ["backend.plant"]


def loaded(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where these files reach a module by a string, or as an attribute of a whole package."""
    for code in codes:
        if code.name in MAY_LOAD:
            continue
        for node, function, origin in code.origins:
            if origin in LOADING:
                yield code.breach(node, function, origin)
        for name, node in imports(code):
            if name in PACKAGES:
                yield code.breach(node, "", f"imports all of {name}")


def test_no_import_hides_from_the_contracts() -> None:
    nothing(loaded(sources()), "write an import statement")


@pytest.mark.parametrize(
    "text",
    [
        "import importlib\nx = importlib.import_module('backend.app')\n",
        "from importlib import import_module as load\ndef f():\n    return load('backend.app')\n",
        "x = __import__('backend.app')\n",
        "import runpy\nrunpy.run_module('backend.app')\n",
        "from sys import modules\nx = modules['backend.app']\n",
        "import backend\nx = backend.app.build\n",
    ],
)
def test_an_import_by_a_string_is_found(text: str) -> None:
    assert list(loaded([Source("bot/plant.py", text)]))
