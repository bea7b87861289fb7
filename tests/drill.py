"""`pytest --drill`: every test marked `proves(key)` is run with that setting ignored, and must fail.

A test names what it proves by `@pytest.mark.proves("the.key", …)`, and is run once for each key; or by the bare marker
and a parameter `key`. A test that still passes proves nothing about the setting: it would not notice if nobody read it.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from backend.domain.scoring.readings import Readings
from backend.domain.settings import Settings
from tests.domain import move_world


@contextmanager
def ignoring(key: str) -> Iterator[None]:
    """Answer as if nobody had ever set this key, for the office or a unit: by the key it follows, profile or default.

    The two places where settings are looked up are replaced; what is not allowed is still refused.
    """
    build, parse = Settings.__post_init__, Readings.parse

    def build_without(settings: Settings) -> None:
        build(settings)
        chosen = settings.overrides
        object.__setattr__(settings, "overrides", {k: v for k, v in chosen.items() if k.partition("@")[0] != key})
        build(settings)
        object.__setattr__(settings, "overrides", chosen)

    def parse_without(given: Mapping[str, Any], scheme_settings: Mapping[str, str] = {}) -> Readings:
        return parse({k: v for k, v in given.items() if k != key}, scheme_settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Settings, "__post_init__", build_without)
        patch.setattr(Readings, "parse", parse_without)
        move_world.build_snapshot.cache_clear()
        yield
    move_world.build_snapshot.cache_clear()


class Drill:
    """Keeps the proofs of a session, ignores what each proves, and turns their outcome around."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run a test once for each key that its marker names."""
        marker = metafunc.definition.get_closest_marker("proves")
        if marker is not None and marker.args:
            metafunc.parametrize("ignored_setting", marker.args, indirect=True)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep the proofs, on one engine: who ignores a setting does so on both."""
        kept = [
            item for item in items if item.get_closest_marker("proves") and _params(item).get("engine") != "postgresql"
        ]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept

    @pytest.fixture(autouse=True)
    def ignored_setting(self, request: pytest.FixtureRequest) -> Iterator[None]:
        """Ignore the setting that this test is to prove."""
        with ignoring(_ignored(request.node)):
            yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """A test that fails has proved its setting; a test that passes has not."""
        report = yield
        if report.when == "call":
            key = _ignored(item)
            report.user_properties.append(("ignored", key))
            if report.passed:
                report.outcome, report.longrepr = "failed", f"proves nothing: it passes although {key} is ignored"
            elif report.failed:
                report.outcome, report.longrepr = "passed", None
        return report

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say how many settings were tried by how many tests."""
        keys = [
            value
            for outcome in ("passed", "failed")
            for report in terminalreporter.stats.get(outcome, ())
            for name, value in report.user_properties
            if name == "ignored"
        ]
        useless = len(terminalreporter.stats.get("failed", ()))
        terminalreporter.write_line(f"{len(set(keys))} settings ignored in {len(keys)} proofs, {useless} prove nothing")


def _params(item: pytest.Item) -> Mapping[str, Any]:
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec is not None else {}


def _ignored(item: pytest.Item) -> str:
    params = _params(item)
    return str(params.get("ignored_setting") or params["key"])
