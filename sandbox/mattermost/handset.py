"""A person's chat on the simulated server, as the page of the rehearsal shows and operates it."""

from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web

from sandbox.mattermost.markdown import render
from sandbox.mattermost.model import File, Post
from sandbox.mattermost.users import MattermostUser

SHOWN_MESSAGES, QUOTED_CHARACTERS = 80, 60


class MattermostHandset(MattermostUser):
    """A `ChatHandset`."""

    phone, shown_name = "", ""

    @property
    def is_started(self) -> bool:
        return bool(self.posts)

    def render(self) -> dict[str, object]:
        return {
            "phone": self.phone,
            "name": self.shown_name,
            "started": self.is_started,
            "blocked": bool(self.account.delete_at),
            "messages": [self._render_post(post) for post in self.posts[-SHOWN_MESSAGES:]],
            "keyboard": [],
            "commands": [],
        }

    def _render_post(self, post: Post) -> dict[str, object]:
        root = self.network.posts.get(post.root)
        file = self.network.files[post.files[0]] if post.files else None
        is_ours = post.user == self.account.id
        return {
            "id": post.id,
            "mine": is_ours,
            "kind": "text" if file is None else "document",
            "text": post.message if is_ours else render(post.message),
            "entities": [],
            "at": datetime.fromtimestamp(post.create_at / 1000, UTC).isoformat(),
            "edited": bool(post.edit_at),
            "file": None if file is None else {"id": file.id, "name": file.name, "size": len(file.content)},
            "contact": None,
            "location": None,
            "quote": None if root is None else {"id": root.id, "text": render(root.message)[:QUOTED_CHARACTERS]},
            "rows": [[{"text": action.name, "url": None} for action in row] for row in post.rows],
        }

    async def bind(self, code: str) -> None:
        await self.write(f" /start {code}")  # with a space before it, it is no command of the server's

    async def act(self, act: str, body: Mapping[str, object]) -> dict[str, object]:
        if act == "say":
            text = str(body.get("text") or "").strip()
            if not text:
                raise ValueError("empty")
            await self.write(text, root=self._find_root(body))
            return {"ok": True}
        if act == "press":
            post = self.network.posts[str(body["message"])]
            action = post.rows[int(str(body["row"]))][int(str(body["column"]))]
            why = await self.press(post, action.name)
            return {"toast": why or (self.list_notes() or [""])[-1], "alert": bool(why)}
        if act == "file":
            part = body.get("file")
            if not isinstance(part, web.FileField):
                raise ValueError("no file")
            file = File(self.network.make_id("f"), part.filename, part.file.read(), part.content_type)
            await self.write(str(body.get("caption") or ""), root=self._find_root(body), files=(file,))
            return {"ok": True}
        if act == "block":  # who leaves has their account closed
            self.account.delete_at = self.network.get_time() if body.get("blocked") else 0
            return {"ok": True}
        raise ValueError(act)  # nobody shares their number there

    def _find_root(self, body: Mapping[str, object]) -> Post | None:
        given = body.get("reply_to")
        return self.network.posts[str(given)] if given else None
