"""Validate and build ledger lines: fields, month, evidence, and the scheme that will count them (Q47, Q49)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, cast
from zoneinfo import ZoneInfo

from typing_extensions import TypedDict

from backend.domain.json_shapes import Amount, Day, Instant, Month, one_of
from backend.domain.records import Unit
from backend.domain.refusals import Refused
from backend.domain.scoring.facts import parse_facts
from backend.domain.scoring.scheme import Carried, LedgerRule
from backend.domain.scoring.scheme_file import load_scheme
from backend.office.cache import OfficeSnapshot
from backend.ports.scoring import LedgerEntry
from backend.scoring.documents import find_scheme
from backend.scoring.periods import format_instant, parse_month

COUNTED = ("kind", "count", "level", "matter", "points", "timely", "total", "note", "evidence")
FIELDS = (*COUNTED, "unit", "month", "document_date", "files", "tickets", "channel", "reason")
MAX_CHARS = 2_000  # characters of a note
MAX_ITEMS = 50  # files or tickets of one line
SYSTEM = "system"  # who enters what the system finds by itself
STATES = ("draft", "entered", "accepted", "refused", "void")


class KindFacts(TypedDict, total=False):
    """What a ledger line of one kind alone has."""

    timely: int
    total: int
    channel: str
    void: bool
    exemption: str


class LedgerLine(KindFacts):
    """A ledger line (台账)."""

    id: int
    kind: str
    unit: str
    month: Month
    count: int
    level: str | None
    matter: str | None
    points: Amount | None
    note: str
    evidence: str
    document_date: Day | None
    files: list[str]
    tickets: list[str]
    state: Annotated[str, one_of(STATES)]
    entered_by: str
    entered_at: Instant
    reviewed_by: str | None
    reviewed_at: Instant | None
    replaces: int | None
    reason: str


class OfferedLine(LedgerLine):
    """A ledger line, and whether its decision is offered to the reader."""

    may_decide: bool


def resolve_unit(written: str, snapshot: OfficeSnapshot) -> Unit:
    """Return the unit of a code or a name. Refused `unknown_unit`."""
    units = snapshot.config.units
    found = units.get(written) or next((u for u in units.values() if u.name == written), None)
    if found is None:
        raise Refused("unknown_unit", unit=written[:60])
    return found


def resolve_scheme(unit: Unit, snapshot: OfficeSnapshot) -> str:
    """Return the id of the scheme that defines the ledger kinds of a unit."""
    return find_scheme(unit, snapshot.settings) or snapshot.settings.choice("scoring.unit_scheme")


def check_counts(row: Mapping[str, object], unit: Unit, snapshot: OfficeSnapshot, *, lenient: bool = False) -> None:
    """Check that the unit's scheme can count the row; `lenient` drops needless points. Refused as by `parse_facts`."""
    scheme = load_scheme(resolve_scheme(unit, snapshot))
    given = {key: value for key, value in row.items() if key in COUNTED and value not in (None, "", [])}
    graded = any(line.kind == given.get("kind") and line.rule is LedgerRule.GRADED for line in scheme.ledger)
    if lenient and not graded:
        given.pop("points", None)
    parse_facts({"scheme": scheme.id, "ledger": [given]}, scheme)


def list_missing(row: Mapping[str, Any], unit: Unit, snapshot: OfficeSnapshot) -> tuple[str, ...]:
    """List the fields a line of this kind must carry and the row does not (B4, XD3)."""
    given = {key for key in Carried if _is_given(row.get(key))}
    if any(_is_given(row.get(key)) for key in ("evidence", "files", "tickets")):
        given.add(Carried.EVIDENCE)
    wanted = load_scheme(resolve_scheme(unit, snapshot)).list_carried(str(row.get("kind", "")))
    return tuple(field for field in wanted if field not in given)


def list_exemptions(entry: LedgerEntry, snapshot: OfficeSnapshot) -> tuple[str, ...]:
    """List the reasons for which a line of this kind may be refused although it happened (B47, B49)."""
    return load_scheme(resolve_scheme(snapshot.config.units[entry.unit], snapshot)).list_exemptions(entry.kind)


def _is_given(value: Any) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value is not None and value not in ([], ())


def check_carried(row: Mapping[str, Any], unit: Unit, snapshot: OfficeSnapshot, excused: Collection[str] = ()) -> None:
    """Refuse `missing`, naming the field, a row that lacks what its kind must carry, unless it is `excused`."""
    for field in list_missing(row, unit, snapshot):
        if field not in excused:
            raise Refused("missing", field=field)


def build_entry(
    row: Mapping[str, Any], snapshot: OfficeSnapshot, number: int, by: str, now: datetime, month: str
) -> LedgerEntry:
    """Build the entry of that month from its fields.

    Refused `unknown_field`, `unknown_unit`, `bad_field`, and as by `parse_facts`.
    """
    for name in row:
        if name not in FIELDS:
            raise Refused("unknown_field", field=name[:40], path=name[:40])
    unit = resolve_unit(parse_text(row, "unit"), snapshot)
    given = {k: str(v) if k in ("level", "points", "kind") else v for k, v in row.items() if v not in (None, "", [])}
    evidence = given.pop("evidence", "")
    files = list(parse_strings(given, "files"))
    if isinstance(evidence, list):
        files, evidence = [*files, *parse_strings({"files": evidence}, "files")], ""
    check_counts(given, unit, snapshot)
    return LedgerEntry(
        number, given["kind"], unit.code, month, int(given.get("count", 1)), given.get("level"),
        None if "matter" not in given else parse_text(given, "matter"), given.get("points"), parse_text(given, "note", ""),
        parse_text({"evidence": evidence}, "evidence"), by, now, "entered", f"entry:{number}",
        facts={k: given[k] for k in ("timely", "total", "channel") if k in given},
        document_date=parse_day(given.get("document_date")), files=tuple(dict.fromkeys(files)),
        tickets=parse_strings(given, "tickets"), reason=parse_text(given, "reason", ""),
    )  # fmt: skip


def resolve_months(row: Mapping[str, object], today: date) -> tuple[str, str]:
    """Return (month of the document, month of submission); the first counts while it is not locked (Q47).

    A given `month` must be one of the two if there is a document date, else it counts as both.
    Refused `document_month`, `bad_month`, `bad_field`, `document_in_future`.
    """
    day, submitted = parse_day(row.get("document_date")), f"{today:%Y-%m}"
    if day is not None and day > today.isoformat():
        raise Refused("document_in_future", date=day, field="document_date")
    written = row.get("month")
    if written in (None, ""):
        return (day or submitted)[:7], submitted
    month = parse_month(parse_text(row, "month")).name
    if day is not None and month not in (day[:7], submitted):
        raise Refused("document_month", month=month, date=day, field="month")
    return month, month if day is None else submitted


def parse_day(value: object) -> str | None:
    """Parse an ISO day; empty is None. Refused `bad_field`."""
    if value in (None, ""):
        return None
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise Refused("bad_field", field="document_date") from None


def parse_strings(row: Mapping[str, object], field: str) -> tuple[str, ...]:
    """Return a list of at most MOST strings of 1 to 200 characters. Refused `bad_field`."""
    value = row.get(field, ())
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > MAX_ITEMS:
        raise Refused("bad_field", field=field)
    if not all(isinstance(word, str) and 0 < len(word) <= 200 for word in value):
        raise Refused("bad_field", field=field)
    return tuple(value)


def parse_text(row: Mapping[str, object], field: str, absent: str | None = None) -> str:
    """Return a string of at most LONGEST characters. Refused `bad_field`."""
    value = row.get(field, absent)
    if isinstance(value, int) and not isinstance(value, bool) and field == "matter":
        value = str(value)
    if not isinstance(value, str) or len(value) > MAX_CHARS:
        raise Refused("bad_field", field=field)
    return value


def serialize_entry(entry: LedgerEntry, zone: ZoneInfo) -> LedgerLine:
    """Serialize a ledger entry."""
    facts = cast(KindFacts, {**entry.facts})
    return {
        "id": entry.id, "kind": entry.kind, "unit": entry.unit, "month": entry.month, "count": entry.count,
        "level": entry.level, "matter": entry.matter, "points": entry.points, "note": entry.note,
        "evidence": entry.evidence, **facts, "document_date": entry.document_date, "files": list(entry.files),
        "tickets": list(entry.tickets), "state": entry.state, "entered_by": entry.entered_by,
        "entered_at": format_instant(entry.entered_at, zone), "reviewed_by": entry.reviewed_by,
        "reviewed_at": format_instant(entry.reviewed_at, zone),
        "replaces": entry.replaces, "reason": entry.reason,
    }  # fmt: skip
