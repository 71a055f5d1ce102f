"""Messages about visits: of a second log, and with an end.

Messages that are there already are of filing's log and have no end.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003_visits"
down_revision = "0002_order"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BEFORE = ("created", "sending", "delivered", "failed_for_now", "failed_for_good")
STATES = (*BEFORE, "past")
UNSENT = "due_at IS NOT NULL AND accepted_at IS NULL"
FAILED = "state = 'failed_for_good'"
UNCHANGED = {
    "message_unsent": (["due_at", "position"], UNSENT),
    "message_unreported": (["due_at"], "due_at IS NOT NULL AND accepted_at IS NOT NULL"),
    "message_of_case": (["serial", "position"], None),
}
OLD = {"message_in_line": (["serial", "channel", "position"], UNSENT), "message_failed": (["position"], FAILED)}
NEW = {
    "message_in_line": (["log", "serial", "channel", "position"], UNSENT),
    "message_failed": (["log", "position"], FAILED),
}


def upgrade() -> None:
    for name in OLD | UNCHANGED:
        op.drop_index(name, "message")
    with _changing(STATES) as message:
        # The default stays: a process of the version before may still take cases in while this one starts.
        message.add_column(sa.Column("log", sa.Text, nullable=False, server_default="filing"))
        message.add_column(sa.Column("expires_at", sa.BigInteger))
        message.drop_constraint("message_of_event", type_="unique")
        message.create_unique_constraint("message_of_event", ["log", "position", "channel"])
    _create(NEW | UNCHANGED)
    op.create_table(
        "visit_contact",
        sa.Column("number", NAME, primary_key=True),
        sa.Column("recipient", NAME, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("hall_name", sa.Text, nullable=False),
        sa.Column("group_name", sa.Text, nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("cancel_before", sa.BigInteger),
    )


def downgrade() -> None:
    op.drop_table("visit_contact")
    for name in NEW | UNCHANGED:
        op.drop_index(name, "message")
    op.execute("DELETE FROM message WHERE log <> 'filing' OR state = 'past'")
    with _changing(BEFORE) as message:
        message.drop_constraint("message_of_event", type_="unique")
        message.drop_column("log")
        message.drop_column("expires_at")
        message.create_unique_constraint("message_of_event", ["position", "channel"])
    _create(OLD | UNCHANGED)


def _changing(states: tuple[str, ...]) -> Any:
    """The table, to be changed: on SQLite it is written anew, without the condition on its states that it had."""
    named = sa.CheckConstraint(f"state IN {states}", name="message_state_check")
    if op.get_bind().dialect.name == "sqlite":
        return op.batch_alter_table("message", table_args=[named], recreate="always")
    op.drop_constraint("message_state_check", "message", type_="check")
    op.create_check_constraint("message_state_check", "message", named.sqltext)
    return op.batch_alter_table("message")


def _create(indexes: dict[str, tuple[list[str], str | None]]) -> None:
    for name, (columns, which) in indexes.items():
        only = None if which is None else sa.text(which)
        op.create_index(name, "message", columns, postgresql_where=only, sqlite_where=only)
