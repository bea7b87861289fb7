"""The fields of each verb: how they are parsed, and which refusal code reports a missing one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Answer, Category, Contacted, Grade, Resolved

CONTACT_WAYS = ("phone", "visit", "sms", "letter", "online")
REASON_CODES = ("not_our_duty", "wrong_region", "overlapping_duty", "duplicate", "insufficient_information", "other")
UNREASONABLE_CLASSES = (
    "out_of_jurisdiction", "in_legal_process", "against_policy", "secret_or_order", "untrue",
    "beyond_reason", "heard_unreasonable", "malicious",
)  # fmt: skip
#: Reasons for an extension as the requester may read them (S5); without one they read the approved reason (XM12).
EXTENSION_REASONS = ("complex", "cooperation", "materials", "construction", "weather")
#: Reasons for a manual visit (word.visit_reason).
VISIT_REASONS = (
    "unsatisfied", "unclear", "want_person", "danger", "confidential", "sampled", "no_phone", "not_imported", "capped",
    "rework",
)  # fmt: skip
HAND_ON_KINDS = ("entrust", "transfer")  # 交办: the unit keeps the lead; 转办: it does not (A4, XM2)
PROPOSED_FLAGS = ("mass_incident", "confidential", "hard_case")  # flags that people propose and decide
VALID_COMPLAINTS = ("record", "dispatch")  # what a review finds the institution to be blamed for (B22)
MAX_TEXT_LENGTH = 20_000  # characters of one text field


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    cleaned = "".join(c for c in value if c in "\n\t" or (ord(c) >= 32 and not 0xD800 <= ord(c) <= 0xDFFF))
    if len(cleaned) > MAX_TEXT_LENGTH:
        raise ValueError
    return cleaned.strip()


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _instant(value: object) -> datetime:
    at = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value))
    if at.tzinfo is None or not 2000 <= at.year <= 2100:
        raise ValueError
    return at


def _day(value: object) -> str:
    return date.fromisoformat(_text(value)).isoformat()


def _dues(value: object) -> dict[int, datetime]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError
    return {int(duty): _instant(at) for duty, at in value.items()}


def _files(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or len(value) > 20 or not all(isinstance(v, str) for v in value):
        raise ValueError
    return tuple(value)


def _informed(value: object) -> dict[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError
    way = _text(value.get("way", ""))
    if way not in CONTACT_WAYS:
        raise ValueError
    return {"at": _instant(value.get("at")).isoformat(), "way": way}


def _one_of(*allowed: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        word = _text(value)
        if word not in allowed:
            raise ValueError
        return word

    return read


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a verb. `missing` is the refusal code when it is required and absent."""

    name: str
    read: Callable[[object], object]
    missing_code: str | None = None
    default: object = None


def require(name: str, read: Callable[[object], object], code: str | None = None) -> Field:
    """Return a required field; the default code for its absence is `bad_field`."""
    return Field(name, read, code or "bad_field")


REASON = require("reason", _text, "reason_missing")
ACCEPT = require("accept", _flag)
FILES = Field("files", _files, default=())
OPTIONAL_REASON = Field("reason", _text, default="")
_grade = _one_of(*Grade)

# fmt: off
FIELDS: dict[str, tuple[Field, ...]] = {
    "accept":              (Field("category", _one_of(*Category)), Field("grade", _grade),
                            Field("channel", _text), Field("text", _text)),
    "answer":              (require("text", _text, "text_missing"),),
    "merge":               (require("into", _text), OPTIONAL_REASON),
    "take_repeat":         (require("repeat", _text),),
    "dispatch":            (require("unit", _text), Field("close_due_at", _instant), Field("grade", _grade),
                            Field("reason", _text, default="")),
    "assist":              (require("unit", _text),),
    "hand_on":             (require("unit", _text), require("dispatch_kind", _one_of(*HAND_ON_KINDS)),
                            Field("close_due_at", _instant), Field("reason", _text, default="")),
    "reassign":            (require("unit", _text), Field("reason", _text, default="")),
    "regrade":             (require("grade", _grade), REASON),
    "sign":                (),
    "auto_sign":           (),
    "yellow_card":         (),
    "red_card":            (),
    "archive":             (),
    "recheck":             (),
    "recompute":           (require("dues", _dues), require("ordered_by", _text)),
    "start_visit":         (Field("to", _text),),
    "return":              (Field("reason_code", _one_of(*REASON_CODES), default="other"), REASON,
                            FILES, Field("signed_by", _one_of("seal", "leader"))),
    "decide_return":       (ACCEPT, OPTIONAL_REASON, Field("unit", _text)),
    "contact":             (Field("way", _one_of(*CONTACT_WAYS), default="phone"), require("reached", _flag),
                            Field("note", _text, default="")),
    "attach":              (require("files", _files, "files_missing"),),
    "extend":              (require("new_due_at", _instant), REASON, Field("reason_class", _one_of(*EXTENSION_REASONS), default=""),
                            require("requester_informed", _informed, "requester_not_informed"), FILES),
    "decide_extension":    (ACCEPT, OPTIONAL_REASON),
    "reply":               (require("text", _text, "text_missing"), Field("way", _one_of(*CONTACT_WAYS), default="phone"),
                            Field("cause", _text), FILES),
    "amend":               (require("text", _text, "text_missing"),),
    "close":               (Field("close_type", _one_of("solved", "explained_unresolvable"), default="solved"),
                            Field("feedback", _text, default=""), Field("no_objection", _flag),
                            Field("text", _text), Field("way", _one_of(*CONTACT_WAYS), default="phone"),
                            Field("cause", _text), Field("explanation", _text, default=""),
                            Field("revisit_on", _day), FILES),
    "decide_close":        (ACCEPT, OPTIONAL_REASON),
    "send_back":           (REASON,),
    "supervise":           (REASON, Field("due_at", _instant)),
    "report_progress":     (require("text", _text, "text_missing"), FILES),
    "accept_progress":     (ACCEPT, OPTIONAL_REASON),
    "visit":               (require("kind", _one_of("auto", "manual")), Field("contacted", _one_of(*Contacted)),
                            Field("resolved", _one_of(*Resolved)), require("answer", _one_of(*Answer)),
                            Field("note", _text, default=""), Field("at", _instant),
                            Field("want_person", _flag, default=False), Field("sampled", _flag, default=False),
                            Field("because", _one_of(*VISIT_REASONS), default="")),
    "rework":              (Field("due_at", _instant), require("summary", _text, "reason_missing")),
    "claim_unreasonable":  (REASON, FILES),
    "decide_unreasonable": (ACCEPT, Field("class", _one_of(*UNREASONABLE_CLASSES)), REASON),
    "appeal":              (REASON,),
    "object":              (REASON,),
    "decide_objection":    (ACCEPT, OPTIONAL_REASON),
    "review":              (require("conclusion", _text, "text_missing"), Field("responsibility", _text, default=""),
                            Field("improvement", _text, default=""),
                            Field("valid_complaint", _one_of(*VALID_COMPLAINTS), default="")),
    "flag":                (Field("mass_incident", _flag), Field("confidential", _flag), Field("hard_case", _flag),
                            REASON),
    "decide_flag":         (ACCEPT, OPTIONAL_REASON, Field("flag", _one_of(*PROPOSED_FLAGS))),
    "finalize":            (),
    "cancel":              (REASON,),
}
# fmt: on


def parse_arguments(verb: str, raw: Mapping[str, object]) -> dict[str, object]:
    """Parse and check the fields of a verb.

    Raises Refused: `unknown_verb`, `unknown_field`, `bad_field`, or the field's own code when it is missing.
    """
    if verb not in FIELDS:
        raise Refused("unknown_verb", verb=verb)
    fields = FIELDS[verb]
    extra = sorted(set(raw) - {f.name for f in fields})
    if extra:
        raise Refused("unknown_field", field=extra[0], verb=verb)
    arguments: dict[str, object] = {}
    for field in fields:
        value = raw.get(field.name)
        if value is None or value == "":
            if field.missing_code:
                raise Refused(field.missing_code, field=field.name)
            arguments[field.name] = field.default
            continue
        try:
            arguments[field.name] = field.read(value)
        except (ValueError, TypeError, OverflowError, AttributeError):
            raise Refused("bad_field", field=field.name) from None
        if field.missing_code and arguments[field.name] == "":
            raise Refused(field.missing_code, field=field.name)
    return arguments
