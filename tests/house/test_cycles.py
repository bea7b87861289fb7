"""No module and no package needs, over others, itself: what two share stands in a third, below both."""

from collections.abc import Iterable, Mapping

import pytest

from tests.house.source import PACKAGES, Source, imports, nothing, sources

Graph = Mapping[str, set[str]]


def build_graph(codes: Iterable[Source]) -> Graph:
    """Each module with those it imports: at the top or later, for types only or not. Two that need each other only to
    name their types cannot be read apart either."""
    files = {code.module: code for code in codes}
    graph: dict[str, set[str]] = {name: set() for name in files}
    for module, code in files.items():
        for name, _ in imports(code):
            target = name if name in files else name.rpartition(".")[0]
            if target in files and target != module:
                graph[module].add(target)
    return graph


def find_cycles(graph: Graph) -> list[tuple[str, ...]]:
    """The strongly connected nodes, in groups of two and more (Tarjan)."""
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found = []

    def visit(node: str) -> None:
        numbers[node] = lowest[node] = len(numbers)
        path.append(node)
        for other in sorted(graph[node]):
            if other not in numbers:
                visit(other)
            if other in path:
                lowest[node] = min(lowest[node], lowest[other])
        if lowest[node] == numbers[node]:
            group = path[path.index(node) :]
            del path[path.index(node) :]
            if len(group) > 1:
                found.append(tuple(sorted(group)))

    for node in sorted(graph):
        if node not in numbers:
            visit(node)
    return found


def fold(graph: Graph, package: str) -> Graph:
    """What stands directly in a package, and what of it needs what."""
    inside = {
        module: module.removeprefix(f"{package}.").split(".")[0] for module in graph if module.startswith(f"{package}.")
    }
    folded: dict[str, set[str]] = {name: set() for name in inside.values()}
    for module, name in inside.items():
        folded[name] |= {inside[other] for other in graph[module] if other in inside} - {name}
    return folded


def list_cycles(codes: Iterable[Source]) -> list[str]:
    """Every cycle of modules, and of what stands side by side in a package."""
    graph = build_graph(codes)
    packages = sorted({module[:place] for module in graph for place, sign in enumerate(module) if sign == "."})
    cycles = [", ".join(group) for group in find_cycles(graph)]
    return cycles + [
        f"{package}: {', '.join(group)}" for package in packages for group in find_cycles(fold(graph, package))
    ]


def test_no_module_and_no_package_needs_itself_over_others() -> None:
    nothing(list_cycles(sources(*PACKAGES)), "move what they share below both")


def _plant(**texts: str) -> list[str]:
    return list_cycles(Source(f"{name.replace('__', '/')}.py", text) for name, text in texts.items())


@pytest.mark.parametrize(
    "back",
    [
        "from bot.first import x\n",
        "import bot.first as other\n",
        "from bot import first\n",
        "from .first import x\n",
        "from . import first\n",
        "def f():\n    from bot.first import x\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from bot.first import x\n",
        "try:\n    import bot.first\nexcept ImportError:\n    pass\n",
    ],
)
def test_a_cycle_is_found_however_it_is_imported(back: str) -> None:
    assert "bot.first, bot.second" in _plant(bot__first="from bot.second import y\n", bot__second=back)


def test_a_cycle_over_three_modules_and_one_over_packages_are_found() -> None:
    three = _plant(bot__a="import bot.b\n", bot__b="import bot.c\n", bot__c="import bot.a\nimport bot.d\n", bot__d="")
    assert three[0] == "bot.a, bot.b, bot.c"
    apart = _plant(bot__a__x="import bot.b.x\n", bot__b__x="", bot__b__y="import bot.a.y\n", bot__a__y="")
    assert apart == ["bot: a, b"]


def test_what_goes_down_only_is_let_be() -> None:
    assert not _plant(bot__a="import bot.b\nimport bot.c\nimport os\n", bot__b="from bot.c import a\n", bot__c="")
    assert not _plant(bot__a__x="import bot.b.x\n", bot__b__x="import bot.c\n", bot__c="")
