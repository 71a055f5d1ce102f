"""The catalogue: its versions, departments, items with every version of their elements, files, halls, filings by day.

Times are microseconds since 1970; texts that end in “JSON” hold it as text.
"""

import sqlalchemy as sa
from alembic import op

from kernel.eventlog import create_follower_tables, create_log, drop_log
from kernel.messaging.relay import create_relay_tables, drop_relay_tables
from kernel.messaging.topology import CATALOG_EVENTS

revision = "0001_catalog"
down_revision = None
branch_labels = None
depends_on = None

# Compared byte by byte on both databases, and much faster so on PostgreSQL.
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    create_log(op)
    create_relay_tables(op, CATALOG_EVENTS)
    create_follower_tables(op)
    _create_catalogue()
    _create_items()
    op.create_table(
        "item_filed",
        sa.Column("item", NAME, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("filed", sa.Integer, nullable=False),
    )


def _create_catalogue() -> None:
    op.create_table(
        "version",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),  # JSON
    )
    op.create_table(
        "department",
        sa.Column("code", NAME, primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),  # in lists: 1, 2, 3, … as they came
        sa.Column("name", NAME, nullable=False),
        sa.Column("name_en", sa.Text, nullable=False),
        sa.Column("area", NAME, nullable=False),
        sa.Column("organ_codes", sa.Text, nullable=False),  # JSON list: what items published for it, `code` left out
        sa.Column("sample", sa.Boolean, nullable=False),
        sa.UniqueConstraint("name", "area"),
    )
    op.create_table(
        "hall",
        sa.Column("id", NAME, primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),  # in lists
        sa.Column("document", sa.Text, nullable=False),  # JSON, HallElements
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("retired_at", sa.BigInteger),
    )


def _create_items() -> None:
    op.create_table(
        "item",
        sa.Column("code", NAME, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),  # 1, 2, 3, … of this item
        sa.Column("department", NAME, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("updated_in", sa.Integer, nullable=False),  # version of the catalogue
        sa.Column("retired_at", sa.BigInteger),
        sa.Column("sample", sa.Boolean, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),  # of the document and of the item's files
        sa.Column("listing", sa.Text, nullable=False),  # JSON: as it stands in lists
        sa.Column("terms", sa.Text, nullable=False),  # analysed for the search
    )
    op.create_table(
        "item_version",
        sa.Column("code", NAME, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("made_in", sa.Integer, nullable=False),  # version of the catalogue
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),  # JSON, ItemElements
    )
    op.create_table(
        "item_file",
        sa.Column("code", NAME, primary_key=True),
        sa.Column("name", NAME, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),  # bytes
        sa.Column("digest", sa.Text, nullable=False),  # of the content
        sa.Column("content", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    for table in ("item_filed", "item_file", "item_version", "item", "hall", "department", "version"):
        op.drop_table(table)
    for table in ("checkpoint", "parked"):
        op.drop_table(table)
    drop_relay_tables(op)
    drop_log(op)
