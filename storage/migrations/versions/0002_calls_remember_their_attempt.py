"""calls remember their attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
kind = "expand"


def upgrade() -> None:
    """calls remember their attempt."""
    op.create_table(
        "no_visits",
        sa.Column("phone_index", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("phone_index"),
    )
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.add_column(sa.Column("dial_id", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("phone_index", sa.Text(), nullable=True))
        batch_op.drop_index(batch_op.f("calls_letter"))
        batch_op.create_index(
            "calls_letter",
            ["letter_id"],
            unique=True,
            postgresql_where=sa.text("letter_id IS NOT NULL"),
            sqlite_where=sa.text("letter_id IS NOT NULL"),
        )
        batch_op.create_index("calls_person", ["person", "id"], unique=False)
        batch_op.create_index("calls_phone", ["phone_index"], unique=False)
        batch_op.create_index(
            "calls_visit",
            ["ticket_id", "round"],
            unique=True,
            postgresql_where=sa.text("purpose = 'visit'"),
            sqlite_where=sa.text("purpose = 'visit'"),
        )

    with op.batch_alter_table("dials", schema=None) as batch_op:
        batch_op.add_column(sa.Column("step", sa.Integer(), server_default=sa.text("0"), nullable=False))
        batch_op.add_column(sa.Column("said", sa.Text(), nullable=True))
        batch_op.create_index("dials_asked", ["asked_at"], unique=False)
