"""${message.rstrip(".")}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None
kind = "expand"  # or "contract": code before it cannot work on what it leaves


def upgrade() -> None:
    """${message.rstrip(".")}."""
    ${upgrades if upgrades else "pass"}
