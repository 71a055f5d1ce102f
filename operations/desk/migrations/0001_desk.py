"""The log of what operators did by hand: append-only and chained, as the others."""

from alembic import op

from kernel.eventlog import create_log, drop_log

revision = "0001_desk"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_log(op)


def downgrade() -> None:
    drop_log(op)
