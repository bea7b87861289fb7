"""Our side of what carriers and gateways call: calls and SMS, in the terms of their drivers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from backend.calls.service import Calls
from backend.domain.refusals import Refused, get_http_status
from backend.operations.alarm_calls import build_alarm_prompt
from backend.ports.availability import Unavailable
from backend.visits.texting import RequesterTexts
from notify.carrier import CallEvent, Spoken
from notify.driver import HookRefused, HostAway
from notify.message import Prompt
from notify.sms_gateway import SmsEvent

log = structlog.get_logger("phone")


@contextmanager
def _translate() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        raise HookRefused(get_http_status(refused.code)) from None
    except Unavailable:
        raise HostAway from None


@dataclass
class CallHost:
    """The calls of one carrier (`notify.carrier.VoiceHost`). `is_open`: whether this process may work (FD12)."""

    calls: Calls
    carrier: str
    address: str
    is_open: Callable[[], bool] = lambda: True

    @property
    def wait_prompt(self) -> Prompt:
        """请稍候, before the same question again."""
        return self.calls.wait_prompt

    @property
    def unavailable_prompt(self) -> Prompt:
        """What is said when nothing can be."""
        return self.calls.unavailable_prompt

    async def answer(self, attempt_id: int, step: int, event: CallEvent) -> Spoken:
        """Return what to say at a step of a call."""
        with _translate():
            return await self.calls.answer(attempt_id, step, event, self.carrier)

    async def answer_inbound(self, event: CallEvent) -> Spoken:
        """Return the first prompt of an incoming call."""
        with _translate():
            return await self.calls.answer_inbound(event, self.carrier)

    async def announce(self, attempt_id: int) -> Prompt:
        """Return what the second leg of a bridge hears first (P3)."""
        with _translate():
            return await self.calls.build_announcement(attempt_id)

    async def receive_status(self, attempt_id: int, event: CallEvent) -> None:
        """Store a status of a call."""
        with _translate():
            await self.calls.receive_status(attempt_id, event, self.carrier)

    async def report(self, event: CallEvent) -> None:
        """Store a report about a call that got its menu up front."""
        with _translate():
            await self.calls.report(event, self.carrier)

    def build_alarm(self, cause: str) -> Prompt:
        """Return what is said about an alarm, without the database."""
        tools = self.calls.dependencies
        return build_alarm_prompt(tools.texts, tools.hotline_name, cause)

    async def record_unknown(self, path: str, provider_id: str = "") -> None:
        """Record a genuine request about an unknown call (FW24)."""
        with _translate():
            await self.calls.record_unknown_callback(path, provider_id)

    def seal(self, attempt_id: int, text: str) -> str:
        """Seal text for a URL of this call (FW10)."""
        return self.calls.seal_param(attempt_id, text)

    def open_seal(self, attempt_id: int, sealed: str) -> str:
        """Open the sealed text; ValueError if it was not sealed for this call."""
        return self.calls.open_param(attempt_id, sealed)

    def log_failure(self, error: BaseException) -> None:
        """Log that a request could not be answered."""
        log.error("not_answered", kind=type(error).__name__)


@dataclass
class TextHost:
    """The SMS of the office (`notify.sms_gateway.SmsHost`)."""

    texting: RequesterTexts
    calls: Calls
    is_open: Callable[[], bool] = lambda: True

    async def receive(self, from_: str, text: str) -> None:
        """Store a reply."""
        with _translate():
            await self.texting.receive(from_, text)

    async def report(self, text_id: int, event: SmsEvent) -> None:
        """Store the status of one of ours."""
        with _translate():
            await self.texting.report(text_id, event)

    async def record_unknown(self, path: str, provider_id: str = "") -> None:
        """Record a genuine request about an unknown SMS (FW24)."""
        with _translate():
            await self.calls.record_unknown_callback(path, provider_id)

    def log_failure(self, error: BaseException) -> None:
        """Log that a request could not be answered."""
        log.error("not_answered", kind=type(error).__name__)
