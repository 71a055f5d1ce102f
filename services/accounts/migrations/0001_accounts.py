"""Accounts, what they log in with, sessions, failed attempts and department keys.

Times are microseconds since 1970; sealed columns open with the vault under the account's key.
"""

import sqlalchemy as sa
from alembic import op

from kernel.idempotency import create_idempotency_table
from kernel.vault import create_vault_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_vault_table(op)
    create_idempotency_table(op)
    op.create_table(
        "account",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("role", sa.String(16), nullable=True),
        sa.Column("organ", sa.String(64), nullable=True),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("personal", sa.LargeBinary, nullable=False),  # sealed JSON: name, identity_number, mobile, email
        sa.Column("terms_accepted_at", sa.BigInteger, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "login",
        # The primary key is what lets one identity number, mobile or name have one account, whoever races.
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("account", sa.String(64), sa.ForeignKey("account.id"), nullable=False),
    )
    op.create_index("login_account", "login", ["account"])
    op.create_table(
        "session",
        sa.Column("token_digest", sa.String(64), primary_key=True),
        sa.Column("account", sa.String(64), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("session_expires_at", "session", ["expires_at"])
    op.create_table(
        "failed_login",
        sa.Column("login", sa.String(64), primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
    )
    op.create_table(
        "department_key",
        sa.Column("organ", sa.String(64), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("department_key", "failed_login", "session", "login", "account", "idempotency", "vault_key"):
        op.drop_table(table)
