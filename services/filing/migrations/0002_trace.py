"""An event that waits keeps the trace that it came with. Those that wait already have none."""

import sqlalchemy as sa
from alembic import op

revision = "0002_trace"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("waiting_event", sa.Column("traceparent", sa.String(55), nullable=True))


def downgrade() -> None:
    op.drop_column("waiting_event", "traceparent")
