"""Events that were given up stay given up: who makes the tables again leaves them out."""

from alembic import op

from kernel.eventlog import create_skipped_table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_skipped_table(op)


def downgrade() -> None:
    op.drop_table("skipped")
