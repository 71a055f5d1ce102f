"""The waiting list, closed visits with what is held instead of them, reminders, and appeals against blocks.

Instants are microseconds since 1970, times of day minutes since midnight, days and hours in China Standard Time.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BOOKING_COLUMNS = ("instead_of", "closed", "remind_at", "excused")
_BLOCK_COLUMNS = ("lifted_at", "lifted_by")
_BOOKING_INDEXES = {
    "booking_remind": ("remind_at", "state = 'booked' AND remind_at IS NOT NULL"),
    "booking_closed": ("day", "state = 'booked' AND closed"),
    "booking_instead": ("instead_of", "instead_of IS NOT NULL"),
}


def upgrade() -> None:
    _extend_bookings()
    _extend_blocks()
    _create_waiting()
    _create_marks()
    _create_appeals()


def _extend_bookings() -> None:
    op.add_column("booking", sa.Column("instead_of", sa.String(64), nullable=True))  # a hold for this closed booking
    op.add_column("booking", sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("booking", sa.Column("remind_at", sa.BigInteger, nullable=True))  # NULL: no more, or never
    op.add_column("booking", sa.Column("excused", sa.Boolean, nullable=False, server_default=sa.false()))
    for name, (column, condition) in _BOOKING_INDEXES.items():
        where = sa.text(condition)
        op.create_index(name, "booking", [column], postgresql_where=where, sqlite_where=where)


def _extend_blocks() -> None:
    op.add_column("block", sa.Column("lifted_at", sa.BigInteger, nullable=True))
    op.add_column("block", sa.Column("lifted_by", sa.String(64), nullable=True))


def _create_waiting() -> None:
    op.create_table(
        "waiting",
        sa.Column("number", sa.String(64), primary_key=True),  # the stream of its facts
        sa.Column("version", sa.Integer, nullable=False),  # how many there are
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("group_no", sa.Integer, sa.ForeignKey("business_group.no"), nullable=False),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("since", sa.Integer, nullable=False),
        sa.Column("until", sa.Integer, nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("items", sa.Text, nullable=False),  # JSON list of codes
        sa.Column("identity", sa.String(64), nullable=False),  # visitor keys
        sa.Column("mobile", sa.String(64), nullable=False),
        sa.Column("visitor", sa.String(64), nullable=False),  # reference
        sa.Column("account", sa.String(64), nullable=True),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("contact", sa.LargeBinary, nullable=True),  # sealed JSON; NULL where accounts knows
        sa.Column("booking", sa.String(64), sa.ForeignKey("booking.number"), nullable=True),  # the hold it was offered
        sa.Column("place", sa.Integer, nullable=False),  # in the order of the group's list
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("group_no", "place", name="waiting_place"),
        sa.CheckConstraint("state IN ('waiting', 'offered', 'left', 'booked')", name="waiting_state"),
        sa.CheckConstraint("state <> 'offered' OR booking IS NOT NULL", name="waiting_offered"),
        sa.CheckConstraint("first_day <= last_day AND since < until", name="waiting_some_time"),
    )
    waits = sa.text("state = 'waiting'")
    op.create_index("waiting_group", "waiting", ["group_no", "place"], postgresql_where=waits, sqlite_where=waits)
    op.create_index("waiting_identity", "waiting", ["identity"])
    op.create_index("waiting_mobile", "waiting", ["mobile"])


def _create_marks() -> None:
    """Groups some of whose slots were closed, opened or cut anew: their bookings are to be looked at."""
    op.create_table(
        "replanned",
        sa.Column("group_no", sa.Integer, sa.ForeignKey("business_group.no"), primary_key=True),
        sa.Column("mark", sa.String(64), nullable=False),  # another one each time
    )


def _create_appeals() -> None:
    op.create_table(
        "appeal",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("booking", sa.String(64), sa.ForeignKey("block.booking"), nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),  # visitor keys
        sa.Column("mobile", sa.String(64), nullable=False),
        sa.Column("visitor", sa.String(64), nullable=False),  # reference
        sa.Column("account", sa.String(64), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.LargeBinary, nullable=False),  # sealed
        sa.Column("sentence", sa.LargeBinary, nullable=True),  # sealed
        sa.Column("filed_at", sa.BigInteger, nullable=False),
        sa.Column("decided_at", sa.BigInteger, nullable=True),
        sa.Column("decided_by", sa.String(64), nullable=True),
        sa.CheckConstraint("state IN ('open', 'granted', 'dismissed')", name="appeal_state"),
    )
    is_open = sa.text("state = 'open'")
    op.create_index("appeal_open", "appeal", ["booking"], unique=True, postgresql_where=is_open, sqlite_where=is_open)
    op.create_index("appeal_hall", "appeal", ["hall", "filed_at"])
    op.create_index("appeal_identity", "appeal", ["identity"])


def downgrade() -> None:
    for table in ("appeal", "replanned", "waiting"):
        op.drop_table(table)
    for index in _BOOKING_INDEXES:
        op.drop_index(index, "booking")
    for table, columns in (("block", _BLOCK_COLUMNS), ("booking", _BOOKING_COLUMNS)):
        for column in columns:
            op.drop_column(table, column)
