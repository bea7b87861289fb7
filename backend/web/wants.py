"""Schemas of the API's request bodies; a field not named here is refused (FR2)."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic import RootModel as _RootModel

from backend.domain.refusals import Refused
from backend.domain.ticket import Category, Channel, Grade, Role, UnitKind


def _written(value: Any) -> Any:
    if not isinstance(value, (str, datetime)):
        raise ValueError("an ISO-8601 time with offset is wanted")
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_written), Field(json_schema_extra={"format": "date-time"})]
Short = Annotated[str, Field(max_length=200, strict=True)]
Code = Annotated[str, Field(min_length=1, max_length=64, strict=True, pattern=r"^[^\s/\x00-\x1f][^/\x00-\x1f]*$")]
Long = Annotated[str, Field(max_length=20_000, strict=True)]
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True, ge=-(2**31), lt=2**31)]


class Want(BaseModel):
    """A request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class RequesterWant(Want):
    """诉求人."""

    name: Short | None = None
    phone: Annotated[str, Field(max_length=40, strict=True)] | None = None


class TicketWant(Want):
    """A new ticket (contract §4, §5)."""

    ticket_no: Code | None = None
    category: Category | None = None
    grade: Grade | None = None
    channel: Channel | None = None
    title: Short = ""
    text: Long = ""
    place: Short = ""
    region: Short = ""
    requester: RequesterWant | None = None
    requester_name: Short | None = None
    requester_phone: Annotated[str, Field(max_length=40, strict=True)] | None = None
    generated_at: Instant | None = None
    submitted_at: Instant | None = None
    confidential: Flag = False


class ActWant(_RootModel[dict[str, Any]]):
    """One act: `{"verb": "…", "version": n?, "assignment": id?, …fields of the verb}`."""


class UnitWant(Want):
    """A unit (contract §4)."""

    code: Code
    name: Annotated[str, Field(min_length=1, max_length=200, strict=True)]
    kind: UnitKind
    region: Short = ""
    parent: Code | None = None
    province_department: Flag = False
    active: Flag = True
    pilot: Flag = True


class PersonWant(Want):
    """A person (contract §4)."""

    code: Code | None = None
    name: Annotated[str, Field(min_length=1, max_length=200, strict=True)]
    unit: Code
    role: Role
    phone: Annotated[str, Field(max_length=40, strict=True)] | None = None
    key_name: Short | None = None
    key_subject: Short | None = None
    key_authorised: Flag | None = None
    active: Flag = True
    rank: Whole | None = None


class RevealWant(Want):
    """Why the full number is needed (FR12)."""

    reason: Annotated[str, Field(max_length=500, strict=True)] = ""


class SettingWant(Want):
    """A new value, for all or one unit, from now or from a given time."""

    value: Annotated[str, Field(max_length=2_000, strict=True)]
    unit: Code | None = None
    from_at: Instant | None = None


class RunWant(Want):
    """A score run."""

    period: Annotated[str, Field(max_length=10, strict=True)]
    scheme: Annotated[str, Field(max_length=64, strict=True)] | None = None


class AppealWant(Want):
    """An objection to a line of a sheet."""

    reason: Annotated[str, Field(min_length=1, max_length=2_000, strict=True)]
    item: Short | None = None
    unit: Code | None = None
    files: list[Short] | None = None
    tickets: list[Short] | None = None


class LockWant(Want):
    """Lock a run; an admin may force it for a reason."""

    force: Flag = False
    reason: Annotated[str, Field(max_length=2_000, strict=True)] = ""


class LedgerWant(Want):
    """A ledger row (contract §4)."""

    kind: Annotated[str, Field(max_length=64, strict=True)]
    unit: Code
    month: Annotated[str, Field(max_length=7, strict=True)] | None = None
    document_date: Short | None = None
    count: Whole | None = None
    level: Short | None = None
    matter: Short | None = None
    points: Annotated[str, Field(max_length=20, strict=True)] | Whole | None = None
    timely: Whole | None = None
    total: Whole | None = None
    note: Annotated[str, Field(max_length=2_000, strict=True)] = ""
    evidence: Annotated[str, Field(max_length=2_000, strict=True)] | list[Short] | None = None
    files: list[Short] | None = None
    tickets: list[Short] | None = None
    channel: Short | None = None
    reason: Annotated[str, Field(max_length=2_000, strict=True)] | None = None


class ReviewWant(Want):
    """Accept a ledger row or refuse it."""

    accept: Flag


class KeyWant(Want):
    """A new API key, of a person or of a service."""

    name: Code
    person: Code | None = None
    role: Role | None = None
    unit: Code | None = None


class AdvanceWant(Want):
    """How far to move the sandbox clock, e.g. `2h30m`."""

    advance: Annotated[str, Field(min_length=1, max_length=40, strict=True)]


class Nothing(Want):
    """No fields."""


def understood(model: type[BaseModel], raw: Any) -> Any:
    """Return the validated body.

    Refused `bad_request` when it is no object; `unknown_field`, `missing` or `bad_field` for the first error.
    """
    if not isinstance(raw, dict):
        raise Refused("bad_request", reason="object")
    try:
        value = model.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(p) for p in first["loc"] if isinstance(p, (str, int)))[:200] or "body"
        code = {"extra_forbidden": "unknown_field", "missing": "missing"}.get(first["type"], "bad_field")
        raise Refused(code, field=field) from None
    for name in ("generated_at", "submitted_at", "from_at"):
        at = getattr(value, name, None)
        if at is not None and not 2000 <= at.year <= 2100:
            raise Refused("bad_field", field=name)
    return value
