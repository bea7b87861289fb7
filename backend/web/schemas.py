"""Schemas of the API's request bodies; a field not named here is refused (FR2)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, get_args

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
)
from pydantic import RootModel as _RootModel

from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role, UnitKind
from backend.tickets import form_fields
from backend.tickets.form_fields import FieldParser
from backend.tickets.new_ticket import TICKET_FIELDS


def _require_text(value: Any) -> Any:
    if not isinstance(value, (str, datetime)):
        raise ValueError("an ISO-8601 time with offset is wanted")
    return value


def _check_year(at: datetime) -> datetime:
    if not 2000 <= at.year <= 2100:
        raise ValueError("a year from 2000 to 2100 is wanted")
    return at


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_require_text),
    AfterValidator(_check_year),
    Field(json_schema_extra={"format": "date-time"}),
]


def _limit_text(chars: int) -> Any:
    return Annotated[str, Field(max_length=chars, strict=True)]


ShortText = Annotated[str, Field(max_length=200, strict=True)]
Code = Annotated[str, Field(min_length=1, max_length=64, strict=True, pattern=r"^[^\s/\x00-\x1f][^/\x00-\x1f]*$")]
LongText = Annotated[str, Field(max_length=20_000, strict=True)]
Flag = Annotated[bool, Field(strict=True)]
Int32 = Annotated[int, Field(strict=True, ge=-(2**31), lt=2**31)]


class RequestBody(BaseModel):
    """A request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class RequesterBody(RequestBody):
    """诉求人."""

    name: ShortText | None = None
    phone: Annotated[str, Field(max_length=40, strict=True)] | None = None


#: What JSON gives where a file's cell is read by these; elsewhere a text, or a word of an enum.
_JSON_TYPES: Final[Mapping[FieldParser, Any]] = {
    form_fields.parse_code: Code, form_fields.parse_instant: Instant, form_fields.parse_yes_no: Flag,
}  # fmt: skip


def _list_ticket_fields() -> Iterator[tuple[str, Any]]:
    for one in TICKET_FIELDS:
        if one.name == "requester_name":
            yield "requester", (RequesterBody | None, None)
        plain = str in (one.type, *get_args(one.type))
        type_ = _JSON_TYPES.get(one.parse, _limit_text(one.json_chars) if plain else one.type)
        yield one.name, (type_ | None if one.default is None else type_, one.default)
    yield "files", (list[ShortText], [])  # uploaded before: what the requester sent


TicketBody: Final[type[RequestBody]] = create_model(
    "TicketBody", __base__=RequestBody, __doc__="A new ticket (contract §4, §5).", **dict(_list_ticket_fields())
)


class ActBody(_RootModel[dict[str, Any]]):
    """One act: `{"verb": "…", "version": n?, "assignment": id?, …fields of the verb}`."""


class UnitBody(RequestBody):
    """A unit (contract §4)."""

    code: Code
    name: Annotated[str, Field(min_length=1, max_length=200, strict=True)]
    kind: UnitKind
    region: ShortText = ""
    parent: Code | None = None
    province_department: Flag = False
    active: Flag = True
    pilot: Flag = True


class PersonBody(RequestBody):
    """A person (contract §4)."""

    code: Code | None = None
    name: Annotated[str, Field(min_length=1, max_length=200, strict=True)]
    unit: Code
    role: Role
    phone: Annotated[str, Field(max_length=40, strict=True)] | None = None
    key_name: ShortText | None = None
    key_subject: ShortText | None = None
    key_authorised: Flag | None = None
    active: Flag = True
    rank: Int32 | None = None


class RevealBody(RequestBody):
    """Why the full number is needed (FR12)."""

    reason: Annotated[str, Field(max_length=500, strict=True)] = ""


class FindBody(RequestBody):
    """A requester's whole number, and why their tickets are looked up (XS1)."""

    phone: Annotated[str, Field(min_length=1, max_length=40, strict=True)]
    reason: Annotated[str, Field(max_length=500, strict=True)] = ""


class SettingBody(RequestBody):
    """A new value, for all or one unit, from now or from a given time; `together` with those it must agree with."""

    value: Annotated[str, Field(max_length=2_000, strict=True)]
    unit: Code | None = None
    from_at: Instant | None = None
    together: dict[Code, Annotated[str, Field(max_length=2_000, strict=True)]] = Field({}, max_length=10)


class RunBody(RequestBody):
    """A score run; by changed `settings` for comparison only; a revision by the `current_rules` instead of its own."""

    period: Annotated[str, Field(max_length=10, strict=True)]
    scheme: Annotated[str, Field(max_length=64, strict=True)] | None = None
    settings: dict[str, ShortText] | None = None
    current_rules: Flag = False


class ContestBody(RequestBody):
    """An objection to a line of a sheet."""

    reason: Annotated[str, Field(min_length=1, max_length=2_000, strict=True)]
    item: ShortText | None = None
    unit: Code | None = None
    files: list[ShortText] | None = None
    tickets: list[ShortText] | None = None


class LockBody(RequestBody):
    """Lock a run; an admin may force it for a reason."""

    force: Flag = False
    reason: Annotated[str, Field(max_length=2_000, strict=True)] = ""


class LedgerBody(RequestBody):
    """A ledger row (contract §4)."""

    kind: Annotated[str, Field(max_length=64, strict=True)]
    unit: Code
    month: Annotated[str, Field(max_length=7, strict=True)] | None = None
    document_date: ShortText | None = None
    count: Int32 | None = None
    level: ShortText | None = None
    matter: ShortText | None = None
    points: Annotated[str, Field(max_length=20, strict=True)] | Int32 | None = None
    timely: Int32 | None = None
    total: Int32 | None = None
    note: Annotated[str, Field(max_length=2_000, strict=True)] = ""
    evidence: Annotated[str, Field(max_length=2_000, strict=True)] | list[ShortText] | None = None
    files: list[ShortText] | None = None
    tickets: list[ShortText] | None = None
    channel: ShortText | None = None
    reason: Annotated[str, Field(max_length=2_000, strict=True)] | None = None


class ReviewBody(RequestBody):
    """Accept a ledger row or refuse it."""

    accept: Flag


class LedgerReviewBody(ReviewBody):
    """Accept a ledger row, or refuse it, also for a reason its own rule names (B49)."""

    exemption: ShortText | None = None


class KeyBody(RequestBody):
    """A new API key, of a person or of a service."""

    name: Code
    person: Code | None = None
    role: Role | None = None
    unit: Code | None = None
    days: Annotated[int, Field(ge=1, le=730, strict=True)] = 365


class RotateBody(RequestBody):
    """For how many hours the old key still opens beside the new one."""

    overlap_hours: Annotated[int, Field(ge=0, le=720, strict=True)] = 24


class AccountLinkBody(RequestBody):
    """Whose link to choose a password: a person's, or a new or known administrator's by name."""

    person: Code | None = None
    administrator: Code | None = None


class AdvanceBody(RequestBody):
    """How far to move the sandbox clock, e.g. `2h30m`; `until_ring`: no further than to where a telephone rings."""

    advance: Annotated[str, Field(min_length=1, max_length=40, strict=True)]
    until_ring: Flag = False


class EmptyBody(RequestBody):
    """No fields."""


def validate_body(model: type[BaseModel], raw: Any) -> Any:
    """Return the validated body.

    Refused `bad_request` when it is no object; `unknown_field`, else `missing` or `bad_field` for the first error.
    """
    if not isinstance(raw, dict):
        raise Refused("bad_request", reason="object")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])  # it is what was misspelt
        field = ".".join(str(p) for p in first["loc"] if isinstance(p, (str, int)))[:200] or "body"
        code = {"extra_forbidden": "unknown_field", "missing": "missing"}.get(first["type"], "bad_field")
        raise Refused(code, field=field) from None
