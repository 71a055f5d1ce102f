"""The case log, and what filing keeps beside it: drafts, files, serial counters, waiting events and unsent replies.

Times are microseconds since 1970; sealed columns open with the vault under the account's key.
"""

import sqlalchemy as sa
from alembic import op

from kernel.eventlog import create_log, drop_log
from kernel.idempotency import create_idempotency_table
from kernel.messaging.relay import create_relay_tables, drop_relay_tables
from kernel.messaging.topology import CASE_EVENTS
from kernel.vault import create_vault_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    "clock_look",
    "pending_reply",
    "waiting_event",
    "comment",
    "serial_counter",
    "organ_number",
    "submission",
    "filed_case",
    "material_file",
    "draft",
)


def upgrade() -> None:
    create_log(op)
    create_relay_tables(op, CASE_EVENTS)
    create_vault_table(op)
    create_idempotency_table(op)
    _create_drafts()
    _create_cases()
    _create_intake()
    _create_deadlines()


def _create_drafts() -> None:
    op.create_table(
        "draft",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("item", sa.Text, nullable=False),  # JSON, as catalog told it when the draft was opened
        sa.Column("data", sa.LargeBinary, nullable=False),  # sealed JSON
        sa.Column("notices", sa.Text, nullable=False),  # JSON
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("serial", sa.String(64), nullable=True, unique=True),  # once it was submitted
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_index("draft_account", "draft", ["account"])
    still_open = sa.text("serial IS NULL")
    op.create_index("draft_left", "draft", ["updated_at"], postgresql_where=still_open, sqlite_where=still_open)
    op.create_table(
        "material_file",
        sa.Column("draft", sa.String(64), sa.ForeignKey("draft.id"), primary_key=True),
        sa.Column("material", sa.String(64), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),  # the filing it was handed in with
        sa.Column("format", sa.String(8), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),  # bytes
        sa.Column("filename", sa.LargeBinary, nullable=False),  # sealed: people put their names in it
        sa.Column("content", sa.LargeBinary, nullable=False),  # sealed
        sa.Column("uploaded_at", sa.BigInteger, nullable=False),
    )


def _create_cases() -> None:
    op.create_table(
        "filed_case",
        sa.Column("serial", sa.String(64), primary_key=True),
        sa.Column("draft", sa.String(64), sa.ForeignKey("draft.id"), nullable=False, unique=True),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("item", sa.Text, nullable=False),  # JSON
        sa.Column("rules", sa.Text, nullable=False),  # JSON: the item's limits, small, for decisions
        sa.Column("query_code", sa.LargeBinary, nullable=False),  # sealed
        sa.Column("received_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "submission",
        sa.Column("serial", sa.String(64), sa.ForeignKey("filed_case.serial"), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),  # sealed JSON
    )
    op.create_table(
        "organ_number",
        sa.Column("organ", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False, unique=True),
    )
    op.create_table(
        "serial_counter",
        sa.Column("organ", sa.String(64), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("last", sa.Integer, nullable=False),
    )
    op.create_table(
        "comment",
        sa.Column("reference", sa.String(64), primary_key=True),
        sa.Column("serial", sa.String(64), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("comment", sa.LargeBinary, nullable=False),  # sealed
    )


def _create_deadlines() -> None:
    op.create_table(
        "clock_look",
        sa.Column("serial", sa.String(64), primary_key=True),
        sa.Column("look_at", sa.BigInteger, nullable=False),
    )
    op.create_index("clock_look_at", "clock_look", ["look_at"])


def _create_intake() -> None:
    op.create_table(
        "waiting_event",
        sa.Column("source", sa.String(256), primary_key=True),
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("serial", sa.String(64), nullable=False),
        sa.Column("organ", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),  # as the department sent it
        sa.Column("deadline", sa.BigInteger, nullable=False),
    )
    op.create_index("waiting_event_serial", "waiting_event", ["serial"])
    op.create_index("waiting_event_deadline", "waiting_event", ["deadline"])
    op.create_table(
        "pending_reply",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("organ", sa.String(64), nullable=False),
        sa.Column("source", sa.String(256), nullable=False),
        sa.Column("event_id", sa.String(128), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=True),  # NULL: the event is on the log, which tells its position
    )


def downgrade() -> None:
    for table in (*_TABLES, "idempotency", "vault_key"):
        op.drop_table(table)
    drop_relay_tables(op)
    drop_log(op)
