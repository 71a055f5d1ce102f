"""How often a booking was moved, whether the hall has seen who checked in, and waiting lists by their days."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COLUMNS = {"moves": (sa.Integer, "0"), "unseen": (sa.Boolean, sa.false())}


def upgrade() -> None:
    for name, (kind, default) in _COLUMNS.items():
        op.add_column("booking", sa.Column(name, kind, nullable=False, server_default=default))
    where = sa.text("state = 'checked_in' AND unseen")
    op.create_index("booking_unseen", "booking", ["day"], postgresql_where=where, sqlite_where=where)
    where = sa.text("state = 'waiting'")
    op.create_index("waiting_days", "waiting", ["group_no", "last_day"], postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    op.drop_index("waiting_days", "waiting")
    op.drop_index("booking_unseen", "booking")
    for name in _COLUMNS:
        op.drop_column("booking", name)
