"""What administrators were told: one row per cause and subject."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, text, update

from backend.domain.instants import from_micros, to_micros
from backend.ports.operations import SentAlarm, ToldAlarm
from storage import tables as t
from storage.engine.database import Database
from storage.engine.mapping import decode_instant, encode

_NEW = text(
    "INSERT INTO alarms (cause, subject, since, told_at, called_at, healed_at, facts, messages)"
    " VALUES (:cause, :subject, :since, :told_at, :called_at, :healed_at, :facts, :messages)"
    " ON CONFLICT (cause, subject) DO NOTHING"
)
K = t.alarms.c
_LIST = select(t.alarms)
_FIND = _LIST.where(K.cause == bindparam("cause"), K.subject == bindparam("subject"))
_LOCK = _FIND.with_for_update()
_UPDATE = update(t.alarms).where(K.cause == bindparam("b_cause"), K.subject == bindparam("b_subject"))
_HEAL = _UPDATE.where(K.healed_at.is_(None)).values(healed_at=bindparam("b_now"))


class SqlAlarmBook:
    """`AlarmBook` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def list_told(self) -> Sequence[ToldAlarm]:
        return await self._db.fetch_all(_LIST, _to_alarm)

    async def claim(self, alarm: ToldAlarm, before: datetime, *, again: bool) -> ToldAlarm | None:
        def work(c: Connection) -> ToldAlarm | None:
            if c.execute(_NEW, _to_row(alarm)).rowcount == 1:
                return None
            stored = _to_alarm(c.execute(_LOCK, {"cause": alarm.cause, "subject": alarm.subject}).one())
            stands = stored.healed_at is None and stored.has_reached and not again
            if stands or stored.told_at > before:
                if stored.healed_at is not None:
                    stored = replace(stored, healed_at=None, since=alarm.since, facts=alarm.facts)
                    _update(c, stored)
                return stored
            _update(c, alarm)
            return None

        return await self._db.write(work)

    async def save(self, alarm: ToldAlarm) -> None:
        await self._db.write(lambda c: _update(c, alarm))

    async def heal(self, cause: str, subject: str, now: datetime) -> ToldAlarm | None:
        healed = {"b_cause": cause, "b_subject": subject, "b_now": to_micros(now)}

        def work(c: Connection) -> ToldAlarm | None:
            if c.execute(_HEAL, healed).rowcount != 1:
                return None
            return _to_alarm(c.execute(_FIND, {"cause": cause, "subject": subject}).one())

        return await self._db.write(work)


def _update(c: Connection, alarm: ToldAlarm) -> None:
    c.execute(_UPDATE, {"b_cause": alarm.cause, "b_subject": alarm.subject, **_to_row(alarm)})


def _to_row(alarm: ToldAlarm) -> dict[str, Any]:
    instants = {
        name: None if (at := getattr(alarm, name)) is None else to_micros(at)
        for name in ("since", "told_at", "called_at", "healed_at")
    }
    messages = [[one.channel, one.address, one.message_id] for one in alarm.messages]
    return {
        "cause": alarm.cause, "subject": alarm.subject, **instants, "facts": encode(alarm.facts),
        "messages": json.dumps(messages),
    }  # fmt: skip


def _to_alarm(row: Any) -> ToldAlarm:
    return ToldAlarm(
        row.cause, row.subject, from_micros(row.since), from_micros(row.told_at), json.loads(row.facts),
        tuple(SentAlarm(*one) for one in json.loads(row.messages)), decode_instant(row.called_at),
        decode_instant(row.healed_at),
    )  # fmt: skip
