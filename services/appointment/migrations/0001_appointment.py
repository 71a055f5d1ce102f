"""The log of visits, and what appointment keeps beside it: halls with their rules, schedules and slots, and bookings.

Instants are microseconds since 1970, times of day minutes since midnight, days and hours in China Standard Time.
"""

import sqlalchemy as sa
from alembic import op

from kernel.eventlog import create_log, drop_log
from kernel.idempotency import create_idempotency_table
from kernel.messaging.relay import create_relay_tables, drop_relay_tables
from kernel.messaging.topology import VISIT_EVENTS
from kernel.vault import create_vault_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    "block",
    "place_return",
    "booking_slot",
    "booking",
    "visitor",
    "slot",
    "closure",
    "schedule",
    "business_group",
    "hall_rule",
)
_STATES = "'held', 'booked', 'checked_in', 'served', 'cancelled', 'expired', 'no_show'"


def upgrade() -> None:
    create_log(op)
    create_relay_tables(op, VISIT_EVENTS)
    create_vault_table(op)
    create_idempotency_table(op)
    _create_halls()
    _create_slots()
    _create_bookings()
    _create_blocks()


def _create_halls() -> None:
    op.create_table(
        "hall_rule",
        sa.Column("hall", sa.String(64), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),  # JSON, kernel.contracts.appointment.HallRule
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("updated_by", sa.String(64), nullable=False),
    )
    op.create_table(
        "business_group",
        sa.Column("no", sa.Integer, primary_key=True, autoincrement=True),  # the beginning of its slots' ids
        sa.Column("id", sa.String(96), nullable=False, unique=True),
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("hall_name", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("items", sa.Text, nullable=False),  # JSON list of codes
        sa.Column("retired", sa.Boolean, nullable=False),  # the catalogue has it no more
    )
    op.create_index("business_group_hall", "business_group", ["hall"])
    op.create_table(
        "schedule",
        sa.Column("group_no", sa.Integer, sa.ForeignKey("business_group.no"), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),  # JSON, kernel.contracts.appointment.Schedule
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("updated_by", sa.String(64), nullable=False),
    )
    op.create_table(
        "closure",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("group_no", sa.Integer, sa.ForeignKey("business_group.no"), nullable=True),  # NULL: all of them
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("since", sa.Integer, nullable=False),
        sa.Column("until", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
    )
    op.create_index("closure_hall", "closure", ["hall", "last_day"])


def _create_slots() -> None:
    op.create_table(
        "slot",
        # Tells group, day and start: see services.appointment.domain.slots. A group's days are a range of it.
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("planned", sa.Integer, nullable=False),  # places for the public by the schedule
        sa.Column("capacity", sa.Integer, nullable=False),  # the same, or what was taken before it shrank
        sa.Column("taken", sa.Integer, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.CheckConstraint("planned >= 0 AND minutes > 0", name="slot_is_one"),
        sa.CheckConstraint("taken >= 0 AND taken <= capacity", name="slot_not_overbooked"),
    )


def _create_bookings() -> None:
    op.create_table(
        "visitor",
        sa.Column("key", sa.String(64), primary_key=True),  # keyed digest of an identity number or a mobile
        sa.Column("reference", sa.String(64), nullable=False),  # what facts and the vault call the person
    )
    op.create_table(
        "booking",
        sa.Column("number", sa.String(64), primary_key=True),  # the stream of its facts
        sa.Column("version", sa.Integer, nullable=False),  # how many there are
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("group_no", sa.Integer, sa.ForeignKey("business_group.no"), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("starts", sa.Integer, nullable=False),
        sa.Column("ends", sa.Integer, nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("items", sa.Text, nullable=False),  # JSON list of codes
        sa.Column("identity", sa.String(64), nullable=False),  # visitor keys
        sa.Column("mobile", sa.String(64), nullable=False),
        sa.Column("visitor", sa.String(64), nullable=False),  # reference
        sa.Column("account", sa.String(64), nullable=True),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("contact", sa.LargeBinary, nullable=True),  # sealed JSON; NULL where accounts knows
        sa.Column("held_until", sa.BigInteger, nullable=True),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint(f"state IN ({_STATES})", name="booking_state"),
        sa.CheckConstraint("starts < ends", name="booking_takes_time"),
        sa.CheckConstraint("state <> 'held' OR held_until IS NOT NULL", name="booking_hold_ends"),
    )
    op.create_index("booking_identity", "booking", ["identity", "day"])
    op.create_index("booking_mobile", "booking", ["mobile", "day"])
    op.create_index("booking_account", "booking", ["account", "day"])
    op.create_index("booking_hall", "booking", ["hall", "day"])
    held, open_ = sa.text("state = 'held'"), sa.text("state = 'booked'")
    op.create_index("booking_held", "booking", ["held_until"], postgresql_where=held, sqlite_where=held)
    op.create_index("booking_open", "booking", ["day"], postgresql_where=open_, sqlite_where=open_)
    op.create_table(
        "booking_slot",
        sa.Column("booking", sa.String(64), sa.ForeignKey("booking.number"), primary_key=True),
        sa.Column("slot", sa.BigInteger, primary_key=True),
    )
    op.create_index("booking_slot_slot", "booking_slot", ["slot"])
    op.create_table(
        "place_return",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("slot", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
    )
    op.create_index("place_return_due", "place_return", ["due_at"])


def _create_blocks() -> None:
    op.create_table(
        "block",
        sa.Column("booking", sa.String(64), sa.ForeignKey("booking.number"), primary_key=True),  # the last no-show
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("mobile", sa.String(64), nullable=False),
        sa.Column("until", sa.Date, nullable=False),  # the first day that is free again
        sa.Column("made_at", sa.BigInteger, nullable=False),
    )
    op.create_index("block_identity", "block", ["identity"])
    op.create_index("block_mobile", "block", ["mobile"])


def downgrade() -> None:
    for table in (*_TABLES, "idempotency", "vault_key"):
        op.drop_table(table)
    drop_relay_tables(op)
    drop_log(op)
