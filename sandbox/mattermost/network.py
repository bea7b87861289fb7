"""The simulated server's state, and what happens on it: posts are stored and told, buttons call the office."""

import asyncio
import json
from collections.abc import Callable, Iterator

import aiohttp
from aiohttp import web

from sandbox.broadcast import Broadcast
from sandbox.faults import Faults, Violations
from sandbox.http_client import SendRequest
from sandbox.in_flight import InFlight
from sandbox.mattermost.markdown import find_markup
from sandbox.mattermost.model import Account, Action, Channel, ChannelType, Fields, File, Post, make_id
from sandbox.mattermost.shapes import ANSWER, ShapeError, check, read_colours, read_rows

#: seconds until a press is given up, and what its presser is told then
ANSWER_SECONDS = 3.0
FAILED = "action failed"


class MattermostNetwork:
    """One server with one bot account. `real_time`: seconds since 1970, as the server's clock shows."""

    def __init__(
        self, *, real_time: Callable[[], float], token: str, send_request: SendRequest, in_flight: InFlight
    ) -> None:
        self._real_time = real_time
        self.token, self.send_request, self.in_flight = token, send_request, in_flight
        self.accounts: dict[str, Account] = {}
        self.channels: dict[str, Channel] = {}
        self.posts: dict[str, Post] = {}
        self.files: dict[str, File] = {}
        #: presser and post → what only they see
        self.ephemeral: list[tuple[str, str, str]] = []
        self.sockets: dict[web.WebSocketResponse, int] = {}  # → the number of its next event
        self.faults, self.violations = Faults(), Violations("mattermost")
        self.requests: list[str] = []
        self.hides_people = False  # whether a bot may not look people up
        self.allows_edits = True  # whether its time limit for edits is not over
        self._count = int(real_time() * 1000)  # so that no id comes twice, in another run neither
        self.broadcast: Broadcast | None = None
        self.bot = self.add_account("jiesu", make_id("u", 1), is_bot=True)

    # -- what there is

    def make_id(self, kind: str) -> str:
        """Make an id that is new."""
        self._count += 1
        return make_id(kind, self._count)

    def get_time(self) -> int:
        """Return the server's time in ms; never the same twice."""
        newest = max((post.update_at for post in self.posts.values()), default=0)
        return max(int(self._real_time() * 1000), newest + 1)

    def add_account(self, username: str, id_: str = "", *, is_bot: bool = False) -> Account:
        """Add an account, of this id if one is given."""
        account = Account(id_ or self.make_id("u"), username, is_bot)
        self.accounts[account.id] = account
        return account

    def get_direct(self, account: Account) -> Channel:
        """Return the direct channel of the bot and this person, made if new."""
        name = "__".join(sorted((self.bot.id, account.id)))
        found = next((one for one in self.channels.values() if one.name == name), None)
        return found or self.add_channel("D", name, [self.bot.id, account.id], f"d{account.id[1:]}")

    def add_channel(self, kind: ChannelType, name: str, members: list[str], id_: str = "") -> Channel:
        """Add a channel, of this id if one is given."""
        channel = Channel(id_ or self.make_id("c"), kind, name, members)
        self.channels[channel.id] = channel
        return channel

    def list_posts(self, channel: str) -> list[Post]:
        """Return the posts of a channel that were not deleted, oldest first."""
        return [post for post in self.posts.values() if post.channel == channel and not post.delete_at]

    def build_post(self, post: Post) -> Fields:
        """Build a post as clients get it: what its buttons do is left out."""
        colours = iter(post.colours)
        attachments = [
            {"actions": [action.build() for action in row], **({"color": next(colours)} if post.colours else {})}
            for row in post.rows
        ]
        props: Fields = {"from_bot": "true"} if post.from_bot else {}
        if attachments:
            props["attachments"] = attachments
        return {
            "id": post.id,
            "channel_id": post.channel,
            "user_id": post.user,
            "root_id": post.root,
            "message": post.message,
            "type": post.type,
            "create_at": post.create_at,
            "update_at": post.update_at,
            "edit_at": post.edit_at,
            "delete_at": post.delete_at,
            "props": props,
            "file_ids": post.files,
            "metadata": {"files": [self.files[one].build() for one in post.files]} if post.files else {},
        }

    # -- what happens

    async def add_post(
        self,
        channel: Channel,
        account: Account,
        message: str,
        *,
        root: str = "",
        files: list[str] | None = None,
        rows: list[list[Action]] | None = None,
        colours: list[str] | None = None,
        kind: str = "",
    ) -> Post:
        """Store a post and tell it."""
        now = self.get_time()
        post = Post(self.make_id("p"), channel.id, account.id, message, now, root, kind, update_at=now)
        post.rows, post.colours, post.files = rows or [], colours or [], files or []
        post.from_bot = account.is_bot
        self.posts[post.id] = post
        channel.last_post_at = now
        self.check_markup(post)
        data: Fields = {
            "channel_type": channel.type,
            "channel_name": channel.name,
            "sender_name": f"@{account.username}",
            "post": json.dumps(self.build_post(post)),
        }
        if channel.type != "D" and f"@{self.bot.username}" in message:
            data["mentions"] = json.dumps([self.bot.id])
        await self.tell("posted", channel.id, data)
        return post

    async def change_post(self, post: Post, body: Fields) -> None:
        """Change what a body says of a post, and tell it."""
        message, rows = body.get("message"), read_rows(body)
        if isinstance(message, str) and message != post.message:
            post.message, post.edit_at = message, self.get_time()
        if rows is not None:
            post.rows, post.colours = rows, read_colours(body)
        post.update_at = self.get_time()
        self.check_markup(post)
        await self.tell("post_edited", post.channel, {"post": json.dumps(self.build_post(post))})

    def check_markup(self, post: Post) -> None:
        """Record what would not be shown as it stands, of our own posts (FT27)."""
        if post.from_bot and (found := find_markup(post.message)):
            self.violations.record(201, "posts", f"markup {found}")

    async def tell(self, event: str, channel: str, data: Fields) -> None:
        """Tell an event to the bot, if it is a member and listens."""
        if self.broadcast is not None:
            self.broadcast.notify()
        if channel and self.bot.id not in self.channels[channel].members:
            return
        for socket, seq in list(self.sockets.items()):
            told = {"event": event, "data": data, "broadcast": {"channel_id": channel}, "seq": seq}
            self.sockets[socket] = seq + 1
            try:
                await socket.send_json(told)
            except ConnectionError:
                self.sockets.pop(socket, None)

    async def drop_streams(self) -> None:
        """Cut every stream."""
        for socket in list(self.sockets):
            self.sockets.pop(socket)
            await socket.close()

    def list_rows(self, post: Post) -> Iterator[Action]:
        """Return the buttons of a post in order."""
        return (action for row in post.rows for action in row)

    async def press(self, account: Account, post: Post, action: Action) -> str:
        """Call the office about a press and do what it answers; return why it failed, "" when it did not."""
        channel = self.channels[post.channel]
        body: Fields = {
            "user_id": account.id,
            "user_name": account.username,
            "channel_id": channel.id,
            "channel_name": channel.name,
            "team_id": channel.build()["team_id"],
            "team_domain": "",
            "post_id": post.id,
            "trigger_id": f"{self.make_id('g')}:{account.id}:{self.get_time()}:sig",
            "type": "button",
            "data_source": "",
            "context": action.context,
        }
        with self.in_flight.track("mattermost press"):
            return await self.call(account, post, action.url, body)

    async def call(self, account: Account, post: Post, url: str, body: Fields) -> str:
        """POST a press, and take the answer in time, whole and in order; else the presser sees that it failed."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status, _, raw = await self.send_request("POST", url, headers, json.dumps(body).encode(), limit)
        except (aiohttp.ClientError, TimeoutError) as error:
            return self._fail(account, post, type(error).__name__)
        if status != 200:
            return self._fail(account, post, f"status={status}")
        try:
            answer = json.loads(raw) if raw else {}
            if not ANSWER(answer):
                raise ShapeError(f"no answer to a press: {str(answer)[:300]}")
            if update := answer.get("update"):
                post.files = []  # the server takes an update for the whole post, files too
                await self.change_post(post, check("update", update))
        except (ValueError, ShapeError) as error:
            self.violations.record(400, "actions", str(error))
            return self._fail(account, post, str(error))
        if said := answer.get("ephemeral_text"):
            if found := find_markup(said):
                self.violations.record(200, "actions", f"markup {found}")
            self.ephemeral.append((account.id, post.id, said))
        return ""

    def _fail(self, account: Account, post: Post, why: str) -> str:
        self.ephemeral.append((account.id, post.id, FAILED))
        return why
