"""Rate limits of the Bot API, measured in real seconds."""

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.telegram.errors import too_many_requests


@dataclass
class RateLimits:
    """Sliding windows (messages, seconds) over all chats, one chat and one group; rows FT17-FT19.

    `chat` stands for one message a second but is wider, because Telegram lets short bursts pass.
    """

    monotonic: Callable[[], float]
    enabled: bool = True
    overall: tuple[int, float] = (30, 1.0)
    per_chat: tuple[int, float] = (5, 5.0)
    per_group: tuple[int, float] = (20, 60.0)
    sent: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=100_000))
    _windows: dict[object, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _slowed_until: dict[int, float] = field(default_factory=dict)

    def slow_down(self, chat_id: int, seconds: float) -> None:
        """Answer 429 for this chat for `seconds` from now (0 lifts it); it does not count as the bot's fault."""
        self._slowed_until[chat_id] = self.monotonic() + seconds

    def acquire(self, chat_id: int, *, group: bool) -> None:
        """Count one message. Raises BotApiError 429 with the seconds to wait."""
        now = self.monotonic()
        wait = self._slowed_until.get(chat_id, 0.0) - now
        if wait > 0:
            raise too_many_requests(math.ceil(wait), fault_of_bot=False)
        self.sent.append((now, chat_id))
        if not self.enabled:
            return
        rules: list[tuple[object, tuple[int, float]]] = [("all", self.overall), (chat_id, self.per_chat)]
        if group:
            rules.append((("group", chat_id), self.per_group))
        waits = [self._wait(self._windows[key], rule, now) for key, rule in rules]
        if max(waits) > 0:
            self.sent.pop()
            raise too_many_requests(max(1, math.ceil(max(waits))), fault_of_bot=True)
        for key, _ in rules:
            self._windows[key].append(now)

    @staticmethod
    def _wait(window: deque[float], rule: tuple[int, float], moment: float) -> float:
        limit, seconds = rule
        while window and window[0] <= moment - seconds:
            window.popleft()
        return 0.0 if len(window) < limit else window[0] + seconds - moment
