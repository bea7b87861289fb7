"""Runs one call leg: ring, answer, fetch TwiML, execute it, report the end."""

from typing import TYPE_CHECKING
from urllib.parse import urljoin

from sandbox.phone.hooks import HookFailure
from sandbox.phone.live import HungUp, LiveCall
from sandbox.phone.model import STATUS_OF, Hook
from sandbox.phone.twiml import TwimlError, Verb, read
from sandbox.phone.verbs import WORK, Ended, Jump

if TYPE_CHECKING:
    from sandbox.phone.network import PhoneNetwork

MAX_DOCUMENTS = 200  # a call that fetches more is in a loop
APPLICATION_ERROR = "We are sorry, an application error has occurred. Goodbye."
DETECTION_SECONDS = 3.5
EVENT_OF_STATUS = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}


class Execution:
    """Runs one call leg from its creation to its end."""

    def __init__(self, network: "PhoneNetwork", live: LiveCall) -> None:
        self.network = network
        self.live = live
        self.call = live.call
        self.base = network.public_url
        self.method = "POST"

    async def outbound(self) -> None:
        """Run a call created over REST."""
        call, plan = self.call, self.call.plan
        self.report("initiated")
        call.status = "ringing"
        self.report("ringing")
        pickup = await self.live.ring(plan.timeout)
        if pickup in STATUS_OF:
            self.finish(STATUS_OF[pickup])
            return
        self.answered()
        self._detect()
        self.report("in-progress")
        if plan.twiml is not None:
            await self.talk(None, plan.twiml)
        elif plan.url is not None:
            await self.talk(plan.url, None)
        self.finish("completed")

    async def inbound(self, hook: Hook) -> None:
        """Run a call from a person to the office number."""
        self.call.status = "ringing"
        self.answered()
        self.call.status = "ringing"  # what Twilio reports with the first request of an incoming call
        await self.talk(hook, None)
        self.finish("completed")

    def answered(self) -> None:
        """Mark the call as answered and start its clock."""
        self.call.status = "in-progress"
        self.call.start_at = self.network.now()
        self.live.start_clock()
        self.network.changed()

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
                self.network.hooks.post_beside("amd", plan.amd_callback, params)
            self.call.answered_by = None
        else:
            self.live.spend(DETECTION_SECONDS)
            self.call.answered_by = found

    def report(self, status: str) -> None:
        """Send the status callback if the owner asked for it."""
        plan = self.call.plan
        event = EVENT_OF_STATUS.get(status, "completed")
        if plan.status is not None and event in plan.events:
            self.network.hooks.tell(self.call, plan.status, status, self.network.now())
        self.network.changed()

    def finish(self, status: str) -> None:
        """End the call and report it, unless it has ended."""
        if not self.call.ended:
            self.live.spend(0)
            self.call.close(status, self.network.now())
            self.report(status)

    async def talk(self, hook: Hook | None, document: str | None) -> None:
        """Fetch and execute documents until none follows."""
        jump = Jump(hook, {})
        try:
            for _ in range(MAX_DOCUMENTS):
                verbs = await self._document(jump, document)
                document = None
                following = await self._perform(verbs)
                if following is None:
                    return
                jump = following
            self.network.complain(12000, self.call, f"more than {MAX_DOCUMENTS} documents")
        except (HungUp, Ended):
            return

    async def _document(self, jump: Jump, document: str | None) -> list[Verb]:
        try:
            if document is not None:
                return read(document)
            return await self._fetched("voice", jump)
        except (HookFailure, TwimlError) as failure:
            self.network.complain(failure.code, self.call, failure.words)
            fallback = self.call.plan.fallback
            if fallback is None or jump.hook is None or fallback.url == jump.hook.url:
                raise self._apologise() from None
            wrong = {"ErrorCode": str(failure.code), "ErrorUrl": jump.hook.url}
            try:
                return await self._fetched("fallback", Jump(fallback, wrong))
            except (HookFailure, TwimlError) as again:
                self.network.complain(again.code, self.call, again.words)
                raise self._apologise() from None

    def _apologise(self) -> Ended:
        self.live.hear(APPLICATION_ERROR, "en-US")
        return Ended()

    async def _fetched(self, purpose: str, jump: Jump) -> list[Verb]:
        if jump.hook is None:
            return []
        params = self.network.hooks.common(self.call) | jump.params
        with self.network.traffic.moving("voice fetch"):
            mime, body = await self.network.hooks.fetch(purpose, jump.hook, params)
        self.call.status = "in-progress" if not self.call.ended else self.call.status
        if self.call.ended:
            raise Ended
        self.base, self.method = jump.hook.url, jump.hook.method
        if mime.startswith("audio/"):
            return [Verb("Play", {}, jump.hook.url)]
        if mime not in ("text/xml", "application/xml", "text/html"):
            raise HookFailure(12300, f"{jump.hook.url}: invalid content type {mime!r}")
        return read(body)

    async def _perform(self, verbs: list[Verb]) -> Jump | None:
        for verb in verbs:
            following = await WORK[verb.name](self, verb)
            if self.call.ended:
                raise Ended
            if following is not None:
                return following
        return None

    def address(self, verb: Verb, text: str | None = None) -> Hook:
        """Return the URL a verb leads to: its own, or the current document's."""
        given = verb.get("action") if text is None else text
        return Hook(urljoin(self.base, given) if given else self.base, verb.get("method", "POST"))

    def beside(self, other: LiveCall) -> "Execution":
        """Create the execution of a second leg, relative to this one's document."""
        second = Execution(self.network, other)
        second.base = self.base
        return second

    async def last_request(self, purpose: str, jump: Jump) -> None:
        """Request a document that will not be executed: the person has hung up."""
        if jump.hook is None:
            return
        params = self.network.hooks.common(self.call) | {"CallStatus": "completed"} | jump.params
        try:
            with self.network.traffic.moving("voice fetch"):
                await self.network.hooks.fetch(purpose, jump.hook, params)
        except HookFailure as failure:
            self.network.complain(failure.code, self.call, failure.words)
