"""The fields of each verb: how they are parsed, and which refusal code reports a missing one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from backend.domain.refusals import Refused
from backend.domain.ticket import Answer, Category, Channel, Contacted, Grade, Resolved

WAYS = ("phone", "visit", "sms", "letter", "online")
REASON_CODES = (
    "not_our_duty", "wrong_region", "overlapping_duty", "duplicate", "insufficient_information", "other",
)  # fmt: skip
CLASSES = (
    "out_of_jurisdiction", "in_legal_process", "against_policy", "secret_or_order", "untrue",
    "beyond_reason", "heard_unreasonable", "malicious",
)  # fmt: skip
#: Reasons for an extension, fit for a text message to the requester (S5): never free text.
DELAYS = ("complex", "cooperation", "materials", "construction", "weather")
#: Reasons for a manual visit (word.visit_reason).
VISIT_REASONS = (
    "unsatisfied", "unclear", "want_person", "danger", "confidential", "sampled", "no_phone", "not_imported", "capped",
    "rework",
)  # fmt: skip
FLAGGED = ("mass_incident", "confidential", "hard_case")  # flags that people propose and decide
LONGEST = 20_000  # characters of one text field


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    cleaned = "".join(c for c in value if c in "\n\t" or (ord(c) >= 32 and not 0xD800 <= ord(c) <= 0xDFFF))
    if len(cleaned) > LONGEST:
        raise ValueError
    return cleaned.strip()


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _instant(value: Any) -> datetime:
    at = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value))
    if at.tzinfo is None or not 2000 <= at.year <= 2100:
        raise ValueError
    return at


def _day(value: Any) -> str:
    return date.fromisoformat(_text(value)).isoformat()


def _dues(value: Any) -> dict[int, datetime]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError
    return {int(duty): _instant(at) for duty, at in value.items()}


def _files(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or len(value) > 20 or not all(isinstance(v, str) for v in value):
        raise ValueError
    return tuple(value)


def _informed(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError
    way = _text(value.get("way", ""))
    if way not in WAYS:
        raise ValueError
    return {"at": _instant(value.get("at")).isoformat(), "way": way}


def _one_of(*allowed: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        word = _text(value)
        if word not in allowed:
            raise ValueError
        return word

    return read


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a verb. `missing` is the refusal code when it is required and absent."""

    name: str
    read: Callable[[Any], Any]
    missing: str | None = None
    default: Any = None


def need(name: str, read: Callable[[Any], Any], code: str | None = None) -> Field:
    """Return a required field; the default code for its absence is `bad_field`."""
    return Field(name, read, code or "bad_field")


REASON = need("reason", _text, "reason_missing")
ACCEPT = need("accept", _flag)
REASON_IF_ANY = Field("reason", _text, default="")
grade = _one_of(*Grade)

# fmt: off
FIELDS: dict[str, tuple[Field, ...]] = {
    "accept":              (Field("category", _one_of(*Category)), Field("grade", grade),
                            Field("channel", _one_of(*Channel)), Field("text", _text)),
    "answer":              (need("text", _text, "text_missing"),),
    "merge":               (need("into", _text), REASON_IF_ANY),
    "take_repeat":         (need("repeat", _text),),
    "dispatch":            (need("unit", _text), Field("close_due_at", _instant), Field("grade", grade),
                            Field("reason", _text, default="")),
    "assist":              (need("unit", _text),),
    "reassign":            (need("unit", _text), Field("reason", _text, default="")),
    "regrade":             (need("grade", grade), REASON),
    "sign":                (),
    "auto_sign":           (),
    "yellow_card":         (),
    "red_card":            (),
    "archive":             (),
    "recompute":           (need("dues", _dues), need("ordered_by", _text)),
    "start_visit":         (Field("to", _text),),
    "return":              (Field("reason_code", _one_of(*REASON_CODES), default="other"), REASON,
                            Field("files", _files, default=()), Field("signed_by", _one_of("seal", "leader"))),
    "decide_return":       (ACCEPT, REASON_IF_ANY, Field("unit", _text)),
    "contact":             (Field("way", _one_of(*WAYS), default="phone"), need("reached", _flag),
                            Field("note", _text, default="")),
    "extend":              (need("new_due_at", _instant), REASON, Field("reason_class", _one_of(*DELAYS), default="complex"),
                            need("requester_informed", _informed, "requester_not_informed")),
    "decide_extension":    (ACCEPT, REASON_IF_ANY),
    "reply":               (need("text", _text, "text_missing"), Field("way", _one_of(*WAYS), default="phone"),
                            Field("cause", _text)),
    "amend":               (need("text", _text, "text_missing"),),
    "close":               (Field("close_type", _one_of("solved", "explained_unresolvable"), default="solved"),
                            Field("feedback", _text, default=""), Field("no_objection", _flag),
                            Field("text", _text), Field("way", _one_of(*WAYS), default="phone"),
                            Field("cause", _text), Field("explanation", _text, default=""),
                            Field("revisit_on", _day)),
    "decide_close":        (ACCEPT, REASON_IF_ANY),
    "send_back":           (REASON,),
    "supervise":           (REASON, Field("due_at", _instant)),
    "report_progress":     (need("text", _text, "text_missing"),),
    "accept_progress":     (ACCEPT, REASON_IF_ANY),
    "visit":               (need("kind", _one_of("auto", "manual")), Field("contacted", _one_of(*Contacted)),
                            Field("resolved", _one_of(*Resolved)), need("answer", _one_of(*Answer)),
                            Field("note", _text, default=""), Field("at", _instant),
                            Field("want_person", _flag, default=False), Field("sampled", _flag, default=False),
                            Field("because", _one_of(*VISIT_REASONS), default="")),
    "rework":              (Field("due_at", _instant), need("summary", _text, "reason_missing")),
    "claim_unreasonable":  (REASON, Field("files", _files, default=())),
    "decide_unreasonable": (ACCEPT, Field("class", _one_of(*CLASSES)), REASON),
    "appeal":              (REASON,),
    "object":              (REASON,),
    "decide_objection":    (ACCEPT, REASON_IF_ANY),
    "review":              (need("conclusion", _text, "text_missing"), Field("responsibility", _text, default=""),
                            Field("improvement", _text, default="")),
    "flag":                (Field("mass_incident", _flag), Field("confidential", _flag), Field("hard_case", _flag),
                            REASON),
    "decide_flag":         (ACCEPT, REASON_IF_ANY, Field("flag", _one_of(*FLAGGED))),
    "finalize":            (),
    "cancel":              (REASON,),
}
# fmt: on


def read_words(verb: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Parse and check the fields of a verb.

    Raises Refused: `unknown_verb`, `unknown_field`, `bad_field`, or the field's own code when it is missing.
    """
    if verb not in FIELDS:
        raise Refused("unknown_verb", verb=verb)
    fields = FIELDS[verb]
    extra = sorted(set(raw) - {f.name for f in fields})
    if extra:
        raise Refused("unknown_field", field=extra[0], verb=verb)
    words: dict[str, Any] = {}
    for item in fields:
        value = raw.get(item.name)
        if value is None or value == "":
            if item.missing:
                raise Refused(item.missing, field=item.name)
            words[item.name] = item.default
            continue
        try:
            words[item.name] = item.read(value)
        except (ValueError, TypeError, OverflowError, AttributeError):
            raise Refused("bad_field", field=item.name) from None
        if item.missing and words[item.name] == "":
            raise Refused(item.missing, field=item.name)
    return words
