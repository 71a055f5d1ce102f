"""How providers have answered, so that it can be seen from outside, and when no service runs.

Times are microseconds since 1970.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005_providers"
down_revision = "0004_trace"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_answer",
        sa.Column("provider", sa.String(64), primary_key=True),
        sa.Column("failures_running", sa.Integer, nullable=False),  # since it last answered as it should
        sa.Column("accepted", sa.BigInteger, nullable=False),  # messages, ever
        sa.Column("failed", sa.BigInteger, nullable=False),  # times that it did not answer as it should, ever
        sa.Column("answered_at", sa.BigInteger),
        sa.Column("accepted_at", sa.BigInteger),
        sa.Column("reason", sa.Text),  # of its last failure
    )


def downgrade() -> None:
    op.drop_table("provider_answer")
