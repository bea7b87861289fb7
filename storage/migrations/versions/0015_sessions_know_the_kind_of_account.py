"""sessions know the kind of account; those of before end, and people sign in again."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
kind = "expand"


def upgrade() -> None:
    """sessions know the kind of account; those of before end, and people sign in again."""
    op.execute("DELETE FROM sessions")
    # processes of before left administrators' keys behind (XR12)
    op.execute(
        "UPDATE api_keys SET revoked_at = created_at WHERE revoked_at IS NULL AND person IS NULL AND role = 'admin' "
        "AND (name LIKE 'plate-%' OR name = 'console')"
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.Text(), nullable=False))
