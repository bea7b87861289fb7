"""A person in a browser, signed in to the console."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.stories.office import Office

DONE = re.compile(r'<p class="done" id="done" role="status">([^<]+)</p>')
HEADERS = {"Accept": "text/html"}
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Console:
    """A browser: it keeps cookies, follows redirects, and sends each form with the token of the last page."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http, self.url, self.csrf = http, url, ""

    async def get(self, path: str, **query: str) -> str:
        """Open a page."""
        async with self.http.get(f"{self.url}{path}", params=query) as answer:
            assert answer.status == 200, path
            return self._read(await answer.text())

    async def post(self, path: str, status: int = 200, /, **fields: str | bytes) -> str:
        """Send a form, bytes as a file; return the page that follows, which must have this status."""
        form = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
        for name, value in {"csrf": self.csrf, **fields}.items():
            form.add_field(name, value, filename=f"{name}.csv" if isinstance(value, bytes) else None)
        async with self.http.post(f"{self.url}{path}", data=form, headers={"Origin": self.url}) as answer:
            page = self._read(await answer.text())
            assert answer.status == status, (path, answer.status, re.findall(r'role="alert">([^<]+)', page))
            led = [step.headers["Location"] for step in answer.history]
            says = path.startswith("/sign-in") or DONE.search(page) or any(to.startswith("/shown/") for to in led)
            assert not led or says, f"{path} says nothing of what it did"
            return page

    def _read(self, page: str) -> str:
        if found := CSRF.search(page):
            self.csrf = found[1]
        return page


@asynccontextmanager
async def open_browser(office: Office) -> AsyncIterator[Console]:
    """A browser in which nobody has signed in yet."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers=HEADERS) as http:
        yield Console(http, office.url)


@asynccontextmanager
async def sign_in(office: Office, who: str) -> AsyncIterator[Console]:
    """Sign in as a role's person, or a person by code."""
    async with open_browser(office) as console:
        await console.post("/sign-in", word=await office.create_code(who))
        yield console
