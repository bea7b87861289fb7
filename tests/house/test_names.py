"""No name of a driver, a profile, a scheme or its province stands outside its own files: what may be chosen is what files there are."""

import ast
import re
from collections.abc import Iterable, Iterator

import pytest

from backend.domain.settings import load_catalogue
from notify.driver_registry import FAMILIES, list_stems
from tests.house.source import PACKAGES, ROOT, Breach, Source, name_of, nothing, only_exceptions, sources

DRIVERS = frozenset(name for family in FAMILIES for name in list_stems(ROOT / "notify" / family))
PROFILES = frozenset(load_catalogue()["profile"].items)
SCHEMES = frozenset(file.stem for file in (ROOT / "backend" / "data" / "schemes").glob("*.toml"))
#: Schemes named by an ordinary word: only seen where a scheme is loaded.
ORDINARY = frozenset(("period",))
LOADING = ("load_scheme", "find_scheme")
CHOSEN = re.compile(rf"(?<!\w)({'|'.join(sorted(PROFILES | SCHEMES - ORDINARY, key=len, reverse=True))})(?!\w)")
#: The provinces of the profiles: nobody speaks of them, in comments neither.
PROVINCE = re.compile(
    "|".join((*sorted({name.partition("_")[0] for name in PROFILES}), "北京", "吉林", "准格尔")), re.IGNORECASE
)
#: Where they are at home, and the one line that says which profile an office has that names none.
OF_PROVINCES = ("backend/data/profiles/", "backend/data/schemes/")
USUAL = re.compile(rf'default = "({"|".join(sorted(PROFILES))})"')
#: The words of a name: `telegram` and `object` of `TelegramObject`, `hooks` and `twilio` of `/hooks/twilio`.
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def _list_names(node: ast.AST) -> Iterator[str]:
    """The names and strings that a node itself holds."""
    for _, value in ast.iter_fields(node):
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, str):
                yield part


def _find_drivers(name: str, text: str) -> set[str]:
    """The drivers a text names; those whose own file it stands in do not count."""
    parts = [part.partition(".")[0] for part in name.split("/")] if name.startswith(("notify/", "sandbox/")) else []
    own = {driver for driver in DRIVERS for part in parts if part == driver or part.startswith(f"{driver}_")}
    return DRIVERS.intersection(word.lower() for word in WORD.findall(text)) - own


def named(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where these files name a driver, in a name or a string, or a profile or a scheme, in a string."""
    for code in codes:
        text = code.text.lower()
        if not any(name in text for name in DRIVERS | PROFILES | SCHEMES):
            continue  # no need to look at every node
        for node, function in code.nodes:
            if isinstance(node, ast.Constant) and id(node) in code.docstrings:
                continue
            found = {driver for word in _list_names(node) for driver in _find_drivers(code.name, word)}
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(CHOSEN.findall(node.value))
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in LOADING:
                found |= {part.value for part in node.args if isinstance(part, ast.Constant) and part.value in ORDINARY}
            if found:
                yield code.breach(node, function, ", ".join(sorted(found)))


def named_in_texts(texts: Iterable[tuple[str, str]]) -> Iterator[Breach]:
    """Where these templates, scripts and styles (name, text) name one."""
    for name, text in texts:
        for number, line in enumerate(text.splitlines(), 1):
            if found := _find_drivers(name, line) | set(CHOSEN.findall(line)):
                yield Breach(name, "<text>", number, ", ".join(sorted(found)))


def provinces_named(texts: Iterable[tuple[str, str]]) -> Iterator[Breach]:
    """Where these files (name, text) speak of a province, or data that all offices share names a profile or a scheme."""
    for name, text in texts:
        for number, line in enumerate(text.splitlines(), 1):
            found = {one.lower() for one in PROVINCE.findall(line)}
            found |= set(CHOSEN.findall(line)) if name.endswith(".toml") else set()
            if found and not (name.endswith("/settings.toml") and USUAL.fullmatch(line)):
                yield Breach(name, "<text>", number, ", ".join(sorted(found)))


def _list_texts(*suffixes: str) -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*")):
            if file.suffix in suffixes:
                yield name_of(file), file.read_text("utf-8")


def test_nobody_names_a_driver_a_profile_or_a_scheme() -> None:
    found = [*named(sources()), *named_in_texts(_list_texts(".html", ".js", ".css", ".typ"))]
    only_exceptions("names", found, "ask what it can do, or read it from a setting; find it by its presence")


def test_nobody_speaks_of_a_province_outside_its_profile_and_its_schemes() -> None:
    everything = _list_texts(".py", ".html", ".js", ".css", ".typ", ".toml")
    found = provinces_named(one for one in everything if not one[0].startswith(OF_PROVINCES))
    nothing(found, "what differs between offices is a setting that their profiles set")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("backend/plant.py", '"""As the Beijing office does it."""'),
        ("backend/plant.py", "x = 1  # 吉林方案"),
        ("bot/plant.py", "def is_jilin(): ..."),
        ("backend/web/plant.html", "<p>准格尔旗</p>"),
        ("backend/data/texts/plant.toml", 'zhungeer-agency = "承办单位"'),
        ("backend/data/texts/plant.toml", '"profile.jilin" = "某省"'),
        ("backend/data/settings.toml", 'items = ["jilin"]'),
        ("backend/data/settings.toml", 'default = "jilin-unit"'),
    ],
)
def test_a_province_is_found(name: str, line: str) -> None:
    assert list(provinces_named([(name, f"first\n{line}\n")]))
    assert not list(provinces_named([("backend/data/settings.toml", 'default = "jilin"\n')]))


@pytest.mark.parametrize(
    "text",
    [
        "if channel == 'telegram': ...\n",
        "from notify.voice import twilio\n",
        "import notify.sms.twilio as gateway\n",
        "BASE_PATH = '/hooks/twilio'\n",
        "import notify.voice.vonage.ncco as writer\n",
        "url = config.drivers['vonage']['api_url']\n",
        "class AliyunReports: ...\n",
        "class TelegramReceiver: ...\n",
        "def send(twilio_from): ...\n",
        "send(aliyun_key=1)\n",
        "x = services.telegram_secret\n",
        "x = f'https://api.{zone}.aliyun.example'\n",
        "TELEGRAM = 1\n",
        "match channel:\n    case 'telegram': ...\n",
        "if profile == 'beijing_mutual_aid': ...\n",
        "SCHEMES = {'a': 'jilin-unit'}\n",
        "x = f'jilin-{kind}'\n",
        "x = load_scheme('period')\n",
        "services.networks['telegram'].channel\n",
        "from notify.chat.telegram.receiver import TelegramReceiver\n",
        "Source('telegram')\n",
    ],
)
def test_a_name_is_found(text: str) -> None:
    assert list(named([Source("bot/plant.py", text)]))
    assert list(named([Source("notify/driver_registry.py", text)]))


def test_a_driver_may_name_itself_and_no_other() -> None:
    text = "BASE_PATH = '/hooks/twilio'\n"
    for name in (
        "notify/voice/twilio.py",
        "notify/sms/twilio_http.py",
        "notify/voice/twilio/calls.py",
        "sandbox/twilio/rest.py",
    ):
        assert not list(named([Source(name, text)]))
    assert list(named([Source("notify/voice/aliyun.py", text)]))
    assert list(named([Source("backend/twilio.py", text)]))


@pytest.mark.parametrize(
    "text",
    [
        '"""Speaks to Telegram, by the rules of jilin-unit."""\n',
        "# as Twilio does\nx = 1\n",
        "x = row['period']\n",
        "load_scheme(name)\n",
        "x = 'telegrams'\n",
    ],
)
def test_what_names_nothing_is_let_be(text: str) -> None:
    assert not list(named([Source("bot/plant.py", text)]))


def test_a_name_in_a_template_is_found() -> None:
    assert list(named_in_texts([("backend/web/plant.html", '{% if profile == "jilin" %}')]))
    assert list(named_in_texts([("backend/web/plant.js", 'fetch("/hooks/telegram")')]))
    assert not list(named_in_texts([("sandbox/telegram/plant.js", 'fetch("/hooks/telegram")')]))
