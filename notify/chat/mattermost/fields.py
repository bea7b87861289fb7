"""Reads fields of Mattermost's objects by their kind; another kind is a TypeError."""

from collections.abc import Mapping, Sequence

#: a JSON object, ours to write or only to read
Fields = dict[str, object]
Object = Mapping[str, object]


def read_text(fields: Object, name: str) -> str:
    """Return a text, "" when it is not there."""
    value = fields.get(name)
    if not isinstance(value, str | None):
        raise TypeError(f"{name} is no text")
    return value or ""


def read_id(fields: Object, name: str = "id") -> str:
    """Return a text that must be there."""
    value = read_text(fields, name)
    if not value:
        raise TypeError(f"no {name}")
    return value


def read_number(fields: Object, name: str) -> int:
    """Return a whole number, 0 when it is not there."""
    value = fields.get(name) or 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} is no number")
    return value


def read_object(fields: Object, name: str) -> Object:
    """Return an object, an empty one when it is not there."""
    value = fields.get(name) or {}
    if not isinstance(value, dict):
        raise TypeError(f"{name} is no object")
    return value


def read_objects(fields: Object, name: str) -> Sequence[Object]:
    """Return a list of objects, an empty one when it is not there."""
    value = fields.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise TypeError(f"{name} is no list of objects")
    return value
