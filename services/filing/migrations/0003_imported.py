"""The log's head tells up to where it came from elsewhere, and counters how many numbers they gave in vain.

Nobody here is told of what came from elsewhere. A number in vain is one that no case on the log has: of a case that was
not imported, or one that an operator settled.
"""

import sqlalchemy as sa
from alembic import op

from kernel.eventlog import add_imported

revision = "0003_imported"
down_revision = "0002_trace"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_imported(op)
    op.add_column("serial_counter", sa.Column("unused", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("serial_counter", "unused")
    op.drop_column("log_head", "imported")
