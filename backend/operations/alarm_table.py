"""The alarm table: of which causes administrators are told, after how long, and by what (operations §8, FS6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

_AT_ONCE = timedelta()
_MINUTE = timedelta(minutes=1)
TOLD_AGAIN = timedelta(minutes=10)  # a cause that returns sooner changes the message that is there


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """Administrators are told by chat `after` the cause began, and by telephone after `call` (None: never).

    `auditors` are told too. While it stands it is told again each `repeat`. A `moment` never stands: it has happened.
    """

    after: timedelta = _AT_ONCE
    call: timedelta | None = None
    auditors: bool = False
    repeat: timedelta | None = None
    moment: bool = False


#: cause → rule; its sentences are `alarm.title.CAUSE` and `alarm.what.CAUSE`.
ALARMS: Mapping[str, AlarmRule] = {
    "urgent_waiting": AlarmRule(2 * _MINUTE, call=2 * _MINUTE),
    "role_missing": AlarmRule(call=_AT_ONCE),  # its silence has been waited for (`Rhythm`)
    "worker_stuck": AlarmRule(call=_AT_ONCE),
    "database_away": AlarmRule(_MINUTE, call=_MINUTE),
    "version_gate": AlarmRule(10 * _MINUTE),
    "hooks_failing": AlarmRule(5 * _MINUTE, moment=True),  # told while it goes on
    "message_waiting": AlarmRule(10 * _MINUTE, call=30 * _MINUTE),
    "work_left": AlarmRule(call=30 * _MINUTE),
    "inbox_waiting": AlarmRule(5 * _MINUTE, call=30 * _MINUTE),
    "message_dead": AlarmRule(moment=True),
    "carrier_failing": AlarmRule(moment=True),
    "budget_used_up": AlarmRule(moment=True),
    "bot_refused": AlarmRule(moment=True),
    "scanner_away": AlarmRule(moment=True),
    "platform_refused": AlarmRule(moment=True),  # each ticket and reason once, many in one message
    "clock_back": AlarmRule(),
    "clock_skew": AlarmRule(),
    "backup_old": AlarmRule(),
    "backup_unreadable": AlarmRule(),
    "chain_broken": AlarmRule(call=_AT_ONCE, auditors=True),
    "held": AlarmRule(call=_AT_ONCE, auditors=True),
    "read_only": AlarmRule(call=_AT_ONCE, auditors=True),
    "disk_full": AlarmRule(call=_AT_ONCE),
    "disk_nearly_full": AlarmRule(call=_AT_ONCE),
    "disk_low": AlarmRule(),
    "bulk_reading": AlarmRule(call=_AT_ONCE, auditors=True, moment=True),
    "calendar_short": AlarmRule(repeat=timedelta(days=1)),
    "certificate_ends": AlarmRule(repeat=timedelta(days=1)),
}
