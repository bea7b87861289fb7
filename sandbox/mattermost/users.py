"""The people of the simulated server, as tests and the page operate them: they write, reply, edit and press."""

import asyncio

from sandbox.mattermost.markdown import render
from sandbox.mattermost.model import Account, Channel, File, Post
from sandbox.mattermost.network import MattermostNetwork

LOOK_SECONDS = 0.02


class MattermostUser:
    """A person with an account, in their direct channel with the bot."""

    def __init__(self, network: MattermostNetwork, username: str, id_: str = "") -> None:
        self.network = network
        self.account: Account = network.add_account(username, id_)
        self.channel: Channel = network.get_direct(self.account)

    # -- what they see

    @property
    def posts(self) -> list[Post]:
        """The posts of their channel, oldest first."""
        return self.network.list_posts(self.channel.id)

    def list_shown(self) -> list[str]:
        """Return what the bot's posts show."""
        return [render(post.message) for post in self.posts if post.user == self.network.bot.id]

    def list_notes(self) -> list[str]:
        """Return what only they were shown beside a press."""
        return [render(said) for user, _, said in self.network.ephemeral if user == self.account.id]

    def find(self, text: str) -> Post:
        """Return the newest post of the bot that shows a text."""
        ours = [post for post in self.posts if post.user == self.network.bot.id and text in render(post.message)]
        assert ours, f"{text!r} is nowhere in {self.list_shown()}"
        return ours[-1]

    def list_labels(self, post: Post) -> list[str]:
        """Return the labels of a post's buttons."""
        return [action.name for action in self.network.list_rows(post)]

    async def expect(self, text: str, seconds: float = 5.0) -> Post:
        """Wait until the bot's posts show a text."""
        for _ in range(int(seconds / LOOK_SECONDS)):
            if any(text in shown for shown in self.list_shown()):
                break
            await asyncio.sleep(LOOK_SECONDS)
        return self.find(text)

    # -- what they do

    async def write(self, text: str, *, root: Post | None = None, files: tuple[File, ...] = ()) -> Post:
        """Write a message, or a reply to one."""
        return await write(self.network, self.channel, self.account, text, root=root, files=files)

    async def edit(self, post: Post, text: str) -> None:
        """Change what they wrote."""
        await self.network.change_post(post, {"message": text})

    async def press(self, post: Post, label: str) -> str:
        """Press a button; why it failed, "" when it did not."""
        action = next(one for one in self.network.list_rows(post) if one.name == label)
        return await self.network.press(self.account, post, action)

    def deactivate(self) -> None:
        """Close their account."""
        self.account.delete_at = self.network.get_time()


class MattermostGroup:
    """A private channel of the bot and these people."""

    def __init__(self, network: MattermostNetwork, name: str, members: list[MattermostUser]) -> None:
        self.network = network
        ids = [network.bot.id, *(one.account.id for one in members)]
        self.channel = network.add_channel("P", name, ids)

    async def write(self, who: MattermostUser, text: str, *, root: Post | None = None) -> Post:
        """Write a message, or a reply to one."""
        return await write(self.network, self.channel, who.account, text, root=root)

    def archive(self) -> None:
        """Archive it."""
        self.channel.delete_at = self.network.get_time()


async def write(
    network: MattermostNetwork,
    channel: Channel,
    account: Account,
    text: str,
    *,
    root: Post | None = None,
    files: tuple[File, ...] = (),
) -> Post:
    """Write to a channel; a reply to a reply is one to what began the thread.

    Raises ValueError for what begins with a slash: the server takes that for a command of its own.
    """
    if text.startswith("/"):
        raise ValueError("no such command")
    begun = "" if root is None else root.root or root.id
    for file in files:
        file.user, file.channel = account.id, channel.id
        network.files[file.id] = file
    return await network.add_post(channel, account, text, root=begun, files=[one.id for one in files])
