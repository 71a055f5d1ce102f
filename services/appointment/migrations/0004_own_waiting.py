"""What an account waits for is listed: found by the account."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("waiting_account", "waiting", ["account", "made_at"])


def downgrade() -> None:
    op.drop_index("waiting_account", "waiting")
