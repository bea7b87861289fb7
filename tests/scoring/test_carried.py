"""What a ledger line must carry: a note, evidence, a matter, tickets, by its kind, at every door (B4, XD3)."""

from typing import Any

import pytest

from backend.domain.refusals import Refused
from backend.domain.scoring.scheme import Carried, LedgerRule, Scheme
from backend.domain.scoring.scheme_file import list_scheme_ids, load_scheme, parse_scheme
from backend.scoring.ledgers import Ledgers
from tests.domain.file_structure.samples import PNG
from tests.scoring.world import CLERK, HANDLER, OCT, SECOND_CLERK, World

MANAGED = {"jilin-unit": "U01", "jilin-mgmt": "M01"}
KINDS = [(name, kind) for name in MANAGED for kind in sorted(load_scheme(name).list_kinds())]


@pytest.fixture
async def world(world: World) -> World:
    """Return the province with a ticket L1."""
    await world.add_ticket("L1")
    return world


def build_complete(scheme: Scheme, kind: str) -> dict[str, Any]:
    """Return a row with all that its kind must carry, and no more."""
    full = {Carried.NOTE: "经核实", Carried.EVIDENCE: "通报1号", Carried.MATTER: "m1", Carried.TICKETS: ["L1"],
            Carried.POINTS: "2", Carried.TIMELY: 9, Carried.TOTAL: 10}  # fmt: skip
    row: dict[str, Any] = {"kind": kind, "month": OCT, **{str(f): full[Carried(f)] for f in scheme.list_carried(kind)}}
    levelled = next((line for line in scheme.ledger if line.kind == kind and line.levels), None)
    return row if levelled is None else {**row, "level": sorted(levelled.levels)[0]}


def test_every_kind_of_every_scheme_declares_what_it_must_carry_XD3() -> None:
    for name in list_scheme_ids():
        scheme = load_scheme(name)
        assert set(scheme.carries) == scheme.list_kinds(), name
        assert all(Carried.NOTE in fields for fields in scheme.carries.values()), name
        matters = {line.kind for line in scheme.ledger if line.rule is LedgerRule.HIGHEST_PER_MATTER}
        graded = {line.kind for line in scheme.ledger if line.rule is LedgerRule.GRADED}
        for kind in scheme.list_kinds():
            assert (Carried.MATTER in scheme.carries[kind]) is (kind in matters), kind
            assert (Carried.POINTS in scheme.carries[kind]) is (kind in graded), kind


@pytest.mark.parametrize("carries", ['poem = ["note"]', 'praise = ["joy"]', 'praise = "note"'])
def test_a_scheme_that_declares_an_unknown_kind_or_field_is_refused_XD3(carries: str) -> None:
    text = ('id = "x"\nname = "x"\nbasis = "x"\nversion = "1"\nkind = "sheet"\n[[bonus]]\nkind = "praise"\nname = "x"\n'
            'source = "B24"\nrule = "per_event"\namount = "1"\ncap = "2"\n[carries]\n')  # fmt: skip
    assert parse_scheme(text).list_carried("praise") == ("note", "evidence")  # what is not declared needs both
    with pytest.raises(Refused, match="bad_scheme"):
        parse_scheme(text + carries)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("name", "kind"), KINDS)
async def test_a_line_that_lacks_what_its_kind_must_carry_is_refused_by_field_XD3(
    world: World, name: str, kind: str
) -> None:
    scheme = load_scheme(name)
    row = {**build_complete(scheme, kind), "unit": MANAGED[name]}
    assert (await world.scoring.enter_ledger(row, CLERK))["state"] == "entered"
    for field in scheme.list_carried(kind):
        for empty in ({}, {field: " "}) if isinstance(row[field], str) else ({},):
            with pytest.raises(Refused) as refusal:
                await world.scoring.enter_ledger({k: v for k, v in row.items() if k != field} | empty, CLERK)
            code, facts = refusal.value.code, refusal.value.facts
            assert code in ("missing", "points_missing", "bad_facts", "not_a_number"), (field, code)
            assert field in str(facts.get("field") or facts.get("found") or facts.get("path")), (field, facts)


async def test_evidence_is_a_document_a_file_or_a_ticket_and_a_ticket_must_exist_XD3(world: World) -> None:
    row = {"kind": "exposure", "unit": "U01", "month": OCT, "note": "电视台曝光"}
    report = await world.scoring.dependencies.files.store("报道.png", PNG, CLERK)
    for proof in ({"evidence": "9月3日报道"}, {"files": [report.id]}, {"tickets": ["L1"]}):
        assert (await world.scoring.enter_ledger({**row, **proof}, CLERK))["id"]
    for proof, code, field in (({}, "missing", "evidence"), ({"tickets": []}, "missing", "evidence"),
                               ({"tickets": ["L1", "L9"]}, "unknown_ticket", "tickets")):  # fmt: skip
        with pytest.raises(Refused) as refusal:
            await world.scoring.enter_ledger({**row, **proof}, CLERK)
        assert (refusal.value.code, refusal.value.facts["field"]) == (code, field)


async def test_contests_and_exclusions_name_tickets_that_exist_XD3(world: World) -> None:
    run, contests = await world.scoring.start_run(OCT, None, CLERK), world.scoring.contests
    excluded = {"month": OCT, "unit": "U01", "item": "sign", "reason": "平台故障"}
    await contests.exclude({**excluded, "tickets": ["L1"]}, CLERK)
    contest = await world.scoring.submit_contest(
        run["id"], {"words": "有误", "item": "sign", "tickets": ["L1"]}, HANDLER
    )
    for work in (
        contests.exclude({**excluded, "tickets": ["L1", "L9"]}, CLERK),
        world.scoring.submit_contest(run["id"], {"words": "有误", "item": "sign", "tickets": ["L9"]}, HANDLER),
        contests.propose(contest["id"], {"accept": True, "reason": "属实", "exclude": ["L9"]}, CLERK),
    ):
        with pytest.raises(Refused, match="unknown_ticket"):
            await work


async def test_a_correction_keeps_what_the_line_carried_but_need_not_mend_older_lines_XD3(world: World) -> None:
    ledgers: Ledgers = world.scoring.ledgers
    await ledgers.draft("exposure", "U01", OCT, source="old")  # a line without a note, as older ones are
    (old,), _ = await ledgers.list_lines(CLERK, state="draft")
    await ledgers.review_ledger(old["id"], True, CLERK)
    assert (await ledgers.correct(old["id"], {"count": 2, "reason": "漏记"}, CLERK))["replaces"] == old["id"]
    full = await world.scoring.enter_ledger(
        {"kind": "exposure", "unit": "U01", "month": OCT, "note": "曝光", "evidence": "通报"}, CLERK
    )
    await ledgers.review_ledger(full["id"], True, SECOND_CLERK)
    with pytest.raises(Refused, match="missing"):
        await ledgers.correct(full["id"], {"note": "", "reason": "改"}, CLERK)
    assert await ledgers.correct(full["id"], {"void": True, "note": "", "reason": "查无此事"}, CLERK)
