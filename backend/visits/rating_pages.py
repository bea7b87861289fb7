"""One-time pages on which requesters rate: handed over by the office or by a text, answered once (XM30)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from backend.domain.acts import Actor, Snapshot
from backend.domain.permissions import require
from backend.domain.rating_page import (
    PageState,
    Rating,
    check_offer,
    find_involved,
    get_round,
    judge_handed,
    parse_rating,
)
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Source
from backend.domain.visit_outcome import decide_after_auto
from backend.office.cache import OfficeCache
from backend.ports.integrity import AuditStore
from backend.ports.tickets import TicketRef
from backend.ports.visits import BY_TEXT, RatingPage, RatingPageStore
from backend.tickets.service import TicketService
from backend.visits.results import record_result

PATH = "/rate/"
TOKEN_CHARS = 22
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{TOKEN_CHARS}}}")
MOVES_MEANWHILE = 5  # how often a ticket may move, otherwise than by an answer, while one answer is recorded


@dataclass(frozen=True, slots=True)
class HandedPage:
    """A page as it is handed over. The address is shown once: it is not kept."""

    address: str
    until: datetime


@dataclass
class RatingPages:
    """Hands out pages and takes their answers. `public_url` has no trailing slash."""

    store: RatingPageStore
    tickets: TicketService
    office: OfficeCache
    audit: AuditStore
    public_url: str
    hotline: str
    hotline_name: str

    # -- handing over

    async def hand_over(self, ticket_no: str, by: Actor) -> HandedPage:
        """Return a new page for the requester of this ticket, on record.

        Refused `forbidden`, `not_found`, `involved`, and whatever `check_offer` refuses.
        """
        require(by, "rating_page.give", verb="visit")
        snap = await self.tickets.moves.load(TicketRef(ticket_no=ticket_no))
        if snap is None:
            raise Refused("not_found", ticket=ticket_no)
        if by.code in find_involved(snap):
            raise Refused("involved", by=by.code)
        page = await self.issue(snap, by.code)
        await self.audit.record(self.office.clock.now(), by.code, "rating_page_handed", snap.ticket.ticket_no)
        return page

    async def issue(self, snap: Snapshot, by: str) -> HandedPage:
        """Return a new page for the visit a ticket is owed. Refused as `check_offer` says."""
        now = self.office.clock.now()
        until = check_offer(snap, (await self.office.snapshot()).settings, now)
        token = await self.store.create(RatingPage(snap.ticket.id, get_round(snap), until), by, now)
        return HandedPage(self.build_address(token), until)

    def build_address(self, token: str) -> str:
        """Return the address of a page."""
        return f"{self.public_url}{PATH}{token}"

    async def is_handed_over(self, ticket_id: int, round_: int) -> bool:
        """Whether the office handed over a page of this visit that may still be answered."""
        return await self.store.is_open(ticket_id, round_, self.office.clock.now(), besides=BY_TEXT)

    async def is_awaited(self, ticket_id: int, round_: int) -> bool:
        """Whether a page of this visit is out that may still be answered: until then nobody counts as unreached."""
        return await self.store.is_open(ticket_id, round_, self.office.clock.now())

    # -- answering

    async def open(self, token: str) -> tuple[PageState, datetime]:
        """Return what this page is now, and until when it may be answered.

        Refused `not_found`, for an expired one as for one that never was.
        """
        page, _, state = await self._find(token)
        return state, page.expires_at

    async def answer(self, token: str, fields: Mapping[str, str]) -> None:
        """Take an answer: a visit's result like one by telephone or text, once.

        Refused `not_found`, `rating_incomplete`, `rating_too_long`, `rating_answered` (by a page of this visit),
        `rating_ended` (answered otherwise, or over).
        """
        rating: Rating | None = None
        for _ in range(MOVES_MEANWHILE):
            _, snap, state = await self._find(token)
            if state is not PageState.OPEN:
                raise Refused(f"rating_{state}")
            rating = rating or parse_rating(fields)
            follows = decide_after_auto(rating.heard, attempts_left=0, sampled=False)
            heard = {"contacted": rating.contacted, "resolved": rating.resolved}
            note = f"page {rating.reason}".strip()
            if await record_result(
                self.tickets,
                Source.PAGE,
                snap.ticket.ticket_no,
                rating.answer,
                note,
                follows,
                heard,
                snap.ticket.version,
            ):
                return
        raise Refused("rating_ended")

    async def _find(self, token: str) -> tuple[RatingPage, Snapshot, PageState]:
        page = await self.store.find(token) if _TOKEN.fullmatch(token) else None
        snap = None if page is None else await self.tickets.moves.load(TicketRef(ticket_id=page.ticket_id))
        if page is None or snap is None:
            raise Refused("not_found")
        state = judge_handed(snap, page.round, page.expires_at, self.office.clock.now())
        if state is PageState.EXPIRED:
            raise Refused("not_found")
        return page, snap, state
