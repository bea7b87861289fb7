"""a master counts the repeats merged under it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
kind = "expand"


def upgrade() -> None:
    """a master counts the repeats merged under it; those merged before are counted now."""
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("repeats", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.execute(
        "UPDATE tickets SET repeats = (SELECT count(*) FROM tickets m WHERE m.merged_into = tickets.id) "
        "WHERE id IN (SELECT merged_into FROM tickets WHERE merged_into IS NOT NULL)"
    )
