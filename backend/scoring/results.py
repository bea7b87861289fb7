"""Compute the published sheets of a period from stored inputs; pure, so a locked run can be recomputed exactly (B3)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from backend.domain.scoring.compute import compute_json
from backend.domain.scoring.ranking import find_tier, rank
from backend.domain.scoring.scheme import Tier
from backend.domain.scoring.scheme_file import SchemeSource
from backend.domain.scoring.sheet import CONNECT_UNREPORTED, NO_ASSIGNMENT, UNDECIDED, hash_figures
from backend.scoring.documents import pool_documents
from backend.scoring.rules import BEFORE_THE_SETTING, build_source, find_period_scheme, find_region_scheme
from backend.scoring.shapes import Result


def compute_result(inputs: Mapping[str, object]) -> Result:
    """Compute the result of a period's inputs: `{"period", "units", "regions"}`."""
    return cast(Result, _compute_month(inputs) if "units" in inputs else _compute_longer(inputs))


def hash_sheet(sheet: Mapping[str, object]) -> str:
    """Return the SHA-256 (hex) of a run's inputs and result as canonical JSON."""
    body = json.dumps(sheet, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(body.encode()).hexdigest()


def hash_result_figures(result: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of a result's period, figures and rules alone: no instant, no evidence, no names (XD13)."""
    rows = [*result["units"], *result["regions"]]
    figures = sorted([row.get("unit") or row["region"], hash_figures(row)] for row in rows)
    return hash_sheet({"period": result["period"], "figures": figures})


def _compute_month(inputs: Mapping[str, Any]) -> dict[str, Any]:
    find_scheme = build_source(inputs)
    settings = {**BEFORE_THE_SETTING, **inputs["settings"]}
    units = [
        {"unit": document["unit"], "name": document["name"], "region": document["region"],
         **compute_json(document, settings, find_scheme)}
        for document in inputs["units"]
    ]  # fmt: skip
    sheets = {sheet["unit"]: sheet for sheet in units}
    regions = [_compute_region(name, inputs, sheets) for name in inputs["regions"]]
    since = {"rules_as_of": inputs["rules_as_of"]} if inputs.get("rules_as_of") else {}
    return {"period": inputs["period"], **since, "units": units, "regions": regions}


def _compute_region(name: str, inputs: Mapping[str, Any], sheets: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Compute 0.4 × the institution + 0.6 × the units (B10); departments of the province are left out (Q51)."""
    here = [d for d in inputs["units"] if d["region"] == name and d["unit"] not in inputs["apart"]]
    managing = [d for d in here if build_source(inputs)(d["scheme"]).scores_institutions]
    units = [d for d in here if d not in managing]
    document: dict[str, object] = {
        "scheme": find_region_scheme(inputs),
        "region": name,
        "management": sheets[managing[0]["unit"]]["total"] if managing else None,
        "units": [sheets[d["unit"]]["total"] for d in units],
        "weights": [d.get("assignments", 0) for d in units],
    }
    if inputs["settings"].get("region.aggregation") == "pooled":
        document["pooled"] = pool_documents(units)
    sheet = compute_json(document, inputs["settings"], build_source(inputs))
    sheet["flags"] = [_name_absence(flag, [sheets[d["unit"]] for d in here]) for flag in sheet["flags"]]
    return {"region": name, **sheet, "figures_hash": hash_figures(sheet)}


def _compute_longer(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Compute a quarter or year: the mean of the scored months, with ranks and tiers (B12, Q52)."""
    months = [_compute_month(month) for month in inputs["months"]]
    names = {s["unit"]: (s["name"], s["region"], s["scheme"]) for month in months for s in month["units"]}
    kept = {scheme: text for month in inputs["months"] for scheme, text in (month.get("schemes") or {}).items()}
    find_scheme = build_source({"schemes": kept})

    def compute_span(code: str, scheme: str) -> dict[str, Any]:
        if find_scheme(scheme).totals:
            sheets = [_find_row(month["units"], "unit", code) for month in months]
            return _compute_mean(inputs, sheets)
        return _add_up(inputs, code, scheme, find_scheme)

    units = [
        {"unit": code, "name": name, "region": region, **compute_span(code, scheme), "of": scheme}
        for code, (name, region, scheme) in sorted(names.items())
    ]
    regions = [
        {
            "region": name,
            **_compute_mean(inputs, [_find_row(month["regions"], "region", name) for month in months]),
        }
        for name in dict.fromkeys(r["region"] for month in months for r in month["regions"])
    ]
    tiers = build_source(inputs)(find_period_scheme(inputs)).tiers
    for scheme in {unit["of"] for unit in units}:
        _add_ranks([u for u in units if u["of"] == scheme], "unit", tiers)
    _add_ranks(regions, "region", tiers)
    return {"period": inputs["period"], "units": units, "regions": regions}


def _compute_mean(inputs: Mapping[str, Any], months: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Compute the mean of months' sheets, with what must not be lost of them.

    That is counts never reported (XD14), and what is undecided, which is not as if nothing had taken part (Q15).
    """
    totals = [month.get("total") for month in months]
    document = {"scheme": find_period_scheme(inputs), "kind": inputs["kind"], "months": totals}
    sheet = compute_json(document, inputs["settings"], build_source(inputs))
    for line, month in zip(sheet["lines"], months, strict=True):
        line["note"] = _name_absence(line["note"], [month])
    sheet["flags"] = [_name_absence(flag, months) for flag in sheet["flags"]]
    if any(CONNECT_UNREPORTED in month.get("flags", ()) for month in months):
        sheet["flags"].append(CONNECT_UNREPORTED)
    return {**sheet, "figures_hash": hash_figures(sheet)}


def _add_up(inputs: Mapping[str, Any], code: str, scheme: str, find_scheme: SchemeSource) -> dict[str, Any]:
    """Compute the rates of a span from the counts of its months, where a scheme has no total to be averaged (A26, XD16)."""
    documents = [d for month in inputs["months"] for d in month["units"] if (d["unit"], d["scheme"]) == (code, scheme)]
    return compute_json({"scheme": scheme, **pool_documents(documents)}, inputs["settings"], find_scheme)


def _find_row(rows: Sequence[Mapping[str, Any]], key: str, name: str) -> Mapping[str, Any]:
    return next((row for row in rows if row[key] == name), {})


def _name_absence(word: str, parts: Sequence[Mapping[str, Any]]) -> str:
    """Return the word for having no score: nothing took part, or nothing is decided yet (Q9, Q15)."""
    is_undecided = any(UNDECIDED in part.get("flags", ()) for part in parts)
    return UNDECIDED if word == NO_ASSIGNMENT and is_undecided else word


def _add_ranks(rows: list[dict[str, Any]], key: str, tiers: Sequence[Tier]) -> None:
    places = {r.code: r.rank for r in rank({row[key]: row["total"] for row in rows})}
    for row in rows:
        band = find_tier(row["total"], tiers)
        row["rank"], row["tier"] = places[row[key]], None if band is None else band.id
