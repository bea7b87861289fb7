"""Builds the visit service; it sends SMS where a gateway is configured."""

from backend.calls.room import Calls
from backend.environment import Environment
from backend.shelves import Shelves
from backend.visiting.figures import Counting
from backend.visiting.informing import Informing
from backend.visiting.peace import Peace
from backend.visiting.room import Visiting
from backend.visiting.tasks import Tasks
from backend.visiting.texting import Texting
from notify.pace import Pacer
from notify.registry import Registry as Drivers
from notify.text import Texter
from storage.visits.news import SqlRequesterNewsStore
from storage.visits.texts import SqlRequesterTextStore
from storage.visits.visits import SqlVisitStore


def texter_of(environment: Environment) -> Texter | None:
    """Build the configured SMS gateway."""
    if not environment.twilio_account_sid:
        return None
    settings = {
        "account_sid": environment.twilio_account_sid,
        "auth_token": environment.twilio_auth_token.get_secret_value(),
        "from": environment.twilio_from,
        "api_url": environment.twilio_api_url,
    }
    return Drivers.discover().texter("twilio", settings)


def visiting_of(environment: Environment, s: Shelves, calls: Calls | None, limiter: Pacer) -> Visiting:
    """Build the visit service with its dependencies."""
    store = SqlVisitStore(s.db, s.vault)
    texter = texter_of(environment)
    texting = informing = None
    if calls is not None and texter is not None:
        texts = SqlRequesterTextStore(s.db, s.ids, s.vault)
        informing = Informing(SqlRequesterNewsStore(s.db), texts, calls.tools.store, s.office)
        texting = Texting(
            texts, calls.tools.store, store, s.desk, s.office, s.catalogue, s.audit, limiter,
            texter, environment.address.rstrip("/"), environment.hotline, environment.hotline_name,
        )  # fmt: skip
    return Visiting(
        store, s.office, s.audit, Tasks(store, s.office, s.catalogue, environment.hotline_name),
        Peace(store, s.office, s.audit), Counting(store, s.office), texting, informing,
    )  # fmt: skip
