"""Chats that nothing is sent to for a while after a 429: briefly, or so long that what must arrive goes another way."""

from datetime import datetime, timedelta

from backend.office.clock import Clock

Chat = tuple[str, str]  # channel, address


class ChatHolds:
    """Holds and blocks of this process. They last by the monotonic clock: office time may be set back (FS3)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[Chat, tuple[datetime, float]] = {}  # until when by office time; monotonic second
        self._blocked: dict[Chat, float] = {}  # monotonic second

    def hold(self, chat: Chat, span: timedelta) -> tuple[datetime, float]:
        """Hold a chat briefly (FT17); return until when: office time, monotonic second."""
        self._held[chat] = self._clock.now() + span, self._clock.monotonic() + span.total_seconds()
        return self._held[chat]

    def find_hold(self, chat: Chat) -> datetime | None:
        """Return until when a chat is held: one instant for all its messages, so that they keep their order."""
        until, end = self._held.get(chat, (self._clock.now(), 0.0))
        left = end - self._clock.monotonic()
        if left <= 0 or until <= self._clock.now():
            return None
        return min(until, self._clock.now() + timedelta(seconds=left + 1))

    def block(self, chat: Chat, span: timedelta) -> None:
        """Block a chat for long (FT18)."""
        self._blocked[chat] = self._clock.monotonic() + span.total_seconds()

    def measure_block(self, chat: Chat) -> timedelta | None:
        """Return how long a chat is still blocked; None if it is not."""
        left = self._blocked.get(chat, 0.0) - self._clock.monotonic()
        return timedelta(seconds=left) if left > 0 else None
