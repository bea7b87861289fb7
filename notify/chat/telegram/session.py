"""The bot's HTTP session: our own time limit, any Bot API server, errors that keep their HTTP status."""

from typing import Any

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import ClientDecodeError, TelegramAPIError, TelegramRetryAfter
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import LinkPreviewOptions
from aiohttp import ClientSession

from notify.attempt import build_trace_config
from notify.chat.telegram.errors import UnreadableResponse
from notify.outgoing import Outgoing

#: seconds one request may take in all (FT25); long polling adds its own wait
REQUEST_SECONDS = 15


class BotSession(AiohttpSession):
    """aiogram's session, traced (`notify.attempt`), with precise errors, to permitted addresses only."""

    def __init__(self, outgoing: Outgoing, **options: Any) -> None:
        super().__init__(**options)
        self._connector_init["socket_factory"] = outgoing.socket_factory

    async def create_session(self) -> ClientSession:
        if self._should_reset_connector:
            await self.close()
        if self._session is None or self._session.closed:
            self._session = ClientSession(
                connector=self._connector_type(**self._connector_init), trace_configs=[build_trace_config()]
            )
            self._should_reset_connector = False
        return self._session

    async def close(self) -> None:
        """Close the connections if there are any; aiogram waits for TLS, which a plain server does not need."""
        if self._session is not None and not self._session.closed and self.api.base.startswith("http://"):
            await self._session.close()
            return
        await super().close()

    def check_response(
        self, bot: Bot, method: TelegramMethod[TelegramType], status_code: int, content: str
    ) -> Response[TelegramType]:
        try:
            return super().check_response(bot, method, status_code, content)
        except ClientDecodeError as error:
            raise UnreadableResponse(status_code, error) from error
        except TelegramRetryAfter:
            raise
        except TelegramAPIError as error:
            # aiogram raises a generic error for a 429 without a usable retry_after
            if status_code == 429:
                raise TelegramRetryAfter(method, error.message or "", 1) from error
            raise


def make_bot(
    token: str, api_url: str | None = None, *, request_seconds: float = REQUEST_SECONDS, allow: str = ""
) -> Bot:
    """Build a bot that sends plain text without link previews (FT27).

    `api_url` is the base of a Bot API server, None or "" the official one; `request_seconds` limits one request;
    `allow` names private addresses (`notify.outgoing`).
    Needs no running loop; close it with `await bot.session.close()`.
    """
    options: dict[str, Any] = {"timeout": request_seconds}
    if api_url:
        options["api"] = TelegramAPIServer.from_base(api_url)
    return Bot(
        token,
        session=BotSession(Outgoing(api_url or "", allow), **options),
        # aiogram's shorthand `link_preview_is_disabled` would also send the retired disable_web_page_preview (XR9)
        default=DefaultBotProperties(parse_mode=None, link_preview=LinkPreviewOptions(is_disabled=True)),
    )
