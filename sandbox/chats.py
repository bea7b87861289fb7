"""Finds the chat network that a rehearsal simulates: the package beside this file with a `chat_rehearsal.py`.

Its `NAME` is the driver's, its `build({})` returns `RehearsedChat`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RehearsedChat:
    """A simulated chat network: the settings its driver is given.

    `build_settings(api_url, derive_secret)`: `derive_secret` makes the same 64 hex digits of a word in every process of a
    rehearsal.
    """

    build_settings: Callable[[str, Callable[[str], str]], dict[str, str]]


def find_chat() -> str:
    """Return the driver's name of the simulated chat network."""
    [file] = Path(__file__).parent.glob("*/chat_rehearsal.py")
    return file.parent.name
