"""The log's head tells up to where it came from elsewhere: nobody is told of that here."""

from alembic import op

from kernel.eventlog import add_imported

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_imported(op)


def downgrade() -> None:
    op.drop_column("log_head", "imported")
