"""Errors of the Bot API, in its own words."""


class BotApiError(Exception):
    """An `ok: false` answer; `fault_of_bot` marks requests that no correct bot would make."""

    def __init__(
        self,
        code: int,
        description: str,
        *,
        fault_of_bot: bool = False,
        retry_after: int | None = None,
        migrate_to_chat_id: int | None = None,
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.fault_of_bot = fault_of_bot
        self.retry_after = retry_after
        self.migrate_to_chat_id = migrate_to_chat_id

    def body(self) -> dict[str, object]:
        """Build Telegram's JSON error response."""
        answer: dict[str, object] = {"ok": False, "error_code": self.code, "description": self.description}
        facts = {"retry_after": self.retry_after, "migrate_to_chat_id": self.migrate_to_chat_id}
        parameters = {name: value for name, value in facts.items() if value is not None}
        return answer | ({"parameters": parameters} if parameters else {})


def bad_request(message: str) -> BotApiError:
    """Build a 400 for a request outside the documented limits; it counts as a violation."""
    return BotApiError(400, f"Bad Request: {message}", fault_of_bot=True)


def race_error(message: str) -> BotApiError:
    """Build a 400 that a correct bot may meet, because of what it cannot know; it is not a violation."""
    return BotApiError(400, f"Bad Request: {message}")


def forbidden(message: str) -> BotApiError:
    """Build a 403: the person or group does not accept the bot."""
    return BotApiError(403, f"Forbidden: {message}")


def too_many_requests(seconds: int, *, fault_of_bot: bool) -> BotApiError:
    """Build a 429 with `retry_after` in whole seconds."""
    message = f"Too Many Requests: retry after {seconds}"
    return BotApiError(429, message, retry_after=seconds, fault_of_bot=fault_of_bot)
