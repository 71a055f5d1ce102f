"""The hall's day: windows, tickets and what counts them, and the statistics that follow the log.

Instants are microseconds since 1970, days in China Standard Time.
"""

import sqlalchemy as sa
from alembic import op

from kernel.eventlog import create_follower_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATES = "'waiting', 'called', 'parked', 'finished', 'missed', 'closed'"
_COUNTS = (
    "booked",
    "cancelled",
    "moved",
    "no_shows",
    "checked_in",
    "walk_ins",
    "called",
    "served",
    "missed",
    "closed",
    "wait_seconds",
    "wait_longest",
    "service_seconds",
    "estimates_met",
    "estimate_error_seconds",
)


def upgrade() -> None:
    _create_windows()
    _create_tickets()
    create_follower_tables(op)
    _create_statistics()


def _create_windows() -> None:
    op.create_table(
        "hall_window",
        sa.Column("hall", sa.String(64), primary_key=True),
        sa.Column("code", sa.String(16), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),  # JSON list of numbers of business groups
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
    )


def _create_tickets() -> None:
    op.create_table(
        "queue_day",
        sa.Column("group_no", sa.Integer, sa.ForeignKey("business_group.no"), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("issued", sa.Integer, nullable=False),  # tickets so far
        sa.Column("walk_ins", sa.Integer, nullable=False),  # people among them without a booking
    )
    op.create_table(
        "ticket",
        sa.Column("id", sa.String(64), primary_key=True),  # the stream of its facts
        sa.Column("version", sa.Integer, nullable=False),  # how many there are
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("group_no", sa.Integer, sa.ForeignKey("business_group.no"), nullable=False),
        sa.Column("number", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("booking", sa.String(64), sa.ForeignKey("booking.number"), nullable=True, unique=True),
        sa.Column("identity", sa.String(64), nullable=True),  # visitor key
        sa.Column("priority", sa.String(16), nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("rank", sa.BigInteger, nullable=False),  # who is called first: the lowest
        sa.Column("low", sa.Integer, nullable=False),  # minutes of wait that were expected
        sa.Column("high", sa.Integer, nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("first_called_at", sa.BigInteger, nullable=True),
        sa.Column("called_at", sa.BigInteger, nullable=True),
        sa.Column("at_window", sa.String(16), nullable=True),
        sa.Column("last_window", sa.String(16), nullable=True),  # that called it
        sa.Column("until", sa.BigInteger, nullable=True),  # when a parked one waits again
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.CheckConstraint(f"state IN ({_STATES})", name="ticket_state"),
        sa.CheckConstraint("(state = 'called') = (at_window IS NOT NULL)", name="ticket_called_to_a_window"),
        sa.CheckConstraint("(state = 'parked') = (until IS NOT NULL)", name="ticket_parked_until"),
        sa.UniqueConstraint("hall", "day", "number", name="ticket_number"),
    )
    _index("ticket_waiting", ["group_no", "day", "rank", "id"], "state = 'waiting'")
    _index("ticket_at_window", ["hall", "at_window"], "state = 'called'", unique=True)
    _index("ticket_of_person", ["group_no", "day", "identity"], "state IN ('waiting', 'called', 'parked')", unique=True)
    _index("ticket_parked", ["until"], "state = 'parked'")
    _index("ticket_open", ["day"], "state IN ('waiting', 'called', 'parked')")
    _index("ticket_served", ["group_no", "ended_at"], "state = 'finished'")
    op.create_index("ticket_day", "ticket", ["hall", "day", "called_at"])
    op.create_index("ticket_issued", "ticket", ["group_no", "day", "issued_at"])


def _index(name: str, columns: list[str], where: str, unique: bool = False) -> None:
    part = sa.text(where)
    op.create_index(name, "ticket", columns, unique=unique, postgresql_where=part, sqlite_where=part)


def _create_statistics() -> None:
    op.create_table(
        "hall_statistic",
        sa.Column("hall", sa.String(64), primary_key=True),
        sa.Column("group_id", sa.String(96), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in _COUNTS),
    )
    op.create_table(
        "counted_stream",  # what the facts of a booking or a ticket have said so far, as far as it counts
        sa.Column("stream", sa.String(64), primary_key=True),
        sa.Column("group_id", sa.String(96), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=True),  # of a ticket, as all below
        sa.Column("called_at", sa.BigInteger, nullable=True),
        sa.Column("low", sa.Integer, nullable=False),
        sa.Column("high", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    for table in ("counted_stream", "hall_statistic", "parked", "checkpoint", "ticket", "queue_day", "hall_window"):
        op.drop_table(table)
