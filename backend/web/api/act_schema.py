"""The JSON schema of an act: one form for each verb, from the fields that the domain reads (XS12)."""

from collections.abc import Callable
from typing import Any

from backend.domain.move_table import is_allowed
from backend.domain.ticket_enums import Role
from backend.domain.verb_fields import (
    CONTACT_WAYS,
    FIELDS,
    MAX_FILES,
    MAX_TEXT_LENGTH,
    Field,
    OneOf,
    read_day,
    read_files,
    read_flag,
    read_informed,
    read_instant,
    read_text,
)

Schema = dict[str, Any]
_INSTANT: Schema = {"type": "string", "format": "date-time"}
_READERS: dict[Callable[[object], object], Schema] = {
    read_text: {"type": "string", "maxLength": MAX_TEXT_LENGTH},
    read_flag: {"type": "boolean"},
    read_instant: _INSTANT,
    read_day: {"type": "string", "format": "date"},
    read_files: {"type": "array", "items": {"type": "string"}, "maxItems": MAX_FILES},
    read_informed: {
        "type": "object",
        "required": ["at", "way"],
        "properties": {"at": _INSTANT, "way": {"type": "string", "enum": list(CONTACT_WAYS)}},
    },
}
#: Verbs that people use; the others are the clock's.
VERBS = tuple(verb for verb in FIELDS if is_allowed(Role.ADMIN, verb))


def build_act_schema() -> Schema:
    """Return the schema of an act: one of the verbs' forms, told apart by `verb`."""
    return {
        "title": "ActBody", "description": "One act on a ticket; `version` is the one that was seen, `assignment` whose.",
        "oneOf": [_build_form(verb) for verb in VERBS], "discriminator": {"propertyName": "verb"},
    }  # fmt: skip


def _build_form(verb: str) -> Schema:
    own = {field.name: _describe(field) for field in FIELDS[verb]}
    return {
        "title": verb, "type": "object", "additionalProperties": False,
        "required": ["verb", *(field.name for field in FIELDS[verb] if field.missing_code)],
        "properties": {
            "verb": {"const": verb, "type": "string"}, "version": {"type": "integer"}, "assignment": {"type": "integer"}, **own,
        },
    }  # fmt: skip


def _describe(field: Field) -> Schema:
    """Return a field's schema. Raises KeyError for a reader this table does not know."""
    if isinstance(field.read, OneOf):
        schema: Schema = {"type": "string", "enum": [str(word) for word in field.read.words]}
    else:
        schema = _READERS[field.read]
    return schema if field.default in (None, "", ()) else {**schema, "default": field.default}
