"""Inline keyboards for the cards of these tests."""

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup


def build_keyboard(*labels: str, data: str = "x") -> InlineKeyboardMarkup:
    """One row of buttons; each carries `data`, a colon and its label."""
    row = [InlineKeyboardButton(text=label, callback_data=f"{data}:{label}") for label in labels]
    return InlineKeyboardMarkup(inline_keyboard=[row])
