"""Store and serve uploaded files: judged as a whole, scanned, visible to their own unit and the office."""

import asyncio
import hashlib
import unicodedata
from collections.abc import Collection

from backend.domain.acts import Actor
from backend.domain.chance import Chance
from backend.domain.file_structure import read_file
from backend.domain.refusals import Refused
from backend.office.clock import Clock
from backend.ports.tickets import FileStore, StoredFile
from backend.tickets.screening import Screening

MAX_BYTES = 20 * 1024 * 1024  # bytes (contract §5)
MAX_NAME_LENGTH = 120  # characters
MAX_ENDING = 5  # characters
ENDINGS = {"pdf": (".pdf",), "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"), "png": (".png",)}
MIME = {"pdf": "application/pdf", "jpeg": "image/jpeg", "png": "image/png"}


def to_safe_name(name: str, kind: str) -> str:
    """Return a safe display name: the last part, without control and direction characters; never a path (FF13).

    It ends as its kind does: nobody is given a `report.exe` that is a picture.
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    plain = "".join(c for c in last if unicodedata.category(c)[0] != "C" and c not in '"<>|:*?').strip(" .")
    if not _ends_as(plain, kind):
        stem, _, ending = plain.rpartition(".")
        is_ending = ending.isascii() and ending.isalnum() and not ending.isdigit() and len(ending) <= MAX_ENDING
        plain = stem.strip(" .") if stem and is_ending else plain
    if _ends_as(plain, kind):
        return plain[-MAX_NAME_LENGTH:]
    return f"{plain[-(MAX_NAME_LENGTH - len(kind) - 1) :] or 'file'}.{kind}"


def _ends_as(name: str, kind: str) -> bool:
    return name.lower().endswith(ENDINGS[kind])


class TicketFiles:
    """Stores and serves files for every source."""

    def __init__(self, store: FileStore, clock: Clock, chance: Chance, screening: Screening) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self._screening = screening

    async def store(self, name: str, content: bytes, by: Actor) -> StoredFile:
        """Store a file, without what a camera appended to it (XS13).

        Refused `too_large` (over 20 MB), `file_type` (not PDF, JPEG or PNG by content), `file_broken`, `file_disguised`,
        `file_active`, `file_bomb`, `file_infected`, `scanner_away`.
        """
        if len(content) > MAX_BYTES:
            raise Refused("too_large")
        kind, kept = await asyncio.to_thread(read_file, content)
        await self._screening.check(content, by)
        content = kept
        file = StoredFile(
            self._chance.token(12), to_safe_name(name, kind), kind, len(content),
            hashlib.sha256(content).hexdigest(), by.code, by.unit, self._clock.now(),
        )  # fmt: skip
        await self._store.store(file, content)
        return file

    async def open(self, file_id: str, by: Actor) -> tuple[StoredFile, bytes]:
        """Return a file with its content. Refused `not_found` if there is none, or it is another unit's."""
        file = (await self._store.find_files([file_id])).get(file_id)
        if file is None or not by.may_see(file.unit):
            raise Refused("not_found", file=file_id)
        return file, await self._store.load_content(file_id) or b""

    async def open_on_ticket(self, file_id: str, visible: Collection[str]) -> tuple[StoredFile, bytes]:
        """Return a file with its content, if it is among those visible to them on a ticket. Refused `not_found`."""
        paper = (await self._store.find_files([file_id])).get(file_id) if file_id in visible else None
        if paper is None:
            raise Refused("not_found", file=file_id)
        return paper, await self._store.load_content(file_id) or b""

    async def are_usable(self, ids: Collection[str], by: Actor) -> bool:
        """Whether all these files exist and `by` may use them."""
        known = await self._store.find_files(ids)
        return all(i in known and by.may_see(known[i].unit) for i in ids)
