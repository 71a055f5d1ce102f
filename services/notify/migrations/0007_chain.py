"""A message keeps the chain value of its event, which says of which log it is. Those that are there have none."""

import sqlalchemy as sa
from alembic import op

revision = "0007_chain"
down_revision = "0006_skipped"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("chain", sa.LargeBinary, nullable=True))


def downgrade() -> None:
    op.drop_column("message", "chain")
