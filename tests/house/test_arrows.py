"""The domain is pure, and each outside library is imported only where it is at home."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator

import pytest

from tests.house.source import PACKAGES, ROOT, Breach, Source, imports, nothing, sources

#: Of the standard library, what never asks the world: no time, network, disk, chance.
PURE = frozenset((
    "base64", "bisect", "collections", "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions", "functools", "hashlib",
    "hmac", "importlib", "ipaddress", "itertools", "json", "math", "re", "struct", "sys", "tomllib", "types", "typing", "unicodedata", "zlib",
    "zoneinfo",
))  # fmt: skip

WEB = ("backend/web/", "backend/app/build.py", "sandbox/")
#: Each library and where it may be imported; the longest name that fits counts. aiogram costs seconds and 150 MB; a command
#: that needs no bot must not pay for it (P10).
HOMES = {
    "aiogram": ("notify/chat/telegram/",),
    "aiohttp": (*WEB, "notify/"),
    "aiohttp.web": WEB,
    "aiohttp_jinja2": ("backend/web/console/",),
    "aiohttp_sse": WEB,
    "alembic": ("storage/engine/versions.py", "storage/migrations/"),
    "alibabacloud_dyvmsapi20170525": ("notify/voice/aliyun",),
    "alibabacloud_tea_openapi": ("notify/voice/aliyun",),
    "apscheduler": ("backend/app/workers.py",),
    "argon2": ("backend/identity/passwords.py", "backend/office/"),
    "asyncpg": ("storage/engine/postgres.py",),
    "charset_normalizer": ("backend/importing/files/",),
    "click": ("backend/cli/",),
    "cryptography": (
        "backend/operations/certificate.py",
        "notify/voice/vonage/",
        "sandbox/vonage/",
        "storage/engine/encryption.py",
    ),
    "darabonba": ("notify/voice/aliyun",),
    "defusedxml": ("backend/importing/files/", "sandbox/"),
    "docx": ("backend/reporting/docx.py",),
    "jieba": ("backend/triage/segmenter.py",),
    "jinja2": ("backend/web/console/",),
    "markupsafe": ("backend/web/console/",),
    "matplotlib": ("backend/reporting/",),
    "multidict": WEB,
    "noto_cjk_sans_otc": ("backend/reporting/",),
    "openpyxl": ("backend/importing/files/",),
    "phonenumbers": ("backend/office/phone_numbers.py", "sandbox/"),
    "prometheus_client": ("backend/web/metrics.py",),
    "pydantic": (
        "backend/app/",
        "backend/cli/connect.py",
        "backend/web/",
        "notify/chat/telegram/",
        "sandbox/",
    ),
    "pyotp": ("backend/identity/factors.py",),
    "pydantic_settings": ("backend/app/config.py",),
    "rapidfuzz": ("backend/triage/segmenter.py",),
    "redis": ("storage/delivery/rate_limit_redis.py", "storage/operations/mark_places.py"),
    "segno": ("backend/web/console/sign_in.py",),
    "sqlalchemy": ("storage/",),
    "structlog": ("backend/", "bot/"),
    "twilio": ("notify/voice/twilio", "notify/sms/twilio"),
    "typing_extensions": ("backend/",),
    "typst": ("backend/reporting/pdf.py",),
    "xlsxwriter": ("backend/reporting/xlsx.py",),
    "zxcvbn": ("backend/identity/password_rule.py",),
    "yarl": ("sandbox/",),
    "_typeshed": PACKAGES,
}


def impure(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where these files import more than pure modules of the standard library and of the domain, or await."""
    for code in codes:
        for name, node in imports(code):
            if name.partition(".")[0] not in PURE and not f"{name}.".startswith("backend.domain."):
                yield code.breach(node, "", f"imports {name}")
        for node, function in code.nodes:
            if isinstance(node, (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)):
                yield code.breach(node, function, "awaits")


def _find_home(name: str) -> tuple[str, ...]:
    parts = name.split(".")
    return next((HOMES[key] for n in range(len(parts), 0, -1) if (key := ".".join(parts[:n])) in HOMES), ())


def strays(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where these files import a library that is at home elsewhere, or nowhere yet."""
    for code in codes:
        for name, node in imports(code):
            top = name.partition(".")[0]
            if (
                top not in sys.stdlib_module_names
                and top not in PACKAGES
                and not code.name.startswith(_find_home(name))
            ):
                yield code.breach(node, "", f"imports {name}")


def test_the_domain_needs_the_standard_library_only_and_never_asks_the_world() -> None:
    nothing(impure(sources("backend/domain")), "this points the wrong way")


@pytest.mark.parametrize(
    "text",
    [
        "import asyncio\n",
        "from os import environ as e\n",
        "def f():\n    import pathlib\n",
        "import sqlalchemy as sa\n",
        "from backend.ports.tickets import MoveStore\n",
        "from backend import ports\n",
        "from ..ports import moves\n",
        "from notify.message import Card\n",
        "async def f(): ...\n",
    ],
)
def test_an_import_that_the_domain_must_not_have_is_found(text: str) -> None:
    assert list(impure([Source("backend/domain/plant.py", text)]))


def test_the_domain_may_import_itself() -> None:
    text = "from backend.domain import acts\nfrom .ticket import State\nimport json, importlib.resources\n"
    assert not list(impure([Source("backend/domain/plant.py", text)]))


def test_frameworks_stay_where_they_are_needed() -> None:
    nothing(strays(sources()), "each library has its home; a new one gets a line in HOMES")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("backend/delivery/plant.py", "from aiogram.types import Message\n"),
        ("backend/tickets/plant.py", "def f():\n    import sqlalchemy as sa\n"),
        ("bot/plant.py", "from aiogram.types import Message\n"),
        ("notify/chat/another/receiver.py", "from aiogram import Bot\n"),
        ("bot/plant.py", "import aiohttp\n"),
        ("bot/plant.py", "from aiohttp import web\n"),
        ("bot/plant.py", "import aiohttp.web as w\n"),
        ("notify/plant.py", "from aiohttp.web import Response\n"),
        ("notify/chat/telegram/channel.py", "from twilio.rest import Client\n"),
        ("backend/web/plant.py", "import click\n"),
        ("backend/app/plant.py", "import alembic\n"),
        (
            "backend/tickets/plant.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from redis import Redis\n",
        ),
        ("backend/app/plant.py", "import a_library_nobody_has_met\n"),
    ],
)
def test_a_library_away_from_home_is_found(name: str, text: str) -> None:
    assert list(strays([Source(name, text)]))


def test_a_library_at_home_is_let_be() -> None:
    assert not list(strays([Source("notify/voice/plant.py", "import aiohttp, os\nfrom bot.services import x\n")]))
    assert not list(strays([Source("notify/chat/telegram/errors.py", "from aiogram import Bot\n")]))


def test_the_domain_can_be_had_without_any_framework() -> None:
    code = (
        "import sys, backend.domain.decision, backend.domain.texts, backend.domain.deadlines\n"
        "heavy = {'aiogram', 'aiohttp', 'sqlalchemy', 'twilio', 'pydantic', 'structlog'} & sys.modules.keys()\n"
        "raise SystemExit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
