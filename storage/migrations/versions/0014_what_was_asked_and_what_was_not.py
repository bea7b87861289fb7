"""what was asked of a provider and what was not.

Messages in hand while this runs count as asked: they may have left.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
kind = "expand"


def upgrade() -> None:
    """what was asked of a provider and what was not."""
    with op.batch_alter_table("letters", schema=None) as batch_op:
        batch_op.add_column(sa.Column("asked_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("asks", sa.Integer(), server_default=sa.text("0"), nullable=False))
        batch_op.add_column(sa.Column("deaths", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.execute("UPDATE letters SET asked_at = not_before, asks = 1 WHERE state = 'sending'")
