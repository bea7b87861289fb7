"""The page about the telephone agrees with the code: outcomes, invalid numbers, texts, spacing of attempts (Q42, B46)."""

import pytest

from backend.domain import retry, unreachable
from backend.domain.script_files import build_menu, load_script
from notify.driver_registry import DriverModule, DriverRegistry, name_variable
from notify.voice.aliyun.carrier import AliyunCarrier
from notify.voice.vonage.carrier import VonageCarrier
from tests.house.source import ROOT, nothing

PAGE = (ROOT / "docs" / "telephone.zh.md").read_text("utf-8")


def test_every_outcome_is_listed_and_whether_it_proves_that_nobody_is_reached() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    wrong = []
    for outcome in retry._OUTCOMES:
        row = next((r for r in rows if f"`{outcome}`" in r.split("|")[1]), "")
        proves = row.rstrip("| ").rpartition("|")[2].strip()
        if not row or proves.startswith("是") != retry.proves_unreachable(outcome):
            wrong.append(outcome)
    nothing(wrong, "an outcome the page leaves out or describes wrongly")


CARRIERS = [DriverRegistry.discover().load("voice", name) for name in DriverRegistry.discover().list_names("voice")]


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: carrier.name)
def test_the_page_names_every_setting_of_a_carrier(carrier: DriverModule) -> None:
    settings = [name_variable(carrier.name, setting.name) for setting in carrier.settings]
    assert settings
    nothing([name for name in settings if name not in PAGE], "a setting the page does not explain")


def test_the_page_names_every_text_to_be_approved() -> None:
    for name, facts in (("notice", {"has_duty": False}), ("supervise", {}), ("visit_menu", {})):
        menu = build_menu(load_script(name), facts)
        nothing([key for key in (menu.first, *menu.keys.values()) if f"`{key}`" not in PAGE], "a text to be approved")


def test_the_page_names_the_codes_of_invalid_numbers_and_the_spacing_of_attempts() -> None:
    nothing(
        [
            code
            for carrier in (AliyunCarrier, VonageCarrier)
            for code in carrier.can.invalid_number
            if not code.isdigit() and code not in PAGE
        ],
        "a code not named",
    )
    assert f"{unreachable.MIN_ATTEMPTS} 次" in PAGE and f"{int(unreachable.MIN_GAP.total_seconds() // 60)} 分钟" in PAGE
