"""Runs one call of the simulated application: ring, answer, fetch NCCO, do its actions, report the end."""

import json
import math

import aiohttp

from sandbox.telephone.behaviour import Keys, Speech
from sandbox.telephone.handset_call import HandsetCall, HungUp, InputRequest
from sandbox.telephone.joining import bridge, ring_second
from sandbox.telephone.model import STATUS_OF, Call, CallPlan, HookUrl
from sandbox.vonage.network import VonageNetwork
from sandbox.vonage.shapes import Fields, ShapeError, check_ncco

MAX_TURNS = 200  # a call that fetches more is in a loop
RECORDED_SECONDS_PER_CHARACTER = 0.25
Ncco = list[Fields]


class CallEnded(Exception):
    """The call ends."""


class CallExecution:
    """Runs one call from its creation to its end."""

    def __init__(self, network: VonageNetwork, live: HandsetCall) -> None:
        self.network, self.live, self.call = network, live, live.call
        self._recording: Fields | None = None  # a recording that ends with the call

    async def run_outbound(self) -> None:
        """Run a call created over the API."""
        call, plan = self.call, self.call.plan
        self._report()
        call.status = "ringing"
        self._report()
        pickup = await self.live.ring(plan.timeout)
        if pickup in STATUS_OF:
            self.finish(STATUS_OF[pickup])
            return
        self._mark_answered()
        self._report()
        if self._detect() and plan.url is not None:
            await self._run(plan.url)
        self.finish("completed")

    async def run_inbound(self, hook: HookUrl) -> None:
        """Run a call from a person to the number."""
        self._mark_answered()
        await self._run(hook)
        self.finish("completed")

    def finish(self, status: str) -> None:
        """End the call and report it, unless it has ended."""
        if self.call.ended:
            return
        self.live.count_seconds(0)
        self.call.close(status, self.network.exchange.now())
        if self._recording is not None:
            self._tell_recording(self._recording, self.call.seconds, self.live.heard)
        self._report()

    def _mark_answered(self) -> None:
        self.call.status = "in-progress"
        self.call.start_at = self.network.exchange.now()
        self.live.start_clock()
        self.network.exchange.notify_change()

    def _report(self) -> None:
        self.network.report(self.call, self.call.plan.status)
        self.network.exchange.notify_change()

    def _detect(self) -> bool:
        """Tell who answered; False if a machine ends the call."""
        if not (wanted := self.call.plan.machine_detection):
            return True
        found = "human" if self.live.behaviour.answered_by == "human" else "machine"
        self.call.answered_by = found
        facts = {"call_uuid": self.call.sid, "status": found}
        self.network.report(self.call, self.call.plan.status, **facts)
        return found == "human" or wanted == "continue"

    # -- documents

    async def _run(self, hook: HookUrl) -> None:
        try:
            ncco = await self._fetch("answer", hook.url, self.network.describe(self.call)) or []
            for _ in range(MAX_TURNS):
                following = await self._do(ncco)
                if following is None:
                    return
                ncco = following
            self.network.record_violation(1, self.call, f"more than {MAX_TURNS} documents")
        except (HungUp, CallEnded):
            return

    async def _do(self, ncco: Ncco) -> Ncco | None:
        """Do the actions in order; return the document that replaces this one."""
        for action in ncco:
            match action["action"]:
                case "talk":
                    for _ in range(max(1, action.get("loop", 1))):
                        self.live.speak_to(action["text"], action.get("language", "en-US"))
                    following = None
                case "wait":
                    self.live.count_seconds(float(action.get("timeout", 10)))
                    following = None
                case "notify":
                    facts = {
                        "payload": action["payload"],
                        "conversation_uuid": self.network.conversations[self.call.sid],
                    }
                    following = await self._fetch(
                        "notify", action["eventUrl"][0], facts | {"timestamp": self.network.stamp()}
                    )
                case "input":
                    following = await self._listen(action)
                case "record":
                    await self._record(action)
                    following = None
                case _:
                    following = await self._connect(action)
            if self.call.ended:
                raise CallEnded
            if following:
                return following
        return None

    async def _fetch(self, purpose: str, url: str, fields: Fields) -> Ncco | None:
        """Request a document; None when there is none. A failure or a wrong document ends the call."""
        try:
            with self.network.exchange.in_flight.track("vonage fetch"):
                status, kind, body = await self.network.post(purpose, url, fields)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self.network.record_violation(2, self.call, f"{url}: {type(error).__name__}")
            raise CallEnded from None
        if self.call.ended:
            raise CallEnded
        if not 200 <= status < 300 or (body and kind != "application/json"):
            self.network.record_violation(3, self.call, f"{url}: {status} {kind}")
            raise CallEnded
        if not body:
            return None
        try:
            return check_ncco(json.loads(body))
        except (ValueError, ShapeError) as error:
            self.network.record_violation(4, self.call, f"syntax error in NCCO: {error}")
            raise CallEnded from None

    # -- actions

    async def _listen(self, action: Fields) -> Ncco | None:
        dtmf, speech = action.get("dtmf", {}), action.get("speech", {})
        takes = frozenset({"dtmf": "keys", "speech": "speech"}[word] for word in action["type"])
        seconds = float(dtmf.get("timeOut", 3) if "keys" in takes else speech.get("startTimeout", 10))
        finish = "#" if dtmf.get("submitOnHash") else ""
        answer = await self.live.wait_for_input(InputRequest(takes, seconds, dtmf.get("maxDigits", 4), finish))
        digits, said = None, []
        match answer:
            case Keys(pressed):
                digits = pressed
            case Speech(text, confidence):
                said = [{"text": text, "confidence": str(confidence)}]
        heard: Fields = {"results": said} if said else {"timeout_reason": "start_timeout"}
        facts = {
            "dtmf": {"digits": digits or "", "timed_out": digits is None},
            "speech": heard if "speech" in takes else {"results": []},
            **self.network.describe(self.call),
            "timestamp": self.network.stamp(),
        }
        return await self._fetch("input", action["eventUrl"][0], facts)

    async def _record(self, action: Fields) -> None:
        if not {"endOnSilence", "endOnKey", "timeOut"} & action.keys():
            self._recording = action  # it goes on beside the following actions
            return
        ask = InputRequest(frozenset({"recording", "keys"}), float(action.get("endOnSilence", 5)), 1, "")
        words = ""
        try:
            while True:
                answer = await self.live.wait_for_input(ask)
                if isinstance(answer, Keys) and answer.digits == action.get("endOnKey"):
                    break
                if isinstance(answer, Speech):
                    words += answer.text
                    self.live.count_seconds(len(answer.text) * RECORDED_SECONDS_PER_CHARACTER)
                if not isinstance(answer, Keys) and (not self.live.is_manual or not isinstance(answer, Speech)):
                    break
        finally:
            seconds = max(3, math.ceil(len(words) * RECORDED_SECONDS_PER_CHARACTER))
            self._tell_recording(action, min(seconds, action.get("timeOut", 7200)), words)

    def _tell_recording(self, action: Fields, seconds: int, words: str) -> None:
        told, network = self.network.store_recording(self.call, seconds, words), self.network

        async def tell() -> None:
            with network.exchange.in_flight.track("vonage recording"):
                try:
                    await network.post("record", action["eventUrl"][0], told)
                except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
                    return

        if "eventUrl" in action:
            network.exchange.in_flight.spawn(tell())

    async def _connect(self, action: Fields) -> Ncco | None:
        """Ring another number, play its own document to it, join both; what ends the leg may bring a new document."""
        network, [endpoint] = self.network, action["endpoint"]
        plan = CallPlan(timeout=action.get("timeout", 60))
        call = network.build_call(f"+{endpoint['number']}", f"+{action['from']}", "outbound-dial", plan, self.call.sid)
        other = network.exchange.start_leg(call)
        second, url = CallExecution(network, other), action.get("eventUrl", [""])[0]
        await self._tell_leg(url, call)
        pickup = await ring_second(self.live, other, plan.timeout, network.exchange.notify_change)
        has_hung_up = self.live.has_hung_up
        if pickup in STATUS_OF:
            second.finish(STATUS_OF[pickup])
        else:
            second._mark_answered()
            await self._tell_leg(url, call)
            if "onAnswer" in endpoint:
                await second._run(HookUrl(endpoint["onAnswer"]["url"]))
            has_hung_up = await bridge(self.live, other)
            second.finish("completed")
        network.exchange.live_calls.pop(other.sid, None)
        following = await self._tell_leg(url, call)
        if has_hung_up:
            raise HungUp
        return following

    async def _tell_leg(self, url: str, call: Call) -> Ncco | None:
        if not url:
            return None
        return await self._fetch("leg", url, self.network.build_event(call))


def start_outbound(network: VonageNetwork, call: Call) -> None:
    """Ring a telephone, in the background."""
    live = network.exchange.start_leg(call)
    network.exchange.run(live, CallExecution(network, live).run_outbound())
