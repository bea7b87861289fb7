"""Runs one call leg: ring, answer, fetch TwiML, execute it, report the end."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import urljoin

from sandbox.in_flight import InFlight
from sandbox.telephone.handset_call import HandsetCall, HungUp
from sandbox.telephone.model import STATUS_OF, Call, CallPlan, HookUrl, Recording
from sandbox.twilio.twiml import TwimlError, Verb, parse
from sandbox.twilio.webhooks import HookFailure, WebhookClient

MAX_DOCUMENTS = 200  # a call that fetches more is in a loop
APPLICATION_ERROR = "We are sorry, an application error has occurred. Goodbye."
DETECTION_SECONDS = 3.5
EVENT_OF_STATUS = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}


class CallEnded(Exception):
    """The document ends the call."""


@dataclass
class Jump:
    """The next document of the call, to be requested with these parameters."""

    hook: HookUrl | None
    params: dict[str, str] = field(default_factory=dict)


class CallNetwork(Protocol):
    """What a running call needs of its network; `now` is the product's clock."""

    now: Callable[[], datetime]
    public_url: str
    sid: str
    webhooks: WebhookClient
    in_flight: InFlight
    recordings: dict[str, Recording]

    def notify_change(self) -> None:
        """Announce a visible change."""
        ...

    def record_violation(self, code: int, call: Call, message: str) -> None:
        """Record an error of the owner's webhooks or documents."""
        ...

    def create_second_leg(self, to: str, caller: str, parent_sid: str, plan: CallPlan) -> HandsetCall:
        """Create the second leg of a Dial; the first leg's execution runs it."""
        ...

    def store_recording(self, call_sid: str, seconds: int, words: str) -> str:
        """Store a recording; return its RecordingUrl."""
        ...


class CallExecution:
    """Runs one call leg from its creation to its end."""

    def __init__(self, network: CallNetwork, live: HandsetCall, handlers: "VerbHandlers") -> None:
        self.network = network
        self.handlers = handlers
        self.live = live
        self.call = live.call
        self.base = network.public_url
        self.method = "POST"

    async def run_outbound(self) -> None:
        """Run a call created over REST."""
        call, plan = self.call, self.call.plan
        self.report("initiated")
        call.status = "ringing"
        self.report("ringing")
        pickup = await self.live.ring(plan.timeout)
        if pickup in STATUS_OF:
            self.finish(STATUS_OF[pickup])
            return
        self.mark_answered()
        self._detect()
        self.report("in-progress")
        if plan.twiml is not None:
            await self.run_documents(None, plan.twiml)
        elif plan.url is not None:
            await self.run_documents(plan.url, None)
        self.finish("completed")

    async def run_inbound(self, hook: HookUrl) -> None:
        """Run a call from a person to the office number."""
        self.call.status = "ringing"
        self.mark_answered()
        self.call.status = "ringing"  # what Twilio reports with the first request of an incoming call
        await self.run_documents(hook, None)
        self.finish("completed")

    def mark_answered(self) -> None:
        """Mark the call as answered and start its clock."""
        self.call.status = "in-progress"
        self.call.start_at = self.network.now()
        self.live.start_clock()
        self.network.notify_change()

    def _detect(self) -> None:
        plan = self.call.plan
        if not plan.machine_detection:
            return
        behaviour = self.live.behaviour
        found = behaviour.answered_by
        if found == "machine_start" and plan.machine_detection == "DetectMessageEnd":
            found = "machine_end_beep"
        if plan.async_amd:
            if plan.amd_callback is not None:
                facts = {"AnsweredBy": found, "MachineDetectionDuration": str(int(DETECTION_SECONDS * 1000))}
                params = {"CallSid": self.call.sid, "AccountSid": self.network.sid, **facts}
                self.network.webhooks.post_in_background("amd", plan.amd_callback, params)
            self.call.answered_by = None
        else:
            self.live.count_seconds(DETECTION_SECONDS)
            self.call.answered_by = found

    def report(self, status: str) -> None:
        """Send the status callback if the owner asked for it."""
        plan = self.call.plan
        event = EVENT_OF_STATUS.get(status, "completed")
        if plan.status is not None and event in plan.events:
            self.network.webhooks.send_status(self.call, plan.status, status, self.network.now())
        self.network.notify_change()

    def finish(self, status: str) -> None:
        """End the call and report it, unless it has ended."""
        if not self.call.ended:
            self.live.count_seconds(0)
            self.call.close(status, self.network.now())
            self.report(status)

    async def run_documents(self, hook: HookUrl | None, document: str | None) -> None:
        """Fetch and execute documents until none follows."""
        jump = Jump(hook, {})
        try:
            for _ in range(MAX_DOCUMENTS):
                verbs = await self._load_document(jump, document)
                document = None
                following = await self._execute(verbs)
                if following is None:
                    return
                jump = following
            self.network.record_violation(12000, self.call, f"more than {MAX_DOCUMENTS} documents")
        except (HungUp, CallEnded):
            return

    async def _load_document(self, jump: Jump, document: str | None) -> list[Verb]:
        try:
            if document is not None:
                return parse(document)
            return await self._fetch("voice", jump)
        except (HookFailure, TwimlError) as failure:
            self.network.record_violation(failure.code, self.call, failure.message)
            fallback = self.call.plan.fallback
            if fallback is None or jump.hook is None or fallback.url == jump.hook.url:
                raise self._apologise() from None
            error_params = {"ErrorCode": str(failure.code), "ErrorUrl": jump.hook.url}
            try:
                return await self._fetch("fallback", Jump(fallback, error_params))
            except (HookFailure, TwimlError) as second_failure:
                self.network.record_violation(second_failure.code, self.call, second_failure.message)
                raise self._apologise() from None

    def _apologise(self) -> CallEnded:
        self.live.speak_to(APPLICATION_ERROR, "en-US")
        return CallEnded()

    async def _fetch(self, purpose: str, jump: Jump) -> list[Verb]:
        if jump.hook is None:
            return []
        params = self.network.webhooks.build_params(self.call) | jump.params
        with self.network.in_flight.track("voice fetch"):
            mime, body = await self.network.webhooks.fetch(purpose, jump.hook, params)
        self.call.status = "in-progress" if not self.call.ended else self.call.status
        if self.call.ended:
            raise CallEnded
        self.base, self.method = jump.hook.url, jump.hook.method
        if mime.startswith("audio/"):
            return [Verb("Play", {}, jump.hook.url)]
        if mime not in ("text/xml", "application/xml", "text/html"):
            raise HookFailure(12300, f"{jump.hook.url}: invalid content type {mime!r}")
        return parse(body)

    async def _execute(self, verbs: list[Verb]) -> Jump | None:
        for verb in verbs:
            following = await self.handlers[verb.name](self, verb)
            if self.call.ended:
                raise CallEnded
            if following is not None:
                return following
        return None

    def resolve_url(self, verb: Verb, text: str | None = None) -> HookUrl:
        """Return the URL a verb leads to: its own, or the current document's."""
        given = verb.get("action") if text is None else text
        return HookUrl(urljoin(self.base, given) if given else self.base, verb.get("method", "POST"))

    def create_second_leg(self, other: HandsetCall) -> "CallExecution":
        """Create the execution of a second leg, relative to this one's document."""
        second = CallExecution(self.network, other, self.handlers)
        second.base = self.base
        return second

    async def send_last_request(self, purpose: str, jump: Jump) -> None:
        """Request a document that will not be executed: the person has hung up."""
        if jump.hook is None:
            return
        params = self.network.webhooks.build_params(self.call) | {"CallStatus": "completed"} | jump.params
        try:
            with self.network.in_flight.track("voice fetch"):
                await self.network.webhooks.fetch(purpose, jump.hook, params)
        except HookFailure as failure:
            self.network.record_violation(failure.code, self.call, failure.message)


VerbHandlers = Mapping[str, Callable[[CallExecution, Verb], Awaitable[Jump | None]]]
