"""Each test that asks for `database` or `log` runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.database import Database, open_url
from kernel.eventlog import EventLog
from kernel.eventlog.testing import make_log


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/log.sqlite3"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def database(database_url: str, unique_name: str) -> Iterator[Database]:
    opened = open_url(database_url, unique_name)
    yield opened
    opened.close()


@pytest.fixture
def log(database: Database) -> EventLog:
    return make_log(database)


@pytest.fixture
def postgres(postgres_url: str, unique_name: str) -> Iterator[Database]:
    opened = open_url(postgres_url, unique_name)
    yield opened
    opened.close()
