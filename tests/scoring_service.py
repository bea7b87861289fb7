"""The scoring service over a database, with its audit log, files, messages and texts."""

from backend.domain.texts import Texts
from backend.office.cache import OfficeCache
from backend.scoring import Scoring
from backend.scoring.dependencies import ScoringDependencies
from backend.tickets.files import TicketFiles
from backend.tickets.screening import Screening
from storage.delivery.outbox import SqlOutboxStore
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.integrity.audit import SqlAuditStore
from storage.scoring.counts import SqlScoringStore
from storage.tickets.files import SqlFileStore
from tests.time_and_chance import CHANCE


def build_scoring(db: Database, ids: IdSupply, office: OfficeCache, store: SqlScoringStore | None = None) -> Scoring:
    """Build it."""
    audit = SqlAuditStore(db, ids)
    files = TicketFiles(SqlFileStore(db), office.clock, CHANCE, Screening(None, audit, office.clock))
    dependencies = ScoringDependencies(audit, files, SqlOutboxStore(db, ids), Texts("zh_CN"))
    return Scoring(store or SqlScoringStore(db), office, ids, dependencies)
