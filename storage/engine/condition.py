"""The condition of a database as this process knows it: damaged and therefore only read, or on a full disk (XR4, FD5).

The mark of damage lies outside the database, in a file: it can be written when the database cannot, it survives a
restart, and every process that shares its folder sees it before its next write.
"""

import json
import os
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile

from backend.ports.operations import Damage

MARK = "read_only.json"  # in the folder of marks


class Condition:
    """`StorageCondition` of one database. `state`: the folder of marks; None keeps the mark in memory."""

    def __init__(self, state: Path | None = None) -> None:
        self.is_full = False
        self.is_suspect = False
        self._mark = None if state is None else state / MARK
        self._known: Damage | None = None  # as far as there is no mark: it could not be written, or others told
        self._read: tuple[int, Damage] | None = None  # the mark as it was read last, and when it was written

    @property
    def damage(self) -> Damage | None:
        """The damage for which nothing may be written until a whole check finds none."""
        if self._mark is None:
            return self._known
        try:
            written = os.stat(self._mark).st_mtime_ns
        except OSError:
            return self._known
        if self._read is None or self._read[0] != written:
            self._read = written, _read_mark(self._mark)
        return self._read[1]

    def report(self, damage: Damage) -> None:
        """Mark the database as damaged, for all processes that share the folder; the first damage stays.

        A mark that cannot be written holds for this process, and is tried again with the next report.
        """
        known = self.damage
        if known is None or (damage.number and not known.number):
            self._known = damage
        if self._known is None or self._mark is None:
            return
        try:
            self._mark.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with NamedTemporaryFile("w", encoding="utf-8", dir=self._mark.parent, delete=False) as written:
                json.dump(asdict(self._known), written)
            Path(written.name).replace(self._mark)
        except OSError:
            return
        self._known = None

    def lift(self) -> None:
        """Forget the damage and remove its mark. Raises OSError if it cannot be removed."""
        if self._mark is not None:
            self._mark.unlink(missing_ok=True)
        self._known = None


def _read_mark(path: Path) -> Damage:
    """Read a mark; one that nobody can read says all the same that there is damage."""
    try:
        return Damage(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return Damage("unknown")
