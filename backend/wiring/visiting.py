"""Builds the visit service; it sends SMS where a gateway is configured."""

from backend.calls.service import Calls
from backend.environment import Environment
from backend.shelves import Shelves
from backend.visits.do_not_call import DoNotCall
from backend.visits.manual import ManualVisits
from backend.visits.requester_news import RequesterNews
from backend.visits.service import VisitService
from backend.visits.statistics import VisitStatistics
from backend.visits.texting import RequesterTexts
from notify.rate_limit import RateLimiter
from notify.registry import DriverRegistry as Drivers
from notify.sms_gateway import SmsGateway
from storage.visits.news import SqlRequesterNewsStore
from storage.visits.texts import SqlRequesterTextStore
from storage.visits.visits import SqlVisitStore


def texter_of(environment: Environment) -> SmsGateway | None:
    """Build the configured SMS gateway."""
    if not environment.twilio_account_sid:
        return None
    settings = {
        "account_sid": environment.twilio_account_sid,
        "auth_token": environment.twilio_auth_token.get_secret_value(),
        "from": environment.twilio_from,
        "api_url": environment.twilio_api_url,
    }
    return Drivers.discover().build_gateway("twilio", settings)


def visiting_of(environment: Environment, s: Shelves, calls: Calls | None, limiter: RateLimiter) -> VisitService:
    """Build the visit service with its dependencies."""
    store = SqlVisitStore(s.db, s.vault)
    texter = texter_of(environment)
    texting = informing = None
    if calls is not None and texter is not None:
        texts = SqlRequesterTextStore(s.db, s.ids, s.vault)
        informing = RequesterNews(SqlRequesterNewsStore(s.db), texts, calls.dependencies.store, s.office)
        texting = RequesterTexts(
            texts, calls.dependencies.store, store, s.desk, s.office, s.catalogue, s.audit, limiter,
            texter, environment.address.rstrip("/"), environment.hotline, environment.hotline_name,
        )  # fmt: skip
    return VisitService(
        store, s.office, s.audit, ManualVisits(store, s.office, s.catalogue, environment.hotline_name),
        DoNotCall(store, s.office, s.audit), VisitStatistics(store, s.office), texting, informing,
    )  # fmt: skip
