"""What the simulated server takes of a post: its fields with their types and bounds; anything else is refused."""

import re
from collections.abc import Callable, Mapping

from sandbox.mattermost.model import Action, Fields

Rule = Callable[[object], bool]
#: characters of a message, of all its properties together, of a file's id; files of a post; bytes of a file
MESSAGE_LIMIT, PROPS_LIMIT, MAX_FILES, FILE_LIMIT = 16_383, 800_000, 10, 100 << 20
ID = re.compile(r"[a-z0-9]{26}")
ACTION_ID = re.compile(r"[A-Za-z0-9]+")
COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


class ShapeError(Exception):
    """A document outside the documented form; `code` is the server's id of the error."""

    def __init__(self, why: str, code: str = "api.context.invalid_body_param.app_error") -> None:
        super().__init__(why)
        self.code = code


def is_id(value: object) -> bool:
    """An id of this server."""
    return isinstance(value, str) and ID.fullmatch(value) is not None


def is_text(value: object) -> bool:
    """A text."""
    return isinstance(value, str)


def has_fields(rules: Mapping[str, Rule], *needed: str) -> Rule:
    """An object of these fields and no other."""
    return lambda value: (
        isinstance(value, dict)
        and all(name in value for name in needed)
        and all(name in rules and rules[name](one) for name, one in value.items())
    )


def is_list_of(rule: Rule, most: int) -> Rule:
    """A list of at most so many of them."""
    return lambda value: isinstance(value, list) and len(value) <= most and all(rule(one) for one in value)


def matches(pattern: re.Pattern[str]) -> Rule:
    """A text of this form."""
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


INTEGRATION = has_fields(
    {"url": matches(re.compile(r"https?://\S+")), "context": lambda value: isinstance(value, dict)}, "url"
)
ACTION = has_fields(
    {
        "id": matches(ACTION_ID),
        "type": lambda value: value == "button",
        "name": lambda value: isinstance(value, str) and bool(value.strip()),
        "integration": INTEGRATION,
    },
    "id",
    "type",
    "name",
    "integration",
)
ATTACHMENT = has_fields({"actions": is_list_of(ACTION, 20), "color": matches(COLOUR)})
PROPS = has_fields({"attachments": is_list_of(ATTACHMENT, 20)})
#: what → its fields, and those it cannot do without
BODIES: Mapping[str, Rule] = {
    "post": has_fields(
        {
            "channel_id": is_id,
            "message": is_text,
            "props": PROPS,
            "file_ids": is_list_of(is_id, MAX_FILES),
            "root_id": is_id,
        },
        "channel_id",
        "message",
    ),
    "patch": has_fields({"message": is_text, "props": PROPS}),
    "update": has_fields({"message": is_text, "props": PROPS}, "message", "props"),
    "challenge": has_fields(
        {
            "seq": lambda value: isinstance(value, int) and value > 0,
            "action": lambda value: value == "authentication_challenge",
            "data": has_fields({"token": is_text}, "token"),
        },
        "seq",
        "action",
        "data",
    ),
}
ANSWER = has_fields(
    {"update": BODIES["update"], "ephemeral_text": is_text, "skip_slack_parsing": lambda value: isinstance(value, bool)}
)


def check(kind: str, body: object) -> Fields:
    """Return a body that is in order. Raises ShapeError."""
    if not BODIES[kind](body) or not isinstance(body, dict):
        raise ShapeError(f"no {kind}: {str(body)[:300]}")
    message = body.get("message")
    if isinstance(message, str):
        if len(message) > MESSAGE_LIMIT:
            raise ShapeError(f"{len(message)} characters", "model.post.is_valid.message_length.app_error")
        if not message.strip() and not body.get("file_ids"):
            raise ShapeError("no words", "api.context.invalid_body_param.app_error")
    actions = [one.id for row in read_rows(body) or [] for one in row]
    if len(set(actions)) != len(actions):
        raise ShapeError("two buttons of one id")
    return body


def read_rows(body: Fields) -> list[list[Action]] | None:
    """Return the buttons of a body in order, by attachment; None when it says nothing of them."""
    props = body.get("props")
    if not isinstance(props, dict):
        return None
    return [
        [
            Action(one["id"], one["name"], one["integration"]["url"], one["integration"].get("context", {}))
            for one in attachment.get("actions", [])
        ]
        for attachment in props.get("attachments", [])
    ]


def read_colours(body: Fields) -> list[str]:
    """Return the colours of a body's attachments."""
    props = body.get("props")
    found = props.get("attachments", []) if isinstance(props, dict) else []
    return [str(one["color"]) for one in found if "color" in one]
