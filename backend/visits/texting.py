"""Text requesters whom no call reached (S6): where the line can, they answer by a text or on a page (XM30)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from backend.delivery.gateways import SmsGateways
from backend.domain import retry, speech_parser
from backend.domain.acts import Snapshot
from backend.domain.chance import Chance
from backend.domain.masking import cut, mask
from backend.domain.rating_page import SETTLE_BEFORE, find_deadline, get_round
from backend.domain.refusals import Refused
from backend.domain.spoken_time import format_time
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Answer, Source, State
from backend.domain.told_requester import split_told
from backend.domain.visit_outcome import AutoVisit, decide_after_auto
from backend.office.cache import OfficeCache
from backend.office.phone_numbers import mask_number, to_callable_number
from backend.ports.calls import CallStore
from backend.ports.integrity import AuditStore
from backend.ports.tickets import TicketRef
from backend.ports.visits import BY_TEXT, RequesterText, RequesterTextStore, VisitStore
from backend.tickets.service import TicketService
from backend.visits.automatic import is_sampled
from backend.visits.rating_pages import TOKEN_CHARS, RatingPages
from backend.visits.requester_news import is_still_news
from backend.visits.results import record_result
from notify.channel import DeliveryError
from notify.rate_limit import RateLimiter
from notify.sms_gateway import SmsEvent, SmsGateway, SmsRules

log = structlog.get_logger("sms")
UNREACHED, EXTENDED = "sms_unreached", "sms_extended"
BATCH_SIZE = 64
ANSWER_TIMEOUT = timedelta(days=1)  # how long to wait for an answer before the visit counts as unreached
LEASE = timedelta(minutes=2)
MAX_CHARS = 70  # one message on mainland networks
TAIL_CHARS = 4  # of a ticket's number, where there is no room for all of it
MAX_PAGE_CHARS = 134  # two: an address alone takes most of one
MAX_REASON = 20  # characters of a reason somebody wrote (texts 7.5)


@dataclass
class RequesterTexts:
    """Sends texts to requesters and handles their answers. `public_url` has no trailing slash."""

    store: RequesterTextStore
    phone_numbers: CallStore
    do_not_call: VisitStore
    tickets: TicketService
    office: OfficeCache
    texts: Texts
    audit: AuditStore
    rate_limiter: RateLimiter
    gateways: SmsGateways
    chance: Chance
    pages: RatingPages
    public_url: str
    hotline: str
    hotline_name: str

    def _choose(self, number: str) -> SmsGateway:
        """The SMS gateway for a number. Refused `no_carrier` without one: nothing is offered then, and no worker runs."""
        gateway = self.gateways.choose(number)
        if gateway is None:
            raise Refused("no_carrier")
        return gateway

    async def offer(self, ticket_id: int, round_: int) -> bool:
        """Queue a text that a call did not reach the requester; True if they may answer it and the visit waits.

        Nothing is sent to numbers on the do-not-call list, nor if `visit.unreached_text` is off. The address of a page
        goes with it (`visit.rating_page`) where the line takes links and while the visit can still wait; once the visit
        is settled the text asks for nothing.
        """
        snapshot = await self.office.snapshot()
        if not self.gateways or not snapshot.settings.flag("visit.unreached_text"):
            return False
        number = to_callable_number(await self.phone_numbers.get_requester_phone(ticket_id), snapshot)
        if number is None:
            return False
        if await self.phone_numbers.is_do_not_call(number):
            return False
        rules, masked_number = self._choose(number).can.find_rules(number), mask_number(number, snapshot)
        now = self.office.clock.now()
        asked = await self._load_asked(ticket_id, round_)
        two_way = rules.two_way and asked is not None
        page = rules.links and snapshot.settings.flag("visit.rating_page")
        page = page and self._can_wait(asked, now) and self._fits(rules)
        opened = await self.store.enqueue(ticket_id, UNREACHED, round_, number, masked_number, two_way, now, page=page)
        return (two_way or page) and opened

    @staticmethod
    def _can_wait(snap: Snapshot | None, now: datetime) -> bool:
        due = find_deadline(snap) if snap else None
        return due is not None and now < due - SETTLE_BEFORE

    def _fits(self, rules: SmsRules) -> bool:
        """Whether a text with an address of ours is short enough: an address is never cut."""
        address = self.pages.build_address("x" * TOKEN_CHARS)
        text_body = self._render_page_text("x" * TAIL_CHARS, address, two_way=rules.two_way)
        return len(text_body) <= (rules.max_chars if rules.two_way else min(rules.max_chars, MAX_PAGE_CHARS))

    async def run_once(self) -> int:
        """Send due texts and settle visits whose answer did not come; return how many were handled."""
        now = self.office.clock.now()
        handled, is_limited = 0, False
        quiet = (await self.office.snapshot()).settings.periods("caller_text.quiet")
        for text in await self.store.list_due(now, BATCH_SIZE):
            if text.state == "pending" and quiet.contains(now):
                await self.store.settle(text.id, "pending", now, next_at=quiet.next_outside(now))  # XM12
                handled += 1
                continue
            if text.state == "pending":
                if not is_limited:  # all share one rate limit: if one must wait, so must those after it
                    sent = await self._send(text, now)
                    is_limited = sent is None
                    handled += bool(sent)
                continue
            handled += 1
            if text.state == "sending":  # the process that claimed it is gone, so it may or may not have been sent
                await self._finish(text, "ambiguous", now)
            else:
                await self._finish(text, text.state, now)
        return handled

    async def _send(self, text: RequesterText, now: datetime) -> bool | None:
        """Send one; None if the rate limit says wait, False if another process claimed it."""
        snapshot = await self.office.snapshot()
        number = to_callable_number(await self.phone_numbers.get_requester_phone(text.ticket_id), snapshot)
        if number is None:
            await self._finish(text, "failed", now, error="not_callable")
            return True
        snap = await self._load_asked(text.ticket_id, text.round) if text.is_question else None
        is_void = snap is None if text.is_question else not await self._is_still_news(text)
        if is_void or await self._holds_page(text):  # overtaken while it waited
            await self.store.settle(text.id, "failed", now, error="overtaken")
            return True
        gateway = self._choose(number)
        if await self.rate_limiter.try_acquire(gateway.buckets()):
            return None
        if not await self.store.claim(text.id, now, now + LEASE):
            return False
        page = None
        if snap and text.page and self._can_wait(snap, now):
            page = await self.pages.issue(snap, BY_TEXT)
        try:
            receipt = await gateway.send(
                number,
                await self.render(text, page.address if page else ""),
                status_url=f"{self.public_url}/hooks/{gateway.name}/sms/status/{text.id}",
            )
        except DeliveryError as error:
            await self._handle_failure(text, error, now)
            return True
        awaited = page.until if page else now + ANSWER_TIMEOUT if text.two_way else None
        if text.is_question and awaited is None:  # it waited so long that no page could be opened any more
            await self._record_unreached(text)
        await self.store.settle(
            text.id, "sent", now, next_at=awaited, provider_id=receipt.provider_id, cost=receipt.cost
        )
        return True

    async def _holds_page(self, text: RequesterText) -> bool:
        """Whether its requester was handed a page meanwhile: nobody is told then that they were not reached (XM30)."""
        return text.kind == UNREACHED and await self.pages.is_handed_over(text.ticket_id, text.round)

    async def _is_still_news(self, text: RequesterText) -> bool:
        snap = await self.tickets.moves.load(TicketRef(ticket_id=text.ticket_id))
        return is_still_news(text, snap, await self.store.list_by_ticket(text.ticket_id))

    async def render(self, text: RequesterText, address: str = "") -> str:
        """Render the text: nothing of the demand, at most 70 characters on the mainland; `address`: of a page."""
        if address:
            return self._render_page_text(text.ticket_no, address, two_way=text.two_way)
        key = "visit_text.unreached_two_way" if text.two_way else f"sms.{text.kind}"
        facts: dict[str, Any] = {"sign": self.hotline_name, "hotline": self.hotline}
        if text.kind == EXTENDED:
            facts |= await self._extension_facts(text.ticket_id)
        text_body = self.texts.render(key, ticket_no=text.ticket_no, **facts)
        if text.two_way or len(text_body) <= MAX_CHARS:
            return text_body
        text_body = self.texts.render(key, ticket_no=text.ticket_no[-TAIL_CHARS:], **facts)
        if (over := len(text_body) - MAX_CHARS) > 0 and "reason_short" in facts:
            facts["reason_short"] = cut(facts["reason_short"], max(1, len(facts["reason_short"]) - over))
            text_body = self.texts.render(key, ticket_no=text.ticket_no[-TAIL_CHARS:], **facts)
        return text_body[:MAX_CHARS]

    def _render_page_text(self, ticket_no: str, address: str, *, two_way: bool) -> str:
        key = "visit_text.unreached_page_two_way" if two_way else "visit_text.unreached_page"
        return self.texts.render(
            key, sign=self.hotline_name, hotline=self.hotline, ticket_no=ticket_no[-TAIL_CHARS:], address=address
        )

    async def _extension_facts(self, ticket_id: int) -> dict[str, Any]:
        """Return the new due time and the reason."""
        snap = await self.tickets.moves.load(TicketRef(ticket_id=ticket_id))
        lead = snap.lead if snap else None
        now = self.office.clock.now()
        due = lead.close_due_at if lead else now
        language = "zh" if self.texts.language.startswith("zh") else "en"
        shown = format_time(due, now, language, self.office.clock.zone)
        return {"reason_short": await self._find_reason(snap), "new_due": shown}

    async def _find_reason(self, snap: Snapshot | None) -> str:
        """Return why the limit was extended: the words chosen from the list, else what was approved, masked and short
        (XM12); of a confidential ticket nothing that somebody wrote."""
        granted = [r for r in snap.requests if r.kind == "extension" and r.decision == "accepted"] if snap else []
        facts = granted[-1].facts if granted else {}
        chosen, written = str(facts.get("reason_class") or ""), split_told(str(facts.get("reason") or ""))[0]
        if chosen or not written or snap is None or "confidential" in snap.ticket.flags:
            return self.texts.get_word("delay", chosen or "complex")
        shape = (await self.office.snapshot()).settings.text("privacy.phone_mask")
        masked = mask(written, phone_mask=shape, strict=True)
        reason = " ".join(masked.split()).rstrip("。.；; ")
        for word in self.texts.render("visit_text.because").split():  # the sentence itself says 因
            reason = reason.removeprefix(word)
        return cut(reason.strip(), MAX_REASON)

    async def _handle_failure(self, text: RequesterText, error: DeliveryError, now: datetime) -> None:
        """Handle a failed send: retry only if it certainly did not leave; an uncertain one is never sent twice."""
        after = timedelta(seconds=error.retry_after) if error.retry_after is not None else None
        step = retry.decide_after_delivery(error.kind, text.attempts + 1, self.chance.fraction(), after)
        log.warning("sms_not_sent", text=text.id, kind=error.kind, code=error.code)
        if error.kind != "ambiguous" and isinstance(step, retry.Retry):
            await self.store.settle(text.id, "pending", now, next_at=now + step.delay, error=error.code)
        else:
            state = "ambiguous" if error.kind == "ambiguous" else "failed"
            await self._finish(text, state, now, error=error.code)

    async def _finish(self, text: RequesterText, state: str, now: datetime, error: str | None = None) -> None:
        """Settle a finished text; a visit that waited for its answer counts as unreached."""
        if text.is_question:
            await self._record_unreached(text)
        await self.store.settle(text.id, state, now, error=error)

    # -- reports and answers

    async def report(self, text_id: int, event: SmsEvent) -> None:
        """Store a delivery report. Refused `not_found`: not one of our texts."""
        if not await self.store.record_report(text_id, event.provider_id, event.status.value, event.error_code):
            raise Refused("not_found", text=text_id)

    async def receive(self, sender: str, body: str) -> bool:
        """Handle an incoming text; True if it answered a visit. The first valid answer counts (FW22)."""
        snapshot = await self.office.snapshot()
        number = to_callable_number(sender, snapshot)
        if number is None:
            return False
        now, body_text = self.office.clock.now(), body.strip()[:500]
        wants_no_calls = speech_parser.is_opt_out(body_text)
        if wants_no_calls:
            shown = mask_number(number, snapshot)
            if await self.do_not_call.block(number, shown, body_text, "sms", now):
                await self.audit.record(now, "sms", "visits_refused", shown)
        text = await self.store.find_awaiting_answer(number)
        if text is None:
            return False
        in_danger = speech_parser.interpret_satisfaction(body_text).danger  # as in a call, a person is alarmed (XM19)
        answer = Answer.NO_REPLY if wants_no_calls else Answer.UNCLEAR if in_danger else parse_answer(body_text)
        if answer is None or not await self.store.record_answer(text.id, body_text, now):
            return False
        await self._record_visit(text, AutoVisit(answer, danger=in_danger, refused=wants_no_calls), body_text)
        return True

    async def _record_unreached(self, text: RequesterText) -> None:
        """Record that nobody answered, unless the office handed over another page that still may be (XM30)."""
        if not await self.pages.is_awaited(text.ticket_id, text.round):
            await self._record_visit(text, AutoVisit(Answer.UNREACHED), "")

    async def _record_visit(self, text: RequesterText, heard: AutoVisit, note: str) -> None:
        if await self._load_asked(text.ticket_id, text.round) is None:
            return
        sampled = is_sampled(text.ticket_id, text.round, await self.office.snapshot())
        follows = decide_after_auto(heard, attempts_left=0, sampled=sampled)
        answer, words = heard.answer or Answer.NO_REPLY, f"sms {note}".strip()
        await record_result(self.tickets, Source.SMS, text.ticket_no, answer, words, follows)

    async def _load_asked(self, ticket_id: int, round_: int) -> Snapshot | None:
        """Return the ticket while its visit of this round waits for an answer to a text, else None."""
        snap = await self.tickets.moves.load(TicketRef(ticket_id=ticket_id))
        is_asked = snap is not None and snap.ticket.state is State.REVISIT_AUTO and get_round(snap) == round_
        return snap if is_asked else None


def parse_answer(body_text: str) -> Answer | None:
    """Parse the answer in an incoming text: a key, or words that need no confirmation; None if neither."""
    key = "".join(body_text.split()).translate(str.maketrans("１２３", "123")).rstrip("。.!！")
    if key in speech_parser.ANSWER_BY_KEY:
        return speech_parser.ANSWER_BY_KEY[key]
    meaning = speech_parser.interpret_satisfaction(body_text)
    if meaning.key == "3":
        return Answer.UNSATISFIED
    return speech_parser.ANSWER_BY_KEY[meaning.key] if meaning.key and not meaning.confirm else None
