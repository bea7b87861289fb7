"""`jiesu score`: trial run of a month, quarter or year, or a sheet from given counts; stores nothing (contract §3)."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from backend.cli import get_texts
from backend.cli.connect import load_config, open_core, print_json, run_async
from backend.cli.help import Misused
from backend.domain.refusals import Refused
from backend.domain.setting_words import word_scheme
from backend.domain.settings import parse_value
from backend.scoring.periods import parse_period

MAX_FACTS_BYTES = 16 * 1024 * 1024  # bytes of a facts file


@click.command(help=get_texts().render("cli.help.score"))
@click.option("--month", metavar="2026-10", help=get_texts().render("cli.help.month"))
@click.option("--quarter", metavar="2026Q4", help=get_texts().render("cli.help.quarter"))
@click.option("--year", metavar="2026", help=get_texts().render("cli.help.year"))
@click.option("--scheme", metavar="ID", help=get_texts().render("cli.help.scheme"))
@click.option("--unit", metavar="CODE", help=get_texts().render("cli.help.score_unit"))
@click.option("--set", "changes", metavar="KEY=VALUE", multiple=True, help=get_texts().render("cli.help.score_set"))
@click.option("--as-of", metavar="ISO8601", help=get_texts().render("cli.help.as_of"))
@click.option(
    "--facts",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help=get_texts().render("cli.help.facts"),
)
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def score(
    month: str | None, quarter: str | None, year: str | None, scheme: str | None, unit: str | None,
    changes: tuple[str, ...], as_of: str | None, facts: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Exactly one of the four sources must be given; `--set` applies to this run only."""
    named = [source for source in (month, quarter, year, facts) if source is not None]
    if len(named) != 1:
        raise Misused("just_one", choices="--month | --quarter | --year | --facts")
    if facts is not None and (scheme or unit or as_of):
        raise Misused("not_with", what="--facts", others="--scheme | --unit | --as-of")
    settings = parse_settings(changes)
    found: Mapping[str, Any]
    if facts is not None:
        found = run_async(_score_facts(read_facts(facts), settings))
    else:
        found = run_async(
            _score_period(
                None if month else "quarter" if quarter else "year",
                str(named[0]),
                scheme,
                unit,
                settings,
                as_of,
            )
        )
    if as_json:
        print_json(found)
    else:
        for line in format_result(found):
            click.echo(line)


def parse_settings(changes: tuple[str, ...]) -> dict[str, str]:
    """Parse the `--set` options as settings. Usage error without `=`; Refused `unknown_setting`, `bad_setting`."""
    found = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise click.BadParameter(change, param_hint="--set")
        found[key.strip()] = parse_value(key.strip(), value.strip())
    return found


def read_facts(path: Path) -> Mapping[str, Any]:
    """Read the facts document from a file, or from stdin for `-`. Refused `file_missing`, `too_large`, `bad_facts`."""
    try:
        if str(path) == "-":
            body = sys.stdin.buffer.read(MAX_FACTS_BYTES + 1)
        else:
            with path.open("rb") as stream:
                body = stream.read(MAX_FACTS_BYTES + 1)
    except OSError:
        raise Refused("file_missing", path=str(path)) from None
    if len(body) > MAX_FACTS_BYTES:
        raise Refused("too_large", limit=MAX_FACTS_BYTES)
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as wrong:
        raise Refused("bad_facts", path=str(path), found=str(wrong)[:60]) from None
    if not isinstance(document, dict):
        raise Refused("bad_facts", path=str(path), found=type(document).__name__)
    return document


async def _score_facts(document: Mapping[str, Any], settings: Mapping[str, str]) -> dict[str, Any]:
    """Score with the settings in force; `--set` overrides the document's own."""
    from backend.domain.scoring.compute import compute_given

    own = document.get("settings")
    if settings and isinstance(own, dict):
        document = {**document, "settings": {k: v for k, v in own.items() if k not in settings}}
    async with open_core(load_config()) as core:
        return compute_given(document, (await core.office.snapshot()).settings.with_changes(settings).to_dict())


async def _score_period(
    kind: str | None,
    name: str,
    scheme: str | None,
    unit: str | None,
    settings: Mapping[str, str],
    as_of: str | None,
) -> Mapping[str, Any]:
    if kind is not None and parse_period(name).kind != kind:
        raise Refused("bad_period", period=name)
    async with open_core(load_config()) as core:
        if kind is None:
            return await core.scoring.compute_month(name, scheme=scheme, unit=unit, settings=settings, as_of=as_of)
        return await core.scoring.compute_period(name, scheme=scheme, unit=unit, settings=settings, as_of=as_of)


def format_result(found: Mapping[str, Any]) -> list[str]:
    """Format the result for reading, one line per figure."""
    if "units" not in found:
        return _format_sheet(found)
    lines = [str(found["period"])]
    for sheet in found["units"]:
        lines += ["", f"{sheet['unit']}  {sheet.get('name', '')}", *_format_sheet(sheet)]
    for region in found["regions"]:
        lines += ["", f"{region['region']}  {_format_total(region['total'])}"]
    return lines


def _format_sheet(sheet: Mapping[str, Any]) -> list[str]:
    lines = [
        f"  {_format_total(sheet['total']):>8}  {word_scheme(get_texts(), sheet['scheme'])}  {' '.join(_format_word('sheet', flag) for flag in sheet['flags'])}".rstrip()
    ]
    for line in sheet["lines"]:
        counted = "" if line["denominator"] is None else f"{line['numerator']}/{line['denominator']}"
        rate = "" if line["rate"] is None else f"{line['rate']}%"
        lines.append(
            f"  {line['score']:>8}  {line['name']}  {counted}  {rate}  {_format_word('sheet', line['note'])}".rstrip()
        )
        if "answers" in line:
            lines.append(f"  {'':>8}  {get_texts().render('score.answers', **line['answers'])}")
    return [*lines, f"  {get_texts().render('cli.figures_hash', hash=sheet['figures_hash'])}"]


def _format_word(group: str, code: str | None) -> str:
    return get_texts().get_word_or_value(group, code) if code else ""


def _format_total(total: str | None) -> str:
    return "–" if total is None else total
