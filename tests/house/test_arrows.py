"""What the import contracts in pyproject.toml cannot say by themselves."""

import ast
import subprocess
import sys

from tests.house.source import ROOT, imports, modules, name_of, nothing, source, tree, where

#: Of the standard library, what asks the world: the time, the network, the disk, chance.
WORLDLY = frozenset((
    "asyncio", "socket", "ssl", "http", "urllib", "subprocess", "threading", "multiprocessing", "sqlite3", "time",
    "random", "secrets", "uuid", "os", "pathlib", "shutil", "tempfile", "logging", "signal", "selectors", "select",
    "glob", "io",
))  # fmt: skip

ASKING = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today")


def test_the_domain_needs_the_standard_library_only_and_never_asks_the_world() -> None:
    wrong = []
    for file in modules("backend/domain"):
        for name, node in imports(source(file)):
            top = name.split(".")[0]
            ours = name == "backend.domain" or name.startswith("backend.domain.")
            if not ours and (top not in sys.stdlib_module_names or top in WORLDLY):
                wrong.append(f"{where(file, node)} imports {name}")
        for node in ast.walk(tree(file)):
            if isinstance(node, (ast.AsyncFunctionDef, ast.Await)):
                wrong.append(f"{where(file, node)} awaits")
            elif isinstance(node, ast.Attribute) and ast.unparse(node) in ASKING:
                wrong.append(f"{where(file, node)} asks the time")
    nothing(wrong, "this points the wrong way")


def test_frameworks_stay_where_they_are_needed() -> None:
    """aiogram costs seconds and 150 MB; a command that needs no bot must not pay for it (P10)."""
    homes = {
        "aiogram": ("bot/", "notify/chat/telegram"),
        "twilio": ("notify/",),
        "sqlalchemy": ("storage/",),
        "alembic": ("storage/",),
        "apscheduler": ("backend/app/workers",),
    }
    strays = [
        f"{where(file, node)} imports {name}"
        for file in modules("backend", "bot", "notify", "storage", "sandbox")
        for name, node in imports(source(file))
        if (home := homes.get(name.split(".")[0])) and not name_of(file).startswith(home)
    ]
    nothing(strays, "each framework has its home")


def test_the_domain_can_be_had_without_any_framework() -> None:
    code = (
        "import sys, backend.domain.flow, backend.domain.texts, backend.domain.deadlines\n"
        "heavy = {'aiogram', 'aiohttp', 'sqlalchemy', 'twilio', 'pydantic', 'structlog'} & sys.modules.keys()\n"
        "raise SystemExit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
