"""Staff of halls, and guests: SMS codes that were sent, and the sessions that they opened.

A mobile is kept as its keyed digest only. Times are microseconds since 1970.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("hall", sa.String(64), nullable=True))
    op.create_table(
        "code_turn",
        sa.Column("mobile", sa.String(64), primary_key=True),
        sa.Column("turns", sa.Integer, nullable=False),
    )
    op.create_table(
        "verification",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("mobile", sa.String(64), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),  # keyed digest, with the id
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("guesses", sa.Integer, nullable=False),
        sa.Column("used", sa.Boolean, nullable=False),
    )
    op.create_index("verification_mobile", "verification", ["mobile", "made_at"])
    op.create_index("verification_made_at", "verification", ["made_at"])
    op.create_table(
        "guest_session",
        sa.Column("token_digest", sa.String(64), primary_key=True),
        sa.Column("mobile", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("guest_session_expires_at", "guest_session", ["expires_at"])


def downgrade() -> None:
    for table in ("guest_session", "verification", "code_turn"):
        op.drop_table(table)
    op.drop_column("account", "hall")
