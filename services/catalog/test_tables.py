"""The tables as SQL is written for them are those that migrations make."""

import sqlalchemy as sa

from services.catalog.adapters.tables import metadata
from services.catalog.desk import Desk


def test_the_tables_are_those_that_were_migrated(desk: Desk) -> None:
    there = sa.inspect(desk.database.engine)
    for name, table in metadata.tables.items():
        assert [column["name"] for column in there.get_columns(name)] == [column.name for column in table.c]
        key = there.get_pk_constraint(name)["constrained_columns"]
        assert key == [column.name for column in table.primary_key]
