"""A finding is recorded once and ends when the fault is mended; checks run once a minute."""

from dataclasses import replace
from datetime import timedelta

from backend.domain.texts import Texts
from backend.integrity.checks import CATCH_UP, INTERVAL, IntegrityChecks
from backend.ports.integrity import Finding
from storage.integrity.check_queries import CHECKS
from storage.integrity.checks import SqlIntegrityStore
from tests.integrity.world import CheckedWorld


async def test_a_finding_is_recorded_once_and_ends_when_the_fault_is_mended(world: CheckedWorld) -> None:
    await world.change("UPDATE tickets SET version = version + 1")
    await world.find_one("version_differs")
    assert await world.checks.check() == []
    assert [f.kind for f in await world.checks.list_findings()] == ["version_differs"]
    await world.change("UPDATE tickets SET version = version - 1")
    assert await world.checks.check() == []
    assert await world.checks.list_findings() == []
    assert await world.list_audited() == ["finding", "healed"]


async def test_two_processes_record_a_finding_once(world: CheckedWorld) -> None:
    other = IntegrityChecks(SqlIntegrityStore(world.db, world.ids), world.clock)
    finding = Finding("untold", "T1", {})
    assert len(await world.store.save_findings([finding], [], world.at)) == 1
    assert await world.store.save_findings([replace(finding)], [], world.at) == []
    assert await other.check() == []  # everybody was notified: the finding ends, once
    assert await world.checks.check() == []
    assert await world.list_audited() == ["finding", "healed"]


async def test_checks_run_once_a_minute_and_wait_after_a_step_of_the_clock_until_others_have_caught_up(
    world: CheckedWorld,
) -> None:
    async def run_after(office: timedelta, real: timedelta) -> int:
        world.at += office
        world.real += real
        return await world.checks.run_once()

    await world.change("UPDATE tickets SET version = version + 1")
    assert await world.checks.run_once() == 0  # it has just been started
    assert await run_after(CATCH_UP, CATCH_UP) == 1
    await world.change("UPDATE tickets SET state = 'replied'")
    assert await run_after(INTERVAL / 4, INTERVAL / 4) == 0
    assert await run_after(INTERVAL / 4, INTERVAL / 4) == 0
    assert await run_after(INTERVAL / 2, INTERVAL / 2) == 1
    await world.change("DELETE FROM duties WHERE kind = 'sign'")
    assert await run_after(timedelta(hours=1), timedelta(seconds=1)) == 0  # the sandbox clock was moved
    assert await run_after(CATCH_UP, CATCH_UP) == 1
    await world.change("DELETE FROM duties WHERE kind = 'close'")
    assert await run_after(timedelta(hours=-1), timedelta(seconds=1)) == 0  # the machine's clock was set back (FS3)
    assert await run_after(CATCH_UP, CATCH_UP) == 1


def test_there_are_at_least_twelve_kinds_of_findings_and_each_has_its_text() -> None:
    assert len(CHECKS) >= 12
    for language in ("zh_CN", "en"):
        texts = Texts(language)
        assert [kind for kind in CHECKS if not texts.has(f"finding.{kind}")] == []
