"""A person with a browser at the console."""

import re
from typing import Any

from aiohttp import FormData

from tests.web.world import World

#: Forms after which nothing is said: they led where the person wanted to go.
SILENT = ("/sign-in", "/sign-out")


def build_form(**fields: Any) -> FormData:
    """A form as the pages send it; bytes are a file."""
    data = FormData(default_to_multipart=True)
    for name, value in fields.items():
        if isinstance(value, bytes):
            data.add_field(name, value, filename="情况说明.pdf")
        else:
            data.add_field(name, value)
    return data


class Browser:
    """A browser at the console; it keeps cookies and sends the token of its session with every form."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.csrf = ""
        self.cookie = ""
        self.sent_to = ""  # where the last form led

    async def sign_in(self, word: str) -> int:
        """Sign in with a one-time code, or as the person whose key this is; the status of the answer."""
        word = await self.world.create_code(word)
        self.world.client.session.cookie_jar.clear()
        async with self.world.client.post("/sign-in", data=build_form(word=word), allow_redirects=False) as answer:
            self.cookie = answer.headers.get("Set-Cookie", "")
            status = answer.status
        if status == 303:
            found = re.search(r'name="csrf" value="([^"]+)"', await self.page("/"))
            assert found is not None
            self.csrf = found[1]
        return status

    async def page(self, path: str, status: int = 200) -> str:
        """Open a page, whose status and content security policy must be right."""
        async with self.world.client.get(path, headers={"Accept": "text/html"}) as answer:
            text = await answer.text()
            assert answer.status == status, (path, answer.status, text[:2000])
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            return text

    async def post(self, path: str, headers: dict[str, str] | None = None, /, **fields: Any) -> tuple[int, str]:
        """Send a form; status and page. One that is shown once is fetched, as a browser does."""
        data = build_form(**{"csrf": self.csrf, **fields})
        sent = {"Accept": "text/html", **(headers or {})}
        async with self.world.client.post(path, data=data, headers=sent, allow_redirects=False) as answer:
            self.sent_to = answer.headers.get("Location", "")
            says = self.sent_to.startswith("/shown/") or "jiesu_result" in answer.cookies
            assert answer.status != 303 or says or path in SILENT, f"{path} says nothing of what it did"
            if not self.sent_to.startswith("/shown/"):
                return answer.status, await answer.text()
        return 200, await self.page(self.sent_to)
