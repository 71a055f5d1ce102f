"""A message keeps the trace that its event is part of. Those that are there already have none."""

import sqlalchemy as sa
from alembic import op

revision = "0004_trace"
down_revision = "0003_visits"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("traceparent", sa.Text, nullable=True))


def downgrade() -> None:
    op.drop_column("message", "traceparent")
