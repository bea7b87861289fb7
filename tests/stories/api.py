"""The REST API of a running application, as people and other systems use it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from backend.app.application import Application
from backend.app.config import Config
from backend.domain.acts import Account, AccountKind

#: Role → the person of the sample office who acts in it through the API.
STAFF = {
    "dispatcher": "PD01", "reviewer": "SH01", "agent": "HF01", "supervisor": "DB01", "clerk": "FF01",
    "admin": "GL01", "auditor": "SJ01",
}  # fmt: skip
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@dataclass
class Response:
    """What the API answered."""

    status: int
    body: Any

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def code(self) -> str:
        """The refusal's code."""
        return str(self.body["error"]["code"])


@dataclass
class ApiUser:
    """Requests to a running application, by anybody who has a key."""

    application: Application
    http: aiohttp.ClientSession
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Config:
        """Its settings; data folder and database among them."""
        return self.application.config

    @property
    def url(self) -> str:
        """Where the console and the API are served."""
        return f"http://{self.config.host}:{self.config.port}"

    async def get_key(self, who: str) -> str:
        """The API key of a role's person, of any person by code, or (`unit:U01`) of a unit's own system."""
        if who not in self.keys:
            keys, now = self.application.services.keys, self.application.core.clock.now()
            if who.startswith("unit:"):
                self.keys[who] = await keys.create_key(who, now, role="handler", unit=who[5:])
            else:
                self.keys[who] = await keys.create_key(f"story-{who}", now, person=STAFF.get(who, who))
        return self.keys[who]

    async def create_code(self, who: str) -> str:
        """A one-time code that signs in a role's person, or a person by code."""
        account = Account(AccountKind.PERSON, STAFF.get(who, who))
        return await self.application.services.keys.create_sign_in_token(account, self.application.core.clock.now())

    async def request(self, method: str, path: str, who: str = "admin", body: Any = None, **query: str) -> Response:
        """Send one request to the API."""
        headers = {"Authorization": f"Bearer {await self.get_key(who)}"}
        url = f"{self.url}/api/v1{path}"
        async with self.http.request(method, url, headers=headers, json=body, params=query) as answer:
            return Response(answer.status, await answer.json())

    async def list_items(self, path: str, **query: str) -> list[Mapping[str, Any]]:
        """The first page of a list."""
        return list((await self.request("GET", path, limit="200", **query))["items"])

    async def upload(self, path: str, name: str, content: bytes, who: str) -> Response:
        """Send a file."""
        form = aiohttp.FormData()
        form.add_field("file", content, filename=name)
        headers = {"Authorization": f"Bearer {await self.get_key(who)}"}
        async with self.http.post(f"{self.url}/api/v1{path}", data=form, headers=headers) as answer:
            return Response(answer.status, await answer.json())

    async def upload_statement(self, who: str = "unit:U01") -> str:
        """Upload a statement (情况说明); return the file's id."""
        return str((await self.upload("/files", "情况说明.pdf", PDF, who))["id"])

    async def set_setting(self, key: str, value: str) -> None:
        """Change a setting of the office."""
        changed = await self.request("PUT", f"/settings/{key}", "admin", {"value": value})
        assert changed.status == 200, changed.body
