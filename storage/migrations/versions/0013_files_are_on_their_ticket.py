"""files are on their ticket."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
kind = "expand"


def upgrade() -> None:
    """files are on their ticket; those of requests, and those confirmed in chat and kept aside, are put there."""
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("files", sa.Text(), server_default=sa.text("'[]'"), nullable=False))
    found: dict[int, dict[str, int]] = {}
    bind = op.get_bind()
    for ticket, assignment, facts in bind.execute(
        sa.text("SELECT ticket_id, assignment_id, facts FROM requests WHERE facts LIKE '%\"files\"%' ORDER BY id")
    ):
        for file in json.loads(facts).get("files") or ():
            found.setdefault(ticket, {}).setdefault(file, assignment or 0)
    for ticket, assignment, words in bind.execute(sa.text(
        "SELECT a.ticket_id, a.id, d.words FROM drafts d JOIN assignments a ON a.id = d.assignment_id "
        "WHERE d.verb = 'attach' ORDER BY d.at"
    )):  # fmt: skip
        for file in json.loads(words).get("files") or ():
            found.setdefault(ticket, {}).setdefault(file, assignment)
    for ticket, files in found.items():
        given = {"files": json.dumps(list(files.items())), "id": ticket}
        bind.execute(sa.text("UPDATE tickets SET files = :files WHERE id = :id"), given)
    op.execute("DELETE FROM drafts WHERE verb = 'attach'")
