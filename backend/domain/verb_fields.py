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
CLOSE_TYPES = ("solved", "explained_unresolvable")
VISIT_KINDS = ("auto", "manual")
HAND_ON_KINDS = ("entrust", "transfer")  # 交办: the unit keeps the lead; 转办: it does not (A4, XM2)
PROPOSED_FLAGS = ("mass_incident", "confidential", "hard_case")  # flags that people propose and decide
VALID_COMPLAINTS = ("record", "dispatch")  # what a review finds the institution to be blamed for (B22)
MAX_TEXT_LENGTH = 20_000  # characters of one text field
MAX_FILES = 20  # files of one act


def read_text(value: object) -> str:
    """Read a text without control characters. Raises ValueError, as all readers here."""
    if not isinstance(value, str):
        raise ValueError
    cleaned = "".join(c for c in value if c in "\n\t" or (ord(c) >= 32 and not 0xD800 <= ord(c) <= 0xDFFF))
    if len(cleaned) > MAX_TEXT_LENGTH:
        raise ValueError
    return cleaned.strip()


def read_flag(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ValueError
    return value


def read_instant(value: object) -> datetime:
    """Read an ISO-8601 instant with an offset, of the years 2000 to 2100."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(read_text(value))
    if at.tzinfo is None or not 2000 <= at.year <= 2100:
        raise ValueError
    return at


def read_day(value: object) -> str:
    """Read an ISO-8601 day."""
    return date.fromisoformat(read_text(value)).isoformat()


def read_dues(value: object) -> dict[int, datetime]:
    """Read new due times by duty."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError
    return {int(duty): read_instant(at) for duty, at in value.items()}


def read_files(value: object) -> tuple[str, ...]:
    """Read the ids of at most `MAX_FILES` files."""
    if not isinstance(value, (list, tuple)) or len(value) > MAX_FILES or not all(isinstance(v, str) for v in value):
        raise ValueError
    return tuple(value)


def read_informed(value: object) -> dict[str, object]:
    """Read when and in which way the requester was informed."""
    if not isinstance(value, Mapping):
        raise ValueError
    way = read_text(value.get("way", ""))
    if way not in CONTACT_WAYS:
        raise ValueError
    return {"at": read_instant(value.get("at")).isoformat(), "way": way}


@dataclass(frozen=True, slots=True)
class OneOf:
    """Reads a text that is one of these words. Raises ValueError for another."""

    words: tuple[str, ...]

    def __call__(self, value: object) -> str:
        """Return the word."""
        word = read_text(value)
        if word not in self.words:
            raise ValueError
        return word


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


REASON = require("reason", read_text, "reason_missing")
ACCEPT = require("accept", read_flag)
FILES = Field("files", read_files, default=())
WAY = Field("way", OneOf(CONTACT_WAYS))  # as it is said: nobody is taken to have telephoned who did not say so
OPTIONAL_REASON = Field("reason", read_text, default="")
_grade = OneOf(tuple(Grade))

# fmt: off
FIELDS: dict[str, tuple[Field, ...]] = {
    "accept":              (Field("category", OneOf(tuple(Category))), Field("grade", _grade),
                            Field("channel", read_text), Field("text", read_text)),
    "answer":              (require("text", read_text, "text_missing"),),
    "merge":               (require("into", read_text), OPTIONAL_REASON),
    "take_repeat":         (require("repeat", read_text),),
    "dispatch":            (require("unit", read_text), Field("close_due_at", read_instant), Field("grade", _grade),
                            Field("reason", read_text, default="")),
    "assist":              (require("unit", read_text),),
    "hand_on":             (require("unit", read_text), require("dispatch_kind", OneOf(HAND_ON_KINDS)),
                            Field("close_due_at", read_instant), Field("reason", read_text, default="")),
    "reassign":            (require("unit", read_text), Field("reason", read_text, default="")),
    "regrade":             (require("grade", _grade), REASON),
    "sign":                (),
    "auto_sign":           (),
    "yellow_card":         (),
    "red_card":            (),
    "archive":             (),
    "recheck":             (),
    "recompute":           (require("dues", read_dues), require("ordered_by", read_text)),
    "start_visit":         (Field("to", read_text),),
    "return":              (Field("reason_code", OneOf(REASON_CODES), default="other"), REASON,
                            FILES, Field("signed_by", OneOf(("seal", "leader")))),
    "decide_return":       (ACCEPT, OPTIONAL_REASON, Field("unit", read_text)),
    "contact":             (WAY, require("reached", read_flag),
                            Field("note", read_text, default="")),
    "attach":              (require("files", read_files, "files_missing"),),
    "extend":              (require("new_due_at", read_instant), REASON, Field("reason_class", OneOf(EXTENSION_REASONS), default=""),
                            require("requester_informed", read_informed, "requester_not_informed"), FILES),
    "decide_extension":    (ACCEPT, OPTIONAL_REASON),
    "reply":               (require("text", read_text, "text_missing"), WAY,
                            Field("cause", read_text), FILES),
    "amend":               (require("text", read_text, "text_missing"),),
    "close":               (Field("close_type", OneOf(CLOSE_TYPES), default="solved"),
                            Field("feedback", read_text, default=""), Field("no_objection", read_flag),
                            Field("text", read_text), WAY,
                            Field("cause", read_text), Field("explanation", read_text, default=""),
                            Field("revisit_on", read_day), FILES),
    "decide_close":        (ACCEPT, OPTIONAL_REASON),
    "send_back":           (REASON,),
    "supervise":           (REASON, Field("due_at", read_instant)),
    "report_progress":     (require("text", read_text, "text_missing"), FILES),
    "accept_progress":     (ACCEPT, OPTIONAL_REASON),
    "visit":               (require("kind", OneOf(VISIT_KINDS)), Field("contacted", OneOf(tuple(Contacted))),
                            Field("resolved", OneOf(tuple(Resolved))), require("answer", OneOf(tuple(Answer))),
                            Field("note", read_text, default=""), Field("at", read_instant),
                            Field("want_person", read_flag, default=False), Field("sampled", read_flag, default=False),
                            Field("because", OneOf(VISIT_REASONS), default="")),
    "rework":              (Field("due_at", read_instant), require("summary", read_text, "reason_missing")),
    "claim_unreasonable":  (REASON, FILES),
    "decide_unreasonable": (ACCEPT, Field("class", OneOf(UNREASONABLE_CLASSES)), REASON),
    "appeal":              (REASON,),
    "object":              (REASON,),
    "decide_objection":    (ACCEPT, OPTIONAL_REASON),
    "review":              (require("conclusion", read_text, "text_missing"), Field("responsibility", read_text, default=""),
                            Field("improvement", read_text, default=""),
                            Field("valid_complaint", OneOf(VALID_COMPLAINTS), default="")),
    "flag":                (Field("mass_incident", read_flag), Field("confidential", read_flag), Field("hard_case", read_flag),
                            REASON),
    "decide_flag":         (ACCEPT, OPTIONAL_REASON, Field("flag", OneOf(PROPOSED_FLAGS))),
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
