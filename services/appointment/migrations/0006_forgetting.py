"""What tells of people is forgotten once nothing needs it, found by indexes that hold no more than what is not yet.

And for how long a group that was planned anew has not been looked at, and who took a closure back. Instants are
microseconds since 1970.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INDEXES = {
    "booking_person": ("booking", ["state", "day"], "identity <> ''"),
    "booking_expired": ("booking", ["held_until"], "state = 'expired'"),
    "waiting_last_day": ("waiting", ["last_day"], None),
    "waiting_booking": ("waiting", ["booking"], "booking IS NOT NULL"),
    "block_until": ("block", ["until"], None),
    "appeal_mobile": ("appeal", ["mobile"], None),
    "appeal_booking": ("appeal", ["booking"], None),
    "ticket_person": ("ticket", ["day"], "identity IS NOT NULL OR priority <> 'none'"),
}


def upgrade() -> None:
    op.add_column("replanned", sa.Column("due_at", sa.BigInteger, nullable=True))  # NULL: marked before there was one
    op.add_column("closure", sa.Column("withdrawn_at", sa.BigInteger, nullable=True))  # NULL: it stands
    op.add_column("closure", sa.Column("withdrawn_by", sa.String(64), nullable=True))
    for name, (table, columns, condition) in _INDEXES.items():
        where = None if condition is None else sa.text(condition)
        op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    for name, (table, _, _) in _INDEXES.items():
        op.drop_index(name, table)
    op.execute("DELETE FROM closure WHERE withdrawn_at IS NOT NULL")  # as it was done before
    op.drop_column("closure", "withdrawn_by")
    op.drop_column("closure", "withdrawn_at")
    op.drop_column("replanned", "due_at")
