"""Saves the simulator to disk, so that a restarted product finds the same handsets."""

import asyncio
import base64
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from sandbox.neighbours import Neighbour
from sandbox.phone.behaviour import MANUAL
from sandbox.phone.live import LiveCall
from sandbox.phone.model import Call, Recording, Sms
from sandbox.telegram.model import Account, Chat, StoredFile
from sandbox.telegram.updates import Update

if TYPE_CHECKING:
    from sandbox.town import Town

PAUSE_SECONDS = 1.0  # between a change and its being written, so that a burst is written once
PAUSES = 100  # the pause is also at least this many times as long as the last snapshot took to build


@dataclass
class Snapshot:
    """The saved state; calls in progress when it was saved count as failed after loading."""

    people: list[Neighbour] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    chats: list[Chat] = field(default_factory=list)
    files: list[tuple[StoredFile, str]] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    next_update_id: int = 500_000_001
    commands: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    messages: list[Sms] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)


SNAPSHOT = TypeAdapter(Snapshot)


class Keeper:
    """Writes the simulator's state soon after each change, and loads it at the start."""

    def __init__(self, town: "Town", path: Path) -> None:
        self.town = town
        self.path = path
        self._planned: asyncio.Task[None] | None = None
        self._cost = 0.0  # seconds

    def load(self) -> None:
        """Load the state from the file, if there is one."""
        if not self.path.exists():
            return
        kept = SNAPSHOT.validate_json(self.path.read_bytes())
        chat, phones = self.town.chat, self.town.phones
        self.town.people.update({one.phone: one for one in kept.people})
        chat.accounts.update({one.id: one for one in kept.accounts})
        chat.chats.update({one.id: one for one in kept.chats})
        chat.files.update({file.id: (file, base64.b64decode(content)) for file, content in kept.files})
        chat.updates.pending.extend(kept.updates)
        chat.updates.next_id = kept.next_update_id
        chat.commands = kept.commands
        chat.restart_ids()
        phones.messages.extend(kept.messages)
        phones.recordings.update({one.sid: one for one in kept.recordings})
        for sms in kept.messages:
            phones.phone(sms.to).sms.append(sms)
        for call in kept.calls:
            if not call.ended:
                call.close("failed", call.created_at)
            phones.calls[call.sid] = call
            holder = phones.phone(call.caller if call.direction == "inbound" else call.to)
            holder.calls.append(LiveCall(phones, call, holder, MANUAL))

    def plan(self) -> None:
        """Schedule a write, unless one is scheduled already."""
        if self._planned is None or self._planned.done():
            self._planned = asyncio.get_running_loop().create_task(self._later())

    async def close(self) -> None:
        """Write a last time."""
        if self._planned is not None:
            self._planned.cancel()
        await asyncio.to_thread(self._write, self._snapshot())

    async def _later(self) -> None:
        await asyncio.sleep(max(PAUSE_SECONDS, PAUSES * self._cost))
        begun = time.monotonic()
        document = self._snapshot()
        self._cost = time.monotonic() - begun  # a large state is written less often
        await asyncio.to_thread(self._write, document)

    def _snapshot(self) -> dict[str, Any]:
        chat, phones = self.town.chat, self.town.phones
        snapshot = Snapshot(
            people=list(self.town.people.values()),
            accounts=list(chat.accounts.values()),
            chats=list(chat.chats.values()),
            files=[(file, base64.b64encode(content).decode()) for file, content in chat.files.values()],
            updates=list(chat.updates.pending),
            next_update_id=chat.updates.next_id,
            commands=chat.commands,
            calls=list(phones.calls.values()),
            messages=list(phones.messages),
            recordings=list(phones.recordings.values()),
        )
        document: dict[str, Any] = SNAPSHOT.dump_python(snapshot, mode="json")
        return document

    def _write(self, document: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(document, ensure_ascii=False))
        os.replace(fresh, self.path)
