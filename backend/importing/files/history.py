"""Reads the complete history of a ticket from one JSON object and refuses contradictions (contract §4)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from backend.domain.refusals import Refused
from backend.importing.files import vocabulary
from backend.importing.files.form_types import RowError
from backend.importing.files.messages import show_cell
from backend.importing.files.records import (
    HistoryAssignment,
    HistoryClaim,
    HistoryExtension,
    HistoryReturn,
    HistoryRow,
    HistoryVisit,
)
from backend.importing.files.vocabulary import ReturnDecision, SignedBy
from backend.tickets import form_fields
from backend.tickets.form_fields import FieldParser, FileContext, enum_parser
from backend.tickets.new_ticket import TICKET_FIELDS

_NAME: Final = form_fields.text_parser(200)
_Spec = tuple[tuple[str, FieldParser, bool], ...]

_REQUIRED: Final = frozenset({"ticket_no", "category", "grade", "generated_at"})
_LEFT_OUT: Final = frozenset({"requester_name", "requester_phone", "submitted_at"})
_TICKET_FIELDS: Final = tuple(one for one in TICKET_FIELDS if one.name not in _LEFT_OUT)
_TICKET: Final[_Spec] = (
    *((one.name, one.parse, one.name in _REQUIRED) for one in _TICKET_FIELDS),
    ("management", _NAME, False),
    ("direct_answer", form_fields.parse_yes_no, False),
    ("mass_incident", form_fields.parse_yes_no, False),
)
#: What one line may hold; other keys are reported as ignored (XM14).
KEYS: Final = frozenset({*(name for name, _, _ in _TICKET), "requester", "assignments", "visits", "unreasonable"})
_REQUESTER: Final[_Spec] = (("name", _NAME, False), ("phone", form_fields.parse_phone, False))
_ASSIGNMENT: Final[_Spec] = (
    ("unit", _NAME, True),
    ("lead", form_fields.parse_yes_no, False),
    ("dispatched_at", form_fields.parse_instant, True),
    ("signed_at", form_fields.parse_instant, False),
    ("signed", enum_parser(vocabulary.SIGNED_BY), False),
    ("close_due_at", form_fields.parse_instant, False),
    ("closed_at", form_fields.parse_instant, False),
    ("red_card", form_fields.parse_yes_no, False),
    ("contacted_at", form_fields.parse_instant, False),
)
_RETURN: Final[_Spec] = (
    ("submitted_at", form_fields.parse_instant, True),
    ("decision", enum_parser(vocabulary.DECISION), False),
    ("decided_at", form_fields.parse_instant, False),
)
_EXTENSION: Final[_Spec] = (
    ("granted_at", form_fields.parse_instant, True),
    ("new_due_at", form_fields.parse_instant, True),
)
_VISIT: Final[_Spec] = (
    ("kind", enum_parser(vocabulary.VISIT_KIND), True),
    ("at", form_fields.parse_instant, True),
    ("answer", enum_parser(vocabulary.ANSWER), False),
    ("contacted", enum_parser(vocabulary.CONTACTED), False),
    ("resolved", enum_parser(vocabulary.RESOLVED), False),
)
_CLAIM: Final[_Spec] = (
    ("decision", enum_parser(vocabulary.RECOGNITION), True),
    ("decided_at", form_fields.parse_instant, False),
)


def _read(spec: _Spec, given: Any, path: str, context: FileContext) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise RowError(path.rstrip("."), "bad_value")
    values: dict[str, object] = {}
    for name, read, required in spec:
        value = given.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if required:
                raise RowError(path + name, "missing_field")
            values[name] = None
            continue
        try:
            values[name] = read(value, context)
        except Refused as refusal:
            raise RowError(path + name, refusal.code, **show_cell(value, refusal)) from refusal
    return values


def _read_list(given: Mapping[str, object], name: str, path: str) -> list[object]:
    found = given.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or len(found) > 1000:
        raise RowError(path + name, "bad_value")
    return found


def _check_order(path: str, *rules: tuple[str, datetime | None, datetime | None, str]) -> None:
    """Check rules (field, earlier instant, later instant, contradiction if they are the other way round)."""
    for name, earlier, later, what in rules:
        if earlier is not None and later is not None and later < earlier:
            raise RowError(path + name, "contradiction", what=what)


def _read_return(given: object, path: str, context: FileContext) -> HistoryReturn:
    values = _read(_RETURN, given, path, context)
    _check_order(path, ("decided_at", values["submitted_at"], values["decided_at"], "decided_before_submitted"))
    if values["decided_at"] is not None and values["decision"] is None:
        raise RowError(path + "decision", "contradiction", what="decided_without_word")
    return HistoryReturn(**values)


def _read_extensions(
    given: dict[str, Any], dates: dict[str, Any], path: str, context: FileContext
) -> tuple[HistoryExtension, ...]:
    found: list[HistoryExtension] = []
    due = dates["close_due_at"]
    listed = _read_list(given, "extensions", path)
    if len(listed) > 2:  # 两次延期 at most (Q30)
        raise RowError(path + "extensions", "contradiction", what="three_extensions")
    for number, entry in enumerate(listed):
        here = f"{path}extensions[{number}]."
        extension = HistoryExtension(**_read(_EXTENSION, entry, here, context))
        _check_order(
            here,
            ("granted_at", dates["dispatched_at"], extension.granted_at, "extension_before_dispatched"),
            ("granted_at", extension.granted_at, dates["closed_at"], "extension_after_closed"),
        )
        if extension.new_due_at <= max(filter(None, (dates["dispatched_at"], due))):
            raise RowError(here + "new_due_at", "contradiction", what="extension_not_later")
        due = extension.new_due_at
        found.append(extension)
    return tuple(found)


def _read_assignment(given: Any, path: str, generated_at: datetime, context: FileContext) -> HistoryAssignment:
    values = _read(_ASSIGNMENT, given, path, context)
    dispatched, signed, closed = values["dispatched_at"], values["signed_at"], values["closed_at"]
    returned = _read_return(given["return"], f"{path}return.", context) if given.get("return") is not None else None
    submitted = returned.submitted_at if returned is not None else None
    _check_order(
        path,
        ("dispatched_at", generated_at, dispatched, "dispatched_before_generated"),
        ("signed_at", dispatched, signed, "signed_before_dispatched"),
        ("contacted_at", dispatched, values["contacted_at"], "contacted_before_dispatched"),
        ("closed_at", dispatched, closed, "closed_before_dispatched"),
        ("closed_at", signed, closed, "closed_before_signed"),
        ("close_due_at", dispatched, values["close_due_at"], "due_before_dispatched"),
        ("return.submitted_at", dispatched, submitted, "returned_before_dispatched"),
        ("return.submitted_at", signed, submitted, "returned_before_signed"),
        ("return.submitted_at", submitted, closed, "returned_after_closed"),
    )
    if values["signed"] is SignedBy.MANUAL and signed is None:
        raise RowError(path + "signed_at", "contradiction", what="signed_without_time")
    if signed is not None and values["signed"] is None:
        values["signed"] = SignedBy.MANUAL
    returned_at = None
    if returned is not None and returned.decision is ReturnDecision.ACCEPTED:
        returned_at = returned.decided_at or returned.submitted_at
    if returned_at is not None and closed is not None:
        raise RowError(path + "closed_at", "contradiction", what="return_and_closed")
    values["extensions"] = _read_extensions(given, values, path, context)
    for number, extension in enumerate(values["extensions"]):
        _check_order(
            f"{path}extensions[{number}].",
            ("granted_at", extension.granted_at, returned_at, "extension_after_returned"),
        )
    _check_card(values, returned_at, path)
    return HistoryAssignment(returned=returned, **values)


def _check_card(values: dict[str, Any], returned_at: datetime | None, path: str) -> None:
    """XD19: a red card says that a due time passed; what the file calls done in time has none.

    Without a due time of its own the file may follow other limits than ours; `false` may be a card taken back.
    """
    due = values["extensions"][-1].new_due_at if values["extensions"] else values["close_due_at"]
    if not values["red_card"] or due is None:
        return
    due += timedelta(seconds=1)  # within the second it is due is in time (Q26)
    if values["closed_at"] is not None and values["closed_at"] < due:
        raise RowError(path + "red_card", "contradiction", what="card_though_closed_in_time")
    if returned_at is not None and returned_at < due:
        raise RowError(path + "red_card", "contradiction", what="card_though_returned_in_time")


def _fill_leads(assignments: list[HistoryAssignment]) -> tuple[HistoryAssignment, ...]:
    """Fill in the lead (主办): the only live assignment leads; among several exactly one must be marked."""
    from dataclasses import replace

    def live(one: HistoryAssignment) -> bool:
        return one.returned is None or one.returned.decision is not ReturnDecision.ACCEPTED

    marked_leads = [one for one in assignments if live(one) and one.lead]
    live_count = sum(map(live, assignments))
    if len(marked_leads) > 1:
        raise RowError("assignments", "contradiction", what="two_leads")
    if live_count > 1 and not marked_leads:
        raise RowError("assignments", "contradiction", what="lead_unclear")
    return tuple(
        one if one.lead is not None else replace(one, lead=not live(one) or not marked_leads) for one in assignments
    )


def read_history_row(row: int, given: dict[str, object], context: FileContext) -> HistoryRow:
    """Read one object. Raises RowFault with the path of the field, e.g. `assignments[0].closed_at`.

    Keys that are not in the contract are ignored; absent values stay absent.
    """
    values = _read(_TICKET, given, "", context)
    generated_at = values["generated_at"]
    requester = (
        _read(_REQUESTER, given["requester"], "requester.", context) if given.get("requester") is not None else {}
    )
    assignments = [
        _read_assignment(entry, f"assignments[{number}].", generated_at, context)
        for number, entry in enumerate(_read_list(given, "assignments", ""))
    ]
    values |= {one.name: one.default for one in _TICKET_FIELDS if values[one.name] is None}
    for flag in ("direct_answer", "mass_incident"):
        values[flag] = bool(values[flag])
    if values["direct_answer"] and assignments:
        raise RowError("direct_answer", "contradiction", what="direct_answer_dispatched")
    visits = tuple(
        HistoryVisit(**_read(_VISIT, entry, f"visits[{number}].", context))
        for number, entry in enumerate(_read_list(given, "visits", ""))
    )
    for number, visit in enumerate(visits):
        _check_order(f"visits[{number}].", ("at", generated_at, visit.at, "visit_before_generated"))
    claim = None
    if given.get("unreasonable") is not None:
        claim = HistoryClaim(**_read(_CLAIM, given["unreasonable"], "unreasonable.", context))
        _check_order("unreasonable.", ("decided_at", generated_at, claim.decided_at, "claim_before_generated"))
    return HistoryRow(
        row=row,
        requester_name=requester.get("name"),
        requester_phone=requester.get("phone"),
        assignments=_fill_leads(assignments),
        visits=visits,
        unreasonable=claim,
        **values,
    )
