"""Nobody forks: a child would use connections that its parent has open (FD15). Other processes are begun anew."""

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.house.source import Breach, Source, nothing, sources

#: what makes a process by forking, or may, as the platform likes
FORKING = (
    "os.fork", "os.forkpty", "pty.fork", "multiprocessing.Process", "multiprocessing.Pool",
    "concurrent.futures.ProcessPoolExecutor", "concurrent.futures.process.ProcessPoolExecutor",
)  # fmt: skip


def list_forks(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where these files may fork; a pool that is given the context `spawn` does not."""
    for code in codes:
        for node, function in code.nodes:
            if not isinstance(node, ast.Call) or code.origin_of.get(id(node.func)) not in FORKING:
                continue
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            if not any(ast.unparse(one).endswith("get_context('spawn')") for one in given):
                yield code.breach(node, function, "may fork")


def test_nobody_forks_FD15() -> None:
    nothing(list_forks(sources()), "an engine must not be used after a fork")


@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.fork()\n",
        "from os import fork as f\nf()\n",
        "import multiprocessing\nmultiprocessing.Process(target=print).start()\n",
        "from concurrent.futures import ProcessPoolExecutor\nProcessPoolExecutor(1)\n",
        "from concurrent.futures import ProcessPoolExecutor\nfrom multiprocessing import get_context\n"
        "ProcessPoolExecutor(1, get_context('fork'))\n",
    ],
)
def test_a_fork_is_found(text: str) -> None:
    assert list(list_forks([Source("backend/plant.py", text)]))


def test_a_process_begun_anew_is_let_be() -> None:
    text = (
        "from concurrent.futures import ProcessPoolExecutor\nfrom multiprocessing import get_context\n"
        "ProcessPoolExecutor(1, get_context('spawn'))\n"
    )
    assert not list(list_forks([Source("backend/plant.py", text)]))
