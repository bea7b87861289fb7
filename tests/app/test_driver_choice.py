"""Which drivers are used: named by preference or found by their settings; the first that serves a number calls it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from backend.app.config import Config
from backend.app.drivers import build_drivers, list_provider_states
from backend.calls.carriers import Carriers
from backend.domain.refusals import Refused
from backend.domain.texts import Texts, list_languages
from notify.carrier import VoiceCapabilities
from tests.house.source import ROOT

STRONG = "q7Zr2mXw9Kd4Tb6Ns8Vy3Hc5Lp1Ja0Ge"  # the tests' own
GIVEN = {
    "JIESU_TWILIO_ACCOUNT_SID": "AC1",
    "JIESU_TWILIO_AUTH_TOKEN": "t",
    "JIESU_TWILIO_FROM": "+861084012345",
    "JIESU_ALIYUN_ACCESS_KEY_ID": "k",
    "JIESU_ALIYUN_ACCESS_KEY_SECRET": "s",
    "JIESU_ALIYUN_TEMPLATES": "a=b",
    "JIESU_ALIYUN_HOOK_SECRET": STRONG,
}


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Give environment variables; the configuration they make."""

    def give(given: dict[str, str], **more: Any) -> Config:
        monkeypatch.chdir(tmp_path)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        return Config(data=tmp_path, secret_key=STRONG, **more)

    return give


def list_carriers(config: Config) -> Sequence[str]:
    config.check()
    return [one.name for one in build_drivers(config).carriers]


def test_without_a_choice_every_driver_that_was_given_settings_is_used_by_name(configure: Any) -> None:
    config = configure(GIVEN)
    assert list_carriers(config) == ["aliyun", "twilio"]
    assert [one.name for one in build_drivers(config).sms.gateways] == ["twilio"]
    assert "AC1" not in repr(config) and STRONG not in repr(config)
    states = list_provider_states(config)
    assert (states["twilio"], states["aliyun"], states["vonage"]) == ("configured", "configured", "absent")


def test_a_choice_is_kept_in_its_order_and_a_name_without_a_file_is_refused(configure: Any) -> None:
    assert list_carriers(configure({**GIVEN, "JIESU_VOICE": "twilio, aliyun"})) == ["twilio", "aliyun"]
    assert list_carriers(configure({"JIESU_VOICE": "aliyun"})) == ["aliyun"]
    with pytest.raises(Refused, match="driver_unknown") as refused:
        configure({"JIESU_VOICE": "nobody"}).check()
    for language in list_languages():
        said = Texts(language).render_refusal(refused.value.code, dict(refused.value.facts))
        assert "nobody" in said and "JIESU_VOICE" in said


def test_chat_networks_are_used_all_at_once_and_by_todays_names_too(configure: Any) -> None:
    given = {"JIESU_TELEGRAM_TOKEN": "1:x", "JIESU_TELEGRAM_API_URL": "http://127.0.0.1:9/", "JIESU_TELEGRAM_PACE": "2"}
    config = configure(given)
    config.check()
    assert (
        list(build_drivers(config).networks) == ["telegram"]
        and list_provider_states(config)["telegram"] == "configured"
    )
    assert list(build_drivers(configure({**given, "JIESU_CHAT": "telegram"})).networks) == ["telegram"]
    with pytest.raises(Refused, match="driver_setting_missing"):
        configure({"JIESU_CHAT": "telegram", "JIESU_TELEGRAM_TOKEN": ""}).check()
    with pytest.raises(Refused, match="driver_unknown"):
        configure({"JIESU_CHAT": "telegram, pigeon"}).check()


@pytest.mark.parametrize(("name", "value"), [("MODE", "smoke"), ("PACE", "0"), ("API_URL", "http://user@127.0.0.1:9")])
def test_a_setting_of_a_chat_network_that_cannot_be_used_refuses_the_start(
    configure: Any, name: str, value: str
) -> None:
    configure({"JIESU_TELEGRAM_TOKEN": "1:x"}).check()
    with pytest.raises(Refused, match="driver_setting_wrong"):
        configure({f"JIESU_TELEGRAM_{name}": value}).check()


@pytest.mark.parametrize("missing", [name for name in GIVEN if name != "JIESU_ALIYUN_ACCESS_KEY_ID"])
def test_a_missing_setting_refuses_the_start_and_is_named(configure: Any, missing: str) -> None:
    with pytest.raises(Refused, match="driver_setting_missing") as refused:
        configure({**GIVEN, missing: ""}).check()
    for language in list_languages():
        assert missing in Texts(language).render_refusal(refused.value.code, dict(refused.value.facts))


@pytest.mark.parametrize("value", ["0", "-1", "many", "nan", "1e9"])
def test_a_setting_that_cannot_be_used_refuses_the_start(configure: Any, value: str) -> None:
    with pytest.raises(Refused, match="driver_setting_wrong"):
        configure({**GIVEN, "JIESU_TWILIO_CALLS_PER_SECOND": value}).check()
    key = {
        "JIESU_VOICE": "vonage",
        "JIESU_VONAGE_APPLICATION_ID": "1",
        "JIESU_VONAGE_PRIVATE_KEY": "no key",
        "JIESU_VONAGE_SIGNATURE_SECRET": "s",
        "JIESU_VONAGE_FROM": "+1",
    }
    with pytest.raises(Refused, match="driver_setting_wrong"):
        build_drivers(configure(key))


def test_settings_stand_in_the_file_as_well_and_the_environment_has_precedence(configure: Any, tmp_path: Path) -> None:
    (tmp_path / "jiesu.toml").write_text('twilio_from = "+1"\nJIESU_TWILIO_ACCOUNT_SID = "AC2"\nport = 8081\n')
    config = configure({"JIESU_TWILIO_ACCOUNT_SID": "AC1"})
    assert config.drivers == {"twilio": {"account_sid": "AC1", "from": "+1"}} and config.port == 8081


class Line:
    """A carrier that reaches some numbers."""

    def __init__(
        self, name: str, *, bridge: bool, serves: tuple[str, ...] = (), unserved: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self.can = VoiceCapabilities(
            live=True, speech=True, record=True, bridge=bridge, detect_machine=True, serves=serves, unserved=unserved
        )


def test_the_first_that_serves_a_number_calls_it_and_in_a_rehearsal_all_do() -> None:
    home, abroad = Line("home", bridge=False, serves=("+86",)), Line("abroad", bridge=True, unserved=("+86",))
    lines: Any = (home, abroad)
    real, rehearsed = Carriers(lines), Carriers(lines, all_serve=True)
    assert (real.choose("+8613800001234").name, real.choose("+12025550100").name) == ("home", "abroad")
    assert rehearsed.choose("+12025550100").name == "home"
    assert real.choose("+8613800001234", bridge=True).name == "abroad", "who can bridge is asked, and says if it cannot"
    assert not real.connects("+8613800001234", "+12025550100"), (
        "a number that it does not reach would be taken for dead"
    )
    assert rehearsed.connects("+8613800001234") and real.connects("+12025550100")
    with pytest.raises(Refused, match="no_carrier"):
        Carriers().choose("+8613800001234")


TOY = '''"""A toy carrier."""
from notify.carrier import VoiceCapabilities
from notify.driver import HookResponse, Route, Setting
NAME = "feige"
SETTINGS = (Setting("key", "secret", required=True),)
class Feige:
    name, number = NAME, "+1"
    can = VoiceCapabilities(live=True, speech=False, record=False, bridge=False, detect_machine=False)
    def routes(self, host):
        async def hello(request): return HookResponse(200, request.target)
        return [Route("POST", "/hello", hello)]
    async def close(self): pass
def build(settings): return Feige()
'''


RUN = """
import asyncio, sys
from pathlib import Path
import aiohttp
from backend.app.build import open_application
from backend.app.config import Config

async def main(folder):
    config = Config(data=Path(folder), sandbox=True, port=0, database_url=f"sqlite:///{folder}/x.db")
    async with open_application(config) as app, aiohttp.ClientSession() as http:
        print([one.name for one in app.built.drivers.carriers])
        async with http.post(f"{app.config.base_url}/hooks/feige/hello?x=1") as answer:
            print(await answer.text())
asyncio.run(main(sys.argv[1]))
"""


def test_a_package_is_all_a_new_carrier_takes(tmp_path: Path) -> None:
    """Its settings and its webhooks are found in a copy of the drivers' folder; no other file is touched."""
    shutil.copytree(ROOT / "notify", tmp_path / "notify", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "notify" / "voice" / "feige").mkdir()
    (tmp_path / "notify" / "voice" / "feige" / "__init__.py").write_text(TOY)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("JIESU_")},
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        "JIESU_FEIGE_KEY": "k",
        "JIESU_VOICE": "feige",
    }
    ran = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path / "data")],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert ran.stdout.splitlines() == ["['feige']", "/hooks/feige/hello?x=1"], ran.stderr
