"""Builds the visit service; it sends SMS where a gateway is configured."""

from backend.app.config import Config
from backend.app.core import Core
from backend.calls.service import Calls
from backend.visits.do_not_call import DoNotCall
from backend.visits.manual import ManualVisits
from backend.visits.rating_pages import RatingPages
from backend.visits.requester_news import RequesterNews
from backend.visits.service import VisitService
from backend.visits.statistics import VisitStatistics
from backend.visits.texting import RequesterTexts
from notify.driver_registry import DriverRegistry
from notify.rate_limit import RateLimiter
from notify.sms_gateway import SmsGateway
from storage.visits.news import SqlRequesterNewsStore
from storage.visits.rating_pages import SqlRatingPageStore
from storage.visits.texts import SqlRequesterTextStore
from storage.visits.visits import SqlVisitStore


def build_sms_gateway(config: Config) -> SmsGateway | None:
    """Build the configured SMS gateway."""
    if not config.twilio_account_sid:
        return None
    settings = {
        "account_sid": config.twilio_account_sid,
        "auth_token": config.twilio_auth_token.get_secret_value(),
        "from": config.twilio_from,
        "api_url": config.twilio_api_url,
        "timeout": str(config.provider_timeout_seconds),
    }
    return DriverRegistry.discover().build_gateway("twilio", settings)


def build_visits(config: Config, core: Core, calls: Calls | None, rate_limiter: RateLimiter) -> VisitService:
    """Build the visit service with its dependencies."""
    store = SqlVisitStore(core.db, core.encryption)
    pages = RatingPages(
        SqlRatingPageStore(core.db, core.ids, core.chance), core.tickets, core.office, core.audit,
        config.base_url.rstrip("/"), config.hotline, config.hotline_name,
    )  # fmt: skip
    sms_gateway = build_sms_gateway(config)
    requester_sms = requester_news = None
    if calls is not None and sms_gateway is not None:
        texts = SqlRequesterTextStore(core.db, core.ids, core.encryption)
        requester_news = RequesterNews(SqlRequesterNewsStore(core.db), texts, calls.dependencies.store, core.office)
        requester_sms = RequesterTexts(
            texts, calls.dependencies.store, store, core.tickets, core.office, core.texts, core.audit, rate_limiter,
            sms_gateway, core.chance, pages, config.base_url.rstrip("/"), config.hotline, config.hotline_name,
        )  # fmt: skip
    return VisitService(
        store, core.office, core.audit, ManualVisits(store, core.office, core.texts, config.hotline_name),
        DoNotCall(store, core.office, core.audit), VisitStatistics(store, core.office), pages, requester_sms, requester_news,
    )  # fmt: skip
