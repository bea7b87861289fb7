"""Parses Bot API requests (JSON, form, multipart or query string) into one type."""

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sandbox.telegram.errors import bad_request


@dataclass(frozen=True)
class Upload:
    """A file part of a multipart request."""

    name: str
    mime: str
    content: bytes


@dataclass
class Arguments:
    """Named values of one request; form values are strings until converted."""

    values: dict[str, Any] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)

    @classmethod
    async def read(cls, request: web.Request) -> "Arguments":
        """Read query and body. Raises BotApiError 400 for a JSON body that is no object."""
        arguments = cls(dict(request.query))
        if request.content_type == "application/json":
            try:
                body = json.loads(await request.read() or b"{}")
            except ValueError:
                raise bad_request("can't parse request JSON") from None
            if not isinstance(body, dict):
                raise bad_request("can't parse request JSON: object expected")
            arguments.values |= {name: value for name, value in body.items() if value is not None}
        elif request.content_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
            for name, part in (await request.post()).items():
                if isinstance(part, web.FileField):
                    arguments.uploads[name] = Upload(part.filename, part.content_type, part.file.read())
                else:
                    arguments.values[name] = part if isinstance(part, str) else bytes(part).decode()
        return arguments

    def list_names(self) -> set[str]:
        """Return every given name, except parts referred to by attach://."""
        attached = {str(value).removeprefix("attach://") for value in self._list_leaves(self.values)}
        return set(self.values) | (set(self.uploads) - attached)

    def _list_leaves(self, value: object) -> list[object]:
        if isinstance(value, str) and value[:1] in "[{":
            try:
                value = json.loads(value)
            except ValueError:
                return [value]
        if isinstance(value, dict):
            return [leaf for inner in value.values() for leaf in self._list_leaves(inner)]
        if isinstance(value, list):
            return [leaf for inner in value for leaf in self._list_leaves(inner)]
        return [value]

    def get_text(self, name: str) -> str | None:
        """Return a string, or None when absent."""
        value = self.values.get(name)
        return None if value is None else str(value)

    def get_integer(self, name: str, default: int | None = None) -> int:
        """Return an integer. Raises BotApiError 400 when it is no number or absent without default."""
        value = self.values.get(name, default)
        try:
            return int(str(value))
        except ValueError:
            raise bad_request(f'parameter "{name}" must be an integer') from None

    def get_flag(self, name: str) -> bool:
        """Return a boolean; absent means false."""
        return str(self.values.get(name, "")).lower() in ("true", "1")

    def get_json(self, name: str) -> Any:
        """Return a JSON-serialised object or list, or None when absent."""
        value = self.values.get(name)
        if isinstance(value, str):
            try:
                return json.loads(value) if value else None
            except ValueError:
                raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object") from None
        return value

    def get_file(self, reference: object, name: str) -> Upload | str:
        """Return the upload a field names (attach:// or the part itself), else a file id or URL."""
        if isinstance(reference, str) and reference.startswith("attach://"):
            reference = reference.removeprefix("attach://")
            if reference not in self.uploads:
                raise bad_request(f'attached file "{reference}" not found')
            return self.uploads[reference]
        if reference is None and name in self.uploads:
            return self.uploads[name]
        if not reference:
            raise bad_request(f"there is no {name} in the request")
        return str(reference)
