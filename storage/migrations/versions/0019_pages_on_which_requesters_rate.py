"""pages on which requesters rate."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None
kind = "expand"


def upgrade() -> None:
    """pages on which requesters rate."""
    op.create_table(
        "rating_pages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("rating_pages_token", "rating_pages", ["token_hash"], unique=True)
    op.create_index("rating_pages_expiry", "rating_pages", ["expires_at"], unique=False)
    with op.batch_alter_table("caller_texts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("page", sa.Boolean(), server_default=sa.text("false"), nullable=False))
