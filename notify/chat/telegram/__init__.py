"""Telegram as a chat network: the channel, its session and its errors, on aiogram."""

from notify.chat.telegram import models

models.load_aiogram()  # before anything here imports it

from notify.chat.telegram.channel import (  # noqa: E402
    NAME,
    NEEDS,
    TelegramChannel,
    build,
    fit_toast,
    make_bot,
    to_delivery_error,
)

__all__ = ["NAME", "NEEDS", "TelegramChannel", "build", "fit_toast", "make_bot", "to_delivery_error"]
