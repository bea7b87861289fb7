"""Maps Bot API failures to DeliveryError: a table of its error texts, and its exceptions (FT17-FT25)."""

import aiohttp
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)

from notify.channel import DeliveryError, FailureKind
from notify.plain_text import redact


class UnreadableResponse(ClientDecodeError):
    """A response that is not Bot API JSON (a proxy's HTML page, empty, half an object), with its HTTP status."""

    def __init__(self, status: int, cause: ClientDecodeError) -> None:
        super().__init__(cause.message, cause.original, None)
        self.status = status


#: exceptions with one meaning; a 404 of the Bot API is an unknown token
EXACT_ERRORS: tuple[tuple[type[Exception], FailureKind, str], ...] = (
    (TelegramEntityTooLarge, "permanent", "too_large"),
    (TelegramUnauthorizedError, "permanent", "auth"),
    (TelegramNotFound, "permanent", "auth"),
    (TelegramConflictError, "transient", "409"),
    (TelegramServerError, "transient", "5xx"),
)

#: text in the description of a 400 or 403, in the order checked → kind of failure, our code
ERROR_TEXTS: tuple[tuple[str, FailureKind, str], ...] = (
    ("blocked by the user", "dead_address", "blocked"),
    ("user is deactivated", "dead_address", "deactivated"),
    ("can't initiate conversation", "dead_address", "cannot_initiate"),
    ("can't send messages to bots", "dead_address", "is_a_bot"),
    ("kicked", "dead_address", "kicked"),
    ("not a member", "dead_address", "kicked"),
    ("chat not found", "dead_address", "chat_not_found"),
    ("user not found", "dead_address", "chat_not_found"),
    ("peer_id_invalid", "dead_address", "chat_not_found"),
    ("group chat was deleted", "dead_address", "chat_deleted"),
    ("upgraded to a supergroup", "dead_address", "migrated"),
    ("not enough rights", "dead_address", "no_rights"),
    ("have no rights", "dead_address", "no_rights"),
    ("chat_write_forbidden", "dead_address", "no_rights"),
    ("message is not modified", "permanent", "not_modified"),
    ("to edit not found", "permanent", "edit_gone"),
    ("can't be edited", "permanent", "edit_gone"),
    ("message_id_invalid", "permanent", "edit_gone"),
    ("no text in the message to edit", "permanent", "edit_has_caption"),
    ("message is too long", "permanent", "too_long"),
    ("caption is too long", "permanent", "too_long"),
    ("file is too big", "permanent", "too_large"),
    ("query is too old", "permanent", "query_too_old"),
    ("query id is invalid", "permanent", "query_too_old"),
)


def to_delivery_error(error: BaseException, *, connected: bool, token: str = "") -> DeliveryError:
    """Return the DeliveryError for an exception of aiogram or aiohttp.

    `connected`: the request had a connection, so a time-out or a broken connection is ambiguous (FT24).
    An error reported by the Bot API itself is certain; a proxy's 502 or half a response is not (FT23).
    """
    words = redact(error, token)
    if isinstance(error, DeliveryError):
        return error
    for kinds, kind, code in EXACT_ERRORS:
        if isinstance(error, kinds):
            return DeliveryError(kind, code, words)
    match error:
        case TelegramRetryAfter():
            return DeliveryError("throttled", "429", words, retry_after=float(error.retry_after))
        case TelegramMigrateToChat():
            return DeliveryError("dead_address", "migrated", words, new_address=str(error.migrate_to_chat_id))
        case UnreadableResponse():
            refused = error.status == 503 or 400 <= error.status < 500
            return DeliveryError("transient" if refused else "ambiguous", f"http_{error.status}", "unreadable answer")
        case ClientDecodeError():
            return DeliveryError("ambiguous", "unreadable", "unreadable answer")
        case TelegramBadRequest() | TelegramForbiddenError():
            return _match_text(error, words)
        case aiohttp.ClientResponseError() if 400 <= error.status < 500:
            return DeliveryError("permanent", "no_file", f"http {error.status}")
        case TelegramNetworkError() | aiohttp.ClientError() | TimeoutError() | OSError():
            return DeliveryError("ambiguous" if connected else "transient", "network", words)
        case TelegramAPIError():
            return DeliveryError("permanent", "refused", words)
        case _:
            # not the network: a card that cannot be encoded fails however often it is sent
            return DeliveryError("permanent", "unsendable", f"{type(error).__name__}: {words}")


def _match_text(error: TelegramAPIError, words: str) -> DeliveryError:
    said = error.message.lower()
    for part, kind, code in ERROR_TEXTS:
        if part in said:
            return DeliveryError(kind, code, words)
    if isinstance(error, TelegramForbiddenError):
        return DeliveryError("dead_address", "forbidden", words)
    return DeliveryError("permanent", "bad_request", words)
