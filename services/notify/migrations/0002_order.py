"""Indexes for sending a case's messages in order, and for counting without reading what is settled.

What waits to be sent, what waits for a receipt, and what failed for good are each found without the rest of the table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_order"
down_revision = "0001_notify"
branch_labels = None
depends_on = None

UNSETTLED = "due_at IS NOT NULL"
INDEXES = {
    "message_unsent": (["due_at", "position"], "due_at IS NOT NULL AND accepted_at IS NULL"),
    "message_in_line": (["serial", "channel", "position"], "due_at IS NOT NULL AND accepted_at IS NULL"),
    "message_unreported": (["due_at"], "due_at IS NOT NULL AND accepted_at IS NOT NULL"),
    "message_failed": (["position"], "state = 'failed_for_good'"),
}


def upgrade() -> None:
    op.drop_index("message_due", "message")
    for name, (columns, which) in INDEXES.items():
        _create(name, columns, which)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "message")
    _create("message_due", ["due_at"], UNSETTLED)


def _create(name: str, columns: list[str], which: str) -> None:
    op.create_index(name, "message", columns, postgresql_where=sa.text(which), sqlite_where=sa.text(which))
