"""Messages and their lives, whom to tell about each case, and how far the log has been read.

Times are microseconds since 1970. No table holds a number or an address: `recipient` and `applicant` are accounts.
"""

import sqlalchemy as sa
from alembic import op

from kernel.eventlog.following import create_follower_tables

revision = "0001_notify"
down_revision = None
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
STATES = "state IN ('created', 'sending', 'delivered', 'failed_for_now', 'failed_for_good')"


def upgrade() -> None:
    op.create_table(
        "case_contact",
        sa.Column("serial", NAME, primary_key=True),
        sa.Column("applicant", NAME, nullable=False),
        sa.Column("notices", sa.Text, nullable=False),  # JSON: channels
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("item_name", sa.Text, nullable=False),
    )
    op.create_table(
        "message",
        sa.Column("id", NAME, primary_key=True),
        sa.Column("serial", NAME, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("recipient", NAME, nullable=False),
        sa.Column("subject", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("state", sa.Text, sa.CheckConstraint(STATES), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("claim", sa.Integer, nullable=False),  # how often it was claimed: what an older claim saves is void
        sa.Column("unsure", sa.Boolean, nullable=False),  # `provider` may have it: nobody else may be given it
        sa.Column("due_at", sa.BigInteger),  # when something must happen to it next; NULL: it is settled
        sa.Column("provider", sa.Text),
        sa.Column("provider_reference", sa.Text),
        sa.Column("accepted_at", sa.BigInteger),
        sa.Column("reason", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        # One message for an event and a channel, whatever is replayed.
        sa.UniqueConstraint("position", "channel", name="message_of_event"),
    )
    unsettled = sa.text("due_at IS NOT NULL")
    op.create_index("message_due", "message", ["due_at"], postgresql_where=unsettled, sqlite_where=unsettled)
    op.create_index("message_of_case", "message", ["serial", "position"])
    create_follower_tables(op)


def downgrade() -> None:
    for table in ("message", "case_contact", "checkpoint", "parked"):
        op.drop_table(table)
