"""Saves the networks to disk, so that a restarted product finds the same handsets."""

import asyncio
import base64
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from sandbox.networks import SimulatedNetworks
from sandbox.people import SimulatedPerson
from sandbox.telegram.model import Account, Chat, StoredFile
from sandbox.telegram.updates import Update
from sandbox.telephone.behaviour import MANUAL
from sandbox.telephone.model import Call, Recording, Sms

PAUSE_SECONDS = 1.0  # between a change and its being written, so that a burst is written once
COST_FACTOR = 100  # the pause is also at least this many times as long as the last snapshot took to build


@dataclass
class SimulatorState:
    """The saved state; calls in progress when it was saved count as failed after loading."""

    people: list[SimulatedPerson] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    chats: list[Chat] = field(default_factory=list)
    files: list[tuple[StoredFile, str]] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    next_update_id: int = 500_000_001
    commands: list[dict[str, object]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    messages: list[Sms] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)


STATE_ADAPTER = TypeAdapter(SimulatorState)


class StateFile:
    """Writes the simulator's state soon after each change, and loads it at the start."""

    def __init__(self, networks: SimulatedNetworks, path: Path) -> None:
        self.networks = networks
        self.path = path
        self._pending_write: asyncio.Task[None] | None = None
        self._cost = 0.0  # seconds

    def load(self) -> None:
        """Load the state from the file, if there is one."""
        if not self.path.exists():
            return
        state = STATE_ADAPTER.validate_json(self.path.read_bytes())
        chat, phones = self.networks.chat, self.networks.phones
        self.networks.people.update({one.phone: one for one in state.people})
        chat.accounts.update({one.id: one for one in state.accounts})
        chat.chats.update({one.id: one for one in state.chats})
        chat.files.update({file.id: (file, base64.b64decode(content)) for file, content in state.files})
        chat.updates.pending.extend(state.updates)
        chat.updates.next_id = state.next_update_id
        chat.commands = state.commands
        chat.continue_ids()
        phones.messages.extend(state.messages)
        phones.recordings.update({one.sid: one for one in state.recordings})
        for sms in state.messages:
            phones.get_phone(sms.to).sms.append(sms)
        for call in state.calls:
            if not call.ended:
                call.close("failed", call.created_at)
            holder = phones.get_phone(call.caller if call.direction == "inbound" else call.to)
            phones.add_call(holder, call, MANUAL)

    def schedule_write(self) -> None:
        """Schedule a write, unless one is scheduled already."""
        if self._pending_write is None or self._pending_write.done():
            self._pending_write = asyncio.get_running_loop().create_task(self._write_later())

    async def close(self) -> None:
        """Write a last time."""
        if self._pending_write is not None:
            self._pending_write.cancel()
        await asyncio.to_thread(self._write, self._build_document())

    async def _write_later(self) -> None:
        await asyncio.sleep(max(PAUSE_SECONDS, COST_FACTOR * self._cost))
        begun = self.networks.monotonic()
        document = self._build_document()
        self._cost = self.networks.monotonic() - begun  # a large state is written less often
        await asyncio.to_thread(self._write, document)

    def _build_document(self) -> dict[str, Any]:
        chat, phones = self.networks.chat, self.networks.phones
        snapshot = SimulatorState(
            people=list(self.networks.people.values()),
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
        document: dict[str, object] = STATE_ADAPTER.dump_python(snapshot, mode="json")
        return document

    def _write(self, document: dict[str, object]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps(document, ensure_ascii=False))
        os.replace(temporary, self.path)
