"""The visit service: what adapters ask about return visits."""

from dataclasses import dataclass

from backend.domain.acts import Actor
from backend.domain.permissions import require
from backend.domain.refusals import Refused
from backend.office.cache import OfficeCache
from backend.ports.integrity import AuditStore
from backend.ports.visits import Recording, VisitStore
from backend.visits.do_not_call import DoNotCall
from backend.visits.manual import ManualVisits
from backend.visits.rating_pages import RatingPages
from backend.visits.requester_news import RequesterNews
from backend.visits.statistics import VisitStatistics
from backend.visits.texting import RequesterTexts


@dataclass(frozen=True)
class VisitService:
    """Manual visits, the do-not-call list, statistics, pages, texts, recordings."""

    store: VisitStore
    office: OfficeCache
    audit: AuditStore
    manual: ManualVisits
    do_not_call: DoNotCall
    statistics: VisitStatistics
    pages: RatingPages
    texting: RequesterTexts
    requester_news: RequesterNews

    async def open_recording(self, attempt_id: int, by: Actor) -> Recording:
        """Return where a recording is stored; audited.

        Refused `forbidden`, `not_found` (none, or dropped after `recording.keep`).
        """
        require(by, "recording.listen", verb="listen")
        recording = await self.store.find_recording(attempt_id)
        if recording is None:
            raise Refused("not_found", recording=attempt_id)
        await self.audit.record(self.office.clock.now(), by.code, "listened", recording.ticket_no, dial=attempt_id)
        return recording
