"""The tables of catalog, for SQLAlchemy; migrations make them, and a test holds the two together.

Texts commented “JSON” hold it as text: nothing ever looks inside them with SQL.
"""

import sqlalchemy as sa

metadata = sa.MetaData()

# A version of the catalogue: what one import made of it. `summary` is JSON: {"added", "changed", "retired", …}.
version = sa.Table(
    "version",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("source", sa.Text),
    sa.Column("made_at", sa.BigInteger),
    sa.Column("summary", sa.Text),
)

# An organ, by name and area. `organ_codes` is a JSON list: the other codes that its items were published with.
department = sa.Table(
    "department",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("place", sa.Integer),  # in lists
    sa.Column("name", sa.Text),
    sa.Column("name_en", sa.Text),
    sa.Column("area", sa.Text),
    sa.Column("organ_codes", sa.Text),
    sa.Column("sample", sa.Boolean),
)

# An item as it stands. `listing` is JSON (services.catalog.domain.listing), `terms` is what the search analysed.
item = sa.Table(
    "item",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer),
    sa.Column("department", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("updated_in", sa.Integer),  # version of the catalogue
    sa.Column("retired_at", sa.BigInteger),
    sa.Column("sample", sa.Boolean),
    sa.Column("digest", sa.Text),
    sa.Column("listing", sa.Text),
    sa.Column("terms", sa.Text),
)

# Every version of an item's elements, for ever. `document` is JSON: kernel.contracts.items.ItemElements, dumped.
item_version = sa.Table(
    "item_version",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("made_in", sa.Integer),  # version of the catalogue
    sa.Column("made_at", sa.BigInteger),
    sa.Column("document", sa.Text),
)

item_file = sa.Table(
    "item_file",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("title", sa.Text),
    sa.Column("media_type", sa.Text),
    sa.Column("size", sa.Integer),
    sa.Column("digest", sa.Text),  # of the content
    sa.Column("content", sa.LargeBinary),
)

# `document` is JSON: kernel.contracts.halls.HallElements, dumped.
hall = sa.Table(
    "hall",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("place", sa.Integer),  # in lists
    sa.Column("document", sa.Text),
    sa.Column("digest", sa.Text),
    sa.Column("retired_at", sa.BigInteger),
)

# How often an item was filed on a day; a projection of the case log.
item_filed = sa.Table(
    "item_filed",
    metadata,
    sa.Column("item", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("filed", sa.Integer),
)
