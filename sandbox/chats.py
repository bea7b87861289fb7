"""Finds the chat network that a rehearsal simulates: the package beside this file with a `chat_rehearsal.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path


@dataclass(frozen=True)
class RehearsedChat:
    """A simulated chat network: its driver's name, and the settings the driver is given.

    `build_settings(api_url, derive_secret)`: `derive_secret` makes the same 64 hex digits of a word in every process of a
    rehearsal.
    """

    name: str
    build_settings: Callable[[str, Callable[[str], str]], dict[str, str]]


def find_chat() -> RehearsedChat:
    """Return the simulated chat network."""
    [file] = Path(__file__).parent.glob("*/chat_rehearsal.py")
    module = import_module(f"sandbox.{file.parent.name}.chat_rehearsal")
    return RehearsedChat(module.NAME, module.build_settings)
