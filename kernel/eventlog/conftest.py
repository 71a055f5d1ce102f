"""Each test that asks for `database` or `log` runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.clock import FrozenClock
from kernel.database import Database, open_url
from kernel.eventlog import EventLog, Follower, Recorded
from kernel.eventlog.testing import NOON, Seen, make_log, request as append_request, step
from kernel.eventlog.testing_rebuilding import BAD, Site


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


@pytest.fixture
def seen(database: Database) -> Seen:
    return Seen(database)


@pytest.fixture
def follower(seen: Seen, database: Database, log: EventLog) -> Follower:
    return Follower(seen, database, log, FrozenClock(NOON))


@pytest.fixture
def ten(log: EventLog) -> list[Recorded]:
    """Ten events of three streams: A has 1 4 7 10, B has 2 5 8, C has 3 6 9. Their ids are e1 to e10."""
    log.append_all([append_request("ABC"[n % 3], n // 3, step(f"e{n + 1}")) for n in range(10)])
    return log.read(0)


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path, unique_name: str) -> Iterator[Site]:
    BAD.clear()
    if request.param == "sqlite":
        made = Site(lambda owner: f"sqlite:///{tmp_path}/{owner}.sqlite3", unique_name, tmp_path / "migrations")
    else:
        postgres_url = request.getfixturevalue("postgres_url")
        made = Site(lambda owner: postgres_url, unique_name, tmp_path / "migrations")
    yield made
    made.close()
