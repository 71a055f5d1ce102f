"""Events that were given up stay given up: who makes the tables again leaves them out."""

from alembic import op

from kernel.eventlog import create_skipped_table

revision = "0002_skipped"
down_revision = "0001_progress"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_skipped_table(op)


def downgrade() -> None:
    op.drop_table("skipped")
