"""Time, chance and what machine this is are given: only what composes the application, drives a provider or runs a command asks."""

import ast
import re
from collections.abc import Iterable, Iterator

import pytest

from tests.house.source import Breach, Source, only_exceptions, sources

MAY_ASK = ("backend/app/", "backend/cli/", "notify/chat/", "notify/voice/", "notify/sms/")
LOOPS = ("get_running_loop", "get_event_loop", "new_event_loop")
ASKING = frozenset((
    *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")), "datetime.date.today",
    *(f"asyncio.{loop}().time" for loop in LOOPS), *(f"asyncio.events.{loop}().time" for loop in LOOPS),
    "os.getpid", "socket.gethostname", "socket.getfqdn", "platform.node", "os.uname", "multiprocessing.current_process",
    "uuid.uuid1", "uuid.uuid4", "os.urandom", "os.getrandom", "os.times", "email.utils.localtime", "email.utils.make_msgid",
    *(f"sqlalchemy.func.{name}" for name in ("now", "current_timestamp", "current_date", "current_time", "random")),
))  # fmt: skip
#: Modules that ask altogether, and what in them does not.
WORLD = re.compile(r"(random|secrets|time)\.\w+")
HARMLESS = frozenset(("secrets.compare_digest", "time.sleep", "time.strptime", "time.mktime", "time.struct_time"))
#: A generator is decided by its seed; without one it asks the machine.
SEEDED = "random.Random"


def asked(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where these files ask the time or chance themselves, called or handed on."""
    for code in codes:
        if code.name.startswith(MAY_ASK):
            continue
        for node, function in code.nodes:
            match node:
                case ast.Call(func=ast.Attribute(attr="now") as func, args=[_]) if id(func) not in code.origin_of:
                    yield code.breach(node, function, f"{ast.unparse(func)}(zone)")  # a clock that is given needs none
        seeded = frozenset(id(node.func) for node, _ in code.nodes if isinstance(node, ast.Call) and _has_seed(node))
        for node, function, origin in code.origins:
            is_world = WORLD.fullmatch(origin) and origin not in HARMLESS
            if origin in ASKING or (is_world and not (origin == SEEDED and id(node) in seeded)):
                yield code.breach(node, function, origin)


def _has_seed(call: ast.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return any(not (isinstance(value, ast.Constant) and value.value is None) for value in given)


def test_only_a_few_places_ask_the_time_or_chance() -> None:
    only_exceptions("clocks", asked(sources()), "take the clock, or what chance decides, as an argument")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("import time\nx = time.time()\n", "time.time"),
        ("import time as t\nx = t.monotonic()\n", "time.monotonic"),
        ("from time import time as t\nx = t()\n", "time.time"),
        ("from time import time\nclock = time\n", "time.time"),
        ("def f():\n    import time\n    return time.perf_counter()\n", "time.perf_counter"),
        ("import datetime as dt\nx = dt.datetime.now(dt.UTC).date()\n", "datetime.datetime.now"),
        ("from datetime import datetime, UTC\nx = lambda: datetime.now(UTC)\n", "datetime.datetime.now"),
        ("from datetime import datetime as d\nnow = d.now\n", "datetime.datetime.now"),
        ("import datetime\nclass_ = datetime.datetime\nx = class_.utcnow()\n", "datetime.datetime.utcnow"),
        ("from datetime import date\nx = date.today()\n", "datetime.date.today"),
        ("import asyncio\nloop = asyncio.get_running_loop()\nx = loop.time() + 1\n", "asyncio.get_running_loop().time"),
        ("from asyncio import get_event_loop\nx = get_event_loop().time()\n", "asyncio.get_event_loop().time"),
        ("import random\nx = random.random()\n", "random.random"),
        ("from random import choice as pick\nx = pick([1])\n", "random.choice"),
        ("import secrets\nx = secrets.token_hex(3)\n", "secrets.token_hex"),
        ("import os\nx = f'{os.getpid()}'\n", "os.getpid"),
        ("from socket import gethostname as host\nx = host()\n", "socket.gethostname"),
        ("from uuid import uuid4\nx = [field(default_factory=uuid4)]\n", "uuid.uuid4"),
        ("import time\ndef f(clock=time.time): ...\n", "time.time"),
        ("from sqlalchemy import func\nx = func.now()\n", "sqlalchemy.func.now"),
        ("import time\na, b = time.time, 1\n", "time.time"),
        ("import datetime as dt\nD, zone = dt.datetime, dt.UTC\nx = D.now(zone)\n", "datetime.datetime.now"),
        ("from datetime import datetime\nif (d := datetime):\n    x = d.now()\n", "datetime.datetime.now"),
        ("import time\nx = time.process_time()\n", "time.process_time"),
        ("from time import clock_gettime as c\nx = c(0)\n", "time.clock_gettime"),
        ("import random\ndraw = random.Random()\n", "random.Random"),
        ("def f(kind):\n    return kind.now(zone)\n", "kind.now(zone)"),
        ("def f(moment):\n    return type(moment).now(zone)\n", "type(moment).now(zone)"),
        (
            "from functools import partial\nfrom datetime import datetime\nnow = partial(datetime.now, zone)\n",
            "datetime.datetime.now",
        ),
        ("from time import monotonic as now\nx = now()\n", "time.monotonic"),
        ("import time\nclass A:\n    clock: Callable[[], float] = time.monotonic\n", "time.monotonic"),
        ("import time as t, os\nclock, x = t, 1\ny = clock.time_ns()\n", "time.time_ns"),
        (
            "import asyncio\nloop = asyncio.get_running_loop()\ndef f():\n    return loop.time\n",
            "asyncio.get_running_loop().time",
        ),
        (
            "from asyncio import get_running_loop as here\nx = (loop := here()).time() + loop.time()\n",
            "asyncio.get_running_loop().time",
        ),
        (
            "import asyncio\nclass A:\n    def f(self):\n        self.loop = asyncio.new_event_loop()\n"
            "    def g(self):\n        return self.loop.time()\n",
            "asyncio.new_event_loop().time",
        ),
        ("from datetime import datetime\nx = datetime.today()\n", "datetime.datetime.today"),
        (
            "import datetime as dt\nclass A:\n    at: dt.datetime = field(default_factory=dt.datetime.now)\n",
            "datetime.datetime.now",
        ),
        ("import uuid\nx = uuid.uuid4().hex\n", "uuid.uuid4"),
        ("from secrets import token_hex as draw\nx = draw(8)\n", "secrets.token_hex"),
        ("from os import urandom\nx = urandom(12)\n", "os.urandom"),
        ("import random\ndraw = random.Random()\nx = draw.random()\n", "random.Random"),
        ("from random import Random\ndraw = Random(None)\n", "random.Random"),
        ("from random import Random\nx = [field(default_factory=Random)]\n", "random.Random"),
        ("from random import SystemRandom\nx = SystemRandom(7).random()\n", "random.SystemRandom"),
    ],
)
def test_a_place_that_asks_is_found(text: str, what: str) -> None:
    assert [one.what for one in asked([Source("backend/tickets/plant.py", text)])][:1] == [what]
    assert not list(asked([Source("backend/app/plant.py", text)]))


@pytest.mark.parametrize(
    "text",
    [
        "from datetime import time, datetime\nx = time(8, 30)\ny = datetime.fromtimestamp(0, zone)\n",
        "def f(clock):\n    return clock.now(), clock.time()\n",
        "import random\ndraw = random.Random(7)\nx = draw.random()\n",
        "import secrets\nsame = secrets.compare_digest(a, b)\n",
        "import random\ndef f(seed):\n    return random.Random(x=seed).random()\n",
        "import asyncio\nasync def f():\n    async with asyncio.timeout(3):\n        await asyncio.sleep(1)\n",
        "import asyncio\nloop = asyncio.get_running_loop()\nx = loop.create_future()\n",
        "class A:\n    def f(self):\n        return self.clock.monotonic(), self.chance.random_bytes(8)\n",
    ],
)
def test_a_clock_that_was_given_is_let_be(text: str) -> None:
    assert not list(asked([Source("backend/tickets/plant.py", text)]))
