"""How much an owner's tables take: more when there is more in them, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from kernel.database import Database, open_url
from kernel.database.size import size_of


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path, unique_name: str) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path}/x.sqlite3"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    opened = open_url(url, unique_name)
    yield opened
    opened.close()


def test_what_is_written_is_counted_for_its_owner(database: Database, unique_name: str) -> None:
    with database.write() as tx:
        tx.exec_driver_sql("CREATE TABLE note (text TEXT)")
    empty = size_of(database)
    with database.write() as tx:
        tx.execute(sa.text("INSERT INTO note VALUES (:text)"), [{"text": f"{number}" * 500} for number in range(300)])
    assert size_of(database) >= empty + 100_000
    other = open_url(database.engine.url.render_as_string(hide_password=False), f"{unique_name}_other")
    try:
        if database.dialect == "postgresql":
            assert size_of(other) == 0
    finally:
        other.close()
