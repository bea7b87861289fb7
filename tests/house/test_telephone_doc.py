"""The page about the telephone shows the tables as they are in the code: outcomes, dead numbers, buckets, spacing (Q42, B46)."""

from backend.app.config import Config
from backend.calls.dialer import INVALID_NUMBER_CODES
from backend.domain import retry, unreachable
from backend.domain.script_files import load_script
from backend.domain.script_menu import build_menu
from tests.house.source import ROOT, nothing

PAGE = (ROOT / "docs" / "telephone.zh.md").read_text("utf-8")


def test_every_outcome_stands_in_the_retry_table_with_whether_it_proves_anything() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    wrong = []
    for outcome in retry._OUTCOMES:
        row = next((r for r in rows if f"`{outcome}`" in r.split("|")[1]), "")
        said = row.rstrip("| ").rpartition("|")[2].strip()
        if not row or said.startswith("是") != retry.proves_unreachable(outcome):
            wrong.append(outcome)
    nothing(wrong, "an outcome the page leaves out or describes otherwise")


def test_the_settings_texts_and_figures_the_page_names_exist() -> None:
    settings = [f"JIESU_{name.upper()}" for name in Config.model_fields if name.startswith("aliyun")]
    nothing([name for name in settings if name not in PAGE], "a setting the page does not explain")
    for name, facts in (("notice", {"has_duty": False}), ("supervise", {}), ("visit_menu", {})):
        made = build_menu(load_script(name), facts)
        nothing([key for key in (made.first, *made.keys.values()) if f"`{key}`" not in PAGE], "a text to be approved")
    assert all(code in PAGE for code in INVALID_NUMBER_CODES if not code.isdigit())
    assert f"{unreachable.MIN_ATTEMPTS} 次" in PAGE and f"{int(unreachable.MIN_GAP.total_seconds() // 60)} 分钟" in PAGE
