"""numbers that cannot be rung and matters nobody was reached about."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
kind = "expand"


def upgrade() -> None:
    """numbers that cannot be rung and matters nobody was reached about."""
    op.create_table(
        "dead_numbers",
        sa.Column("phone_index", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("masked", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("call_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("phone_index"),
    )
    op.create_table(
        "unreachables",
        sa.Column("assignment_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("dials", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("assignment_id"),
    )
