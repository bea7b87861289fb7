"""Simulated chat users: what a person can do in a chat, and what tests can check on their screen."""

# ruff: noqa: ASYNC109 - a timeout parameter in seconds is part of the interface

from typing import Any

from sandbox.telegram.chats import Chats
from sandbox.telegram.model import Account, Arrival, Chat, Message, Press
from sandbox.telegram.serializers import make_album_id

PATIENCE_SECONDS = 5.0  # real seconds a test waits for the bot by default
ONE_PIXEL_JPEG = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300030202020202030202020303030304060404040404080606"
    "050609080a0a090809090a0c0f0c0a0b0e0b09090d110d0e0f101011100a0c12131210130f101010ffc9000b0800010001"
    "01011100ffcc000600101005ffda0008010100003f00d2cf20ffd9"
)
SMALL_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


class ChatParticipant:
    """One person in one chat with the bot."""

    def __init__(self, network: Chats, chat: Chat, account: Account) -> None:
        self.network = network
        self.chat = chat
        self.account = account

    # --- writing

    async def say(self, text: str, *, reply_to: Message | None = None) -> Message:
        """Write a message."""
        return self._send(text=text, reply_to=reply_to)

    async def reply(self, to: Message, text: str) -> Message:
        """Reply to a message with the app's reply function."""
        return self._send(text=text, reply_to=to)

    async def send_photo(
        self, content: bytes = ONE_PIXEL_JPEG, *, caption: str = "", reply_to: Message | None = None
    ) -> Message:
        """Send a picture."""
        file = self.network.store_file("photo.jpg", "image/jpeg", content)
        return self._send(kind="photo", file=file, text=caption, reply_to=reply_to)

    async def send_document(
        self,
        name: str = "情况说明.pdf",
        content: bytes = SMALL_PDF,
        *,
        mime: str = "application/pdf",
        caption: str = "",
        reply_to: Message | None = None,
    ) -> Message:
        """Send a file."""
        file = self.network.store_file(name, mime, content)
        return self._send(kind="document", file=file, text=caption, reply_to=reply_to)

    async def send_album(self, contents: list[bytes], *, caption: str = "", reply_to: Message | None = None) -> None:
        """Send several pictures as one album, with the caption on the first."""
        album = make_album_id(self.chat.id, len(self.chat.messages))
        for number, content in enumerate(contents):
            file = self.network.store_file(f"photo{number}.jpg", "image/jpeg", content)
            text = caption if number == 0 else ""
            self._send(kind="photo", file=file, text=text, reply_to=reply_to, album=album)

    async def send_voice(self, content: bytes = b"OggS", *, reply_to: Message | None = None) -> Message:
        """Send a voice note."""
        file = self.network.store_file("voice.ogg", "audio/ogg", content)
        return self._send(kind="voice", file=file, reply_to=reply_to)

    async def send_sticker(self) -> Message:
        """Send a sticker."""
        return self._send(kind="sticker", file=self.network.store_file("s.webp", "image/webp", b"RIFF"))

    async def send_location(self, latitude: float, longitude: float) -> Message:
        """Send a location."""
        return self._send(kind="location", extra={"location": {"latitude": latitude, "longitude": longitude}})

    async def edit(self, message: Message, text: str) -> None:
        """Edit an own message."""
        self.network.edit_as_person(message, text)

    def _send(self, *, reply_to: Message | None = None, **facts: Any) -> Message:
        reply_to_id = None if reply_to is None else reply_to.id
        return self.network.send_as_person(self.chat, self.account, reply_to=reply_to_id, **facts)

    # --- pressing

    async def press(
        self, target: Message | str, label: str | None = None, *, timeout: float = PATIENCE_SECONDS
    ) -> str | None:
        """Press a button (on a message, or the newest one with the label) and return the toast once answered.

        Raises LookupError when there is no such button, TimeoutError when the bot does not answer.
        """
        message, data = self._find_button(target, label)
        return (await self.press_data(message, data, timeout=timeout)).toast

    async def press_data(self, message: Message, data: str, *, timeout: float = PATIENCE_SECONDS) -> Press:
        """Send a callback with any data, as a forged client can (FT13); return the answered press."""
        press = self.network.press_as_person(message, self.account, data)
        return await self.network.broadcast.wait(lambda: press if press.answered else None, timeout)

    def _find_button(self, target: Message | str, label: str | None) -> tuple[Message, str]:
        if isinstance(target, str):
            label = target
            messages = [one for one in reversed(self.messages) if target in one.buttons]
        else:
            messages = [target]
        for message in messages:
            for row in (message.markup or {}).get("inline_keyboard", []):
                for button in row:
                    if label in (None, button["text"]) and "callback_data" in button:
                        return message, str(button["callback_data"])
        raise LookupError(f"no button {label!r}; there are {[one.buttons for one in messages] or self.render_screen()}")

    # --- reading the screen

    @property
    def messages(self) -> list[Message]:
        """The messages on the screen now, oldest first."""
        return [one for one in self.chat.messages.values() if not one.deleted]

    def get_last_message(self) -> Message:
        """Return the bot's newest message. Raises LookupError when there is none."""
        return next(iter(one for one in reversed(self.messages) if one.from_bot), None) or self._raise_nothing()

    def _raise_nothing(self) -> Message:
        raise LookupError("the bot has not written here")

    def render_screen(self) -> list[str]:
        """Return the text on the screen, for failure messages."""
        return [f"{'bot' if one.from_bot else 'me'}: {one.text} {one.buttons or ''}" for one in self.messages]

    async def expect(self, part: str, *, timeout: float = PATIENCE_SECONDS, edit: bool = False) -> Message:
        """Wait for a bot message (or an edit, with `edit`) containing `part`, and mark it as expected."""

        def find_arrival() -> Arrival | None:
            fresh = (one for one in self._list_arrivals() if not one.expected and one.is_edit is edit)
            return next((one for one in fresh if part in one.text), None)

        try:
            arrival = await self.network.broadcast.wait(find_arrival, timeout)
        except TimeoutError:
            raise AssertionError(
                f"{self.account.name} never saw {part!r}; on the screen: {self.render_screen()}"
            ) from None
        arrival.expected = True
        return arrival.message

    def list_unexpected(self) -> list[str]:
        """Return the texts of bot messages here that were never expected; edits do not count."""
        return [one.text for one in self._list_arrivals() if not one.expected and not one.is_edit]

    def _list_arrivals(self) -> list[Arrival]:
        return self.network.arrivals.get(self.chat.id, [])


class ChatUser(ChatParticipant):
    """A person in their private chat with the bot."""

    @property
    def user_id(self) -> int:
        """The Telegram id."""
        return self.account.id

    @property
    def phone(self) -> str:
        """The number of the account, E.164."""
        return self.account.phone

    async def start(self, code: str = "") -> Message:
        """Send /start, with or without a deep-link code."""
        return await self.say(f"/start {code}".strip())

    async def share_contact(self, other: "ChatUser | None" = None) -> Message:
        """Share the own contact card, or another person's (FT33)."""
        shared = (other or self).account
        number = shared.phone.removeprefix("+")
        card = {"phone_number": number, "first_name": shared.name, "user_id": shared.id}
        return self._send(kind="contact", extra={"contact": card})

    async def share_card(self, phone: str, name: str, user_id: int | None = None) -> Message:
        """Share a hand-made contact card; without `user_id` it belongs to no account."""
        identity = {} if user_id is None else {"user_id": user_id}
        card = {"phone_number": phone, "first_name": name, **identity}
        return self._send(kind="contact", extra={"contact": card})

    def block(self) -> None:
        """Block the bot (FT20)."""
        self.account.blocked = True
        self.network.send_membership(self.chat, self.account, "kicked")

    def unblock(self) -> None:
        """Unblock the bot."""
        self.account.blocked = False
        self.network.send_membership(self.chat, self.account, "member")


class GroupChat:
    """A group with the bot in it."""

    def __init__(self, network: Chats, chat: Chat) -> None:
        self.network = network
        self.chat = chat

    def get_participant(self, user: ChatUser) -> ChatParticipant:
        """Return this person in this group."""
        return ChatParticipant(self.network, self.chat, user.account)

    def migrate(self) -> "GroupChat":
        """Become a supergroup; return the new chat (FT21)."""
        return GroupChat(self.network, self.network.migrate(self.chat))
