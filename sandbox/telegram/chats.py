"""Accounts, chats and messages of the simulated network, and what the bot and people do with them."""

import itertools
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.broadcast import Broadcast
from sandbox.faults import Faults, Violation, Violations
from sandbox.in_flight import InFlight
from sandbox.telegram.errors import BotApiError, forbidden, race_error
from sandbox.telegram.limits import RateLimits
from sandbox.telegram.model import Account, Arrival, Chat, Message, Press, StoredFile
from sandbox.telegram.serializers import serialize_content
from sandbox.telegram.updates import Post, UpdateQueue

CALLBACK_LIFE_SECONDS = 60.0  # real seconds after which a press can no longer be answered
MAX_REQUESTS = 100_000  # newest requests kept for tests to inspect
BOT_USERNAME = "jiesu_sandbox_bot"


class Chats:
    """Everything that was written to one bot and by it."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        token: str,
        broadcast: Broadcast,
        in_flight: InFlight,
        post: Post,
    ) -> None:
        self.now = now
        self.monotonic = monotonic
        self.token = token
        self.broadcast = broadcast
        self.in_flight = in_flight
        self.updates = UpdateQueue(now=now, broadcast=broadcast, in_flight=in_flight, post=post)
        self.limits = RateLimits(monotonic)
        self.faults = Faults()
        self.violations = Violations("telegram")
        self.refused: list[Violation] = []
        self.requests: deque[tuple[float, str]] = deque(maxlen=MAX_REQUESTS)
        self.accounts: dict[int, Account] = {}
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, tuple[StoredFile, bytes]] = {}
        self.presses: dict[str, Press] = {}
        self.arrivals: dict[int, list[Arrival]] = {}
        self.commands: list[dict[str, Any]] = []
        self.actions: list[tuple[int, str]] = []
        self._message_ids = itertools.count(101)
        self._file_ids = itertools.count(1)
        self._press_ids = itertools.count(700_000_000_001)
        in_flight.probes.append(self.updates.describe_pending)

    # --- people and chats

    @property
    def bot_id(self) -> int:
        """The bot's user id: the number before the colon of its token."""
        head = self.token.partition(":")[0]
        return int(head) if head.isdigit() else 1

    def serialize_bot(self) -> dict[str, Any]:
        """Build the bot's User object."""
        return {"id": self.bot_id, "is_bot": True, "first_name": "接诉即办", "username": BOT_USERNAME}

    def send_membership(self, chat: Chat, by: Account, status: str) -> None:
        """Send my_chat_member: the bot was added, blocked or removed."""
        old = "kicked" if status == "member" and not chat.is_group else "left" if status == "member" else "member"
        body = {
            "chat": self.serialize_chat(chat),
            "from": by.to_json(),
            "date": int(self.now().timestamp()),
            "old_chat_member": self._serialize_membership(old),
            "new_chat_member": self._serialize_membership(status),
        }
        self.updates.add("my_chat_member", body, chat.id)

    def _serialize_membership(self, status: str) -> dict[str, Any]:
        until = {"until_date": 0} if status == "kicked" else {}
        return {"status": status, "user": self.serialize_bot(), **until}

    def serialize_chat(self, chat: Chat) -> dict[str, Any]:
        """Build the Chat object."""
        if chat.kind == "private":
            return {"id": chat.id, "type": "private", "first_name": self.accounts[chat.id].name}
        return {"id": chat.id, "type": chat.kind, "title": chat.title}

    def serialize_message(self, message: Message, *, depth: int = 1) -> dict[str, Any]:
        """Serialize a Message; a reply carries the message it answers, one level deep."""
        chat = self.chats[message.chat_id]
        sender = self.serialize_bot() if message.sender_id is None else self.accounts[message.sender_id].to_json()
        document: dict[str, Any] = {
            "message_id": message.id,
            "date": int(message.date.timestamp()),
            "chat": self.serialize_chat(chat),
            "from": sender,
            **serialize_content(message),
            **message.extra,
        }
        if message.edited_at is not None:
            document["edit_date"] = int(message.edited_at.timestamp())
        if message.album is not None:
            document["media_group_id"] = message.album
        if message.markup and "inline_keyboard" in message.markup:
            document["reply_markup"] = message.markup
        if message.reply_to is not None and depth:
            answered = self.find_message(chat, message.reply_to)
            if answered is not None:
                document["reply_to_message"] = self.serialize_message(answered, depth=depth - 1)
        return document

    def migrate(self, chat: Chat) -> Chat:
        """Turn a group into a supergroup with a new id (FT21)."""
        moved = Chat(-(10**12) + chat.id, "supergroup", chat.title, list(chat.members))
        chat.migrated_to = moved.id
        self.chats[moved.id] = moved
        by = self.accounts[chat.members[0]]
        self.send_as_person(chat, by, kind="service", extra={"migrate_to_chat_id": moved.id})
        self.send_as_person(moved, by, kind="service", extra={"migrate_from_chat_id": chat.id})
        return moved

    # --- what the bot may do

    def resolve_recipient(self, chat_id: object) -> Chat:
        """Return a chat the bot may write to. Raises BotApiError: chat not found, 403, or migrated."""
        try:
            chat = self.chats.get(int(str(chat_id)))
        except ValueError:
            chat = None
        if chat is None:
            raise race_error("chat not found")
        if chat.migrated_to is not None:
            message = "Bad Request: group chat was upgraded to a supergroup chat"
            raise BotApiError(400, message, migrate_to_chat_id=chat.migrated_to)
        if chat.is_group:
            if not chat.bot_inside:
                raise forbidden(f"bot was kicked from the {chat.kind} chat")
            return chat
        account = self.accounts[chat.id]
        if account.deactivated:
            raise forbidden("user is deactivated")
        if account.blocked:
            raise forbidden("bot was blocked by the user")
        if not account.started:
            raise forbidden("bot can't initiate conversation with a user")
        return chat

    def send_as_bot(self, chat: Chat, **facts: Any) -> Message:
        """Add a message of the bot to a chat."""
        message = self._add_message(chat, None, **facts)
        self._record_arrival(message, edit=False)
        return message

    def edit_as_bot(self, message: Message) -> None:
        """Mark a changed message as edited and record its arrival."""
        message.edited_at = self.now()
        self._record_arrival(message, edit=True)

    def find_message(self, chat: Chat, message_id: int) -> Message | None:
        """Return a message that has not been deleted, or None."""
        message = chat.messages.get(message_id)
        return None if message is None or message.deleted else message

    def store_file(self, name: str, mime: str, content: bytes) -> StoredFile:
        """Store bytes under a new file id."""
        stored = StoredFile(f"BQACAgUAAx{next(self._file_ids):08d}", name, mime, len(content))
        self.files[stored.id] = (stored, content)
        return stored

    def answer_press(self, press_id: str, text: str | None, *, alert: bool) -> None:
        """Answer a callback query. Raises BotApiError when it is too old or answered already."""
        press = self.presses.get(press_id)
        too_old = press is None or self.monotonic() - press.at > CALLBACK_LIFE_SECONDS
        if press is None or too_old or press.answered:
            error = race_error("query is too old and response timeout expired or query ID is invalid")
            error.fault_of_bot = press is not None and press.answered
            raise error
        press.answered, press.toast, press.alert = True, text, alert
        self.broadcast.notify()

    def expire_presses(self) -> None:
        """Make every unanswered press too old to answer (FT12)."""
        for press in self.presses.values():
            press.at -= CALLBACK_LIFE_SECONDS * 2

    # --- what people may do

    def send_as_person(self, chat: Chat, by: Account, **facts: Any) -> Message:
        """Add a person's message to the chat and send the update to the bot."""
        if not chat.is_group and not by.started:
            by.started = True
        message = self._add_message(chat, by.id, **facts)
        self.updates.add("message", self.serialize_message(message), chat.id)
        return message

    def edit_as_person(self, message: Message, text: str) -> None:
        """Edit a person's own message; the bot gets edited_message."""
        message.text, message.edited_at = text, self.now()
        self.updates.add("edited_message", self.serialize_message(message), message.chat_id)

    def press_as_person(self, message: Message, by: Account, data: str) -> Press:
        """Press an inline button; `data` may be forged, as by a hostile client (FT13)."""
        press = Press(str(next(self._press_ids)), message, data, by.id, self.monotonic())
        self.presses[press.id] = press
        body = {
            "id": press.id,
            "from": by.to_json(),
            "message": self.serialize_message(message),
            "chat_instance": str(abs(message.chat_id) * 7919),
            "data": data,
        }
        self.updates.add("callback_query", body, message.chat_id)
        return press

    def _add_message(self, chat: Chat, sender_id: int | None, **facts: Any) -> Message:
        message = Message(next(self._message_ids), chat.id, sender_id, self.now(), **facts)
        chat.messages[message.id] = message
        self.broadcast.notify()
        return message

    def _record_arrival(self, message: Message, *, edit: bool) -> None:
        arrival = Arrival(message, message.text, message.buttons, edit)
        self.arrivals.setdefault(message.chat_id, []).append(arrival)
        self.broadcast.notify()

    # --- bookkeeping

    def record_refusal(self, method: str, error: BotApiError) -> None:
        """Record a refused request; the bot's own faults are violations."""
        self.refused.append(Violation(error.code, method, error.description))
        if error.fault_of_bot:
            self.violations.record(error.code, method, error.description)

    def continue_ids(self) -> None:
        """After loading a saved state, continue ids after the highest known ones."""
        highest = max((one for chat in self.chats.values() for one in chat.messages), default=100)
        self._message_ids = itertools.count(highest + 1)
        self._file_ids = itertools.count(len(self.files) + 1)

    def list_unexpected(self) -> list[Arrival]:
        """List every bot message (not edits) that no test has expected, over all chats."""
        return [one for all_of in self.arrivals.values() for one in all_of if not one.expected and not one.is_edit]
