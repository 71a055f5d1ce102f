"""The database itself keeps the log append-only, whoever asks."""

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from kernel.clock import FrozenClock
from kernel.database import Database, open_url
from kernel.eventlog import Appended, Duplicate, EventLog, LogReader, grant_append, grant_read
from kernel.eventlog.testing import NOON, make_log, request, step

REFUSED = (sa.exc.IntegrityError, sa.exc.DatabaseError)


@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE event SET body = '{}'",
        "UPDATE event SET position = 7 WHERE position = 2",
        "DELETE FROM event WHERE position = 2",
        "DELETE FROM event",
        "UPDATE log_head SET position = 1",
        "UPDATE log_head SET position = 2, chain = chain",
        "DELETE FROM log_head",
        "INSERT INTO log_head (single, position, chain) VALUES (1, 9, 'x')",
        "INSERT INTO log_head (single, position, chain) VALUES (2, 9, 'x')",
    ],
)
def test_the_database_refuses_to_change_or_remove(log: EventLog, database: Database, attempt: str) -> None:
    log.append(request("A1", 0, step(), step()))
    before = (log.read(0), log.head())
    with pytest.raises(REFUSED, match=r"append-only|only moves forward|unique|log_head"), database.write() as tx:
        tx.exec_driver_sql(attempt)
    assert (log.read(0), log.head()) == before


@pytest.mark.parametrize("table", ["event", "log_head", "event, log_head"])
def test_postgresql_refuses_to_truncate(postgres: Database, table: str) -> None:
    log = make_log(postgres)
    log.append(request("A1", 0))
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), postgres.write() as tx:
        tx.exec_driver_sql(f"TRUNCATE {table} CASCADE")
    assert log.head().position == len(log.read(0)) == 1


@pytest.mark.parametrize(
    ("position", "stream_version", "id"), [(1, 9, "new"), (2, 1, "new"), (2, 9, "e1")], ids=["place", "version", "id"]
)
def test_sqlite_refuses_to_replace_an_event(
    tmp_path_factory: pytest.TempPathFactory, position: int, stream_version: int, id: str
) -> None:
    database = open_url(f"sqlite:///{tmp_path_factory.mktemp('log')}/log.sqlite3", "log")
    log = make_log(database)
    log.append(request("A1", 0, step("e1")))
    row = (position, stream_version, id)
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), database.write() as tx:
        tx.exec_driver_sql(
            "INSERT OR REPLACE INTO event SELECT ?, stream, ?, source, ?, type, version, recorded_at, '{}', chain"
            " FROM event WHERE position = 1",
            row,
        )
    assert len(log.read(0)) == 1
    database.close()


@pytest.fixture
def role(postgres_url: str, unique_name: str) -> Iterator[str]:
    """A role that may log in and nothing else."""
    server = postgres_url.replace("+psycopg", "")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {unique_name}_role LOGIN PASSWORD 'x'")
        yield f"{unique_name}_role"
        connection.execute(f"DROP OWNED BY {unique_name}_role")
        connection.execute(f"DROP ROLE {unique_name}_role")


def _as_role(database: Database, role: str) -> Database:
    url = database.engine.url.set(username=role, password="x")
    return open_url(url.render_as_string(hide_password=False), database.owner)


def test_a_role_that_may_append_may_do_nothing_else(postgres: Database, role: str) -> None:
    make_log(postgres)
    with postgres.write() as tx:
        grant_append(tx, role)
    limited = _as_role(postgres, role)
    log = EventLog(limited, FrozenClock(NOON))
    first = request("A1", 0)
    assert (log.append(first), log.append(first)) == (Appended(1, 1), Duplicate(1, 1))
    for attempt in (
        "INSERT INTO event SELECT 2, 'B1', 1, source, 'x', type, version, recorded_at, body, chain FROM event",
        "UPDATE log_head SET position = 5",
        "ALTER TABLE event DISABLE TRIGGER ALL",
        "DROP TABLE event",
        "TRUNCATE event",
    ):
        with pytest.raises(sa.exc.ProgrammingError, match=r"permission denied|must be owner"), limited.write() as tx:
            tx.exec_driver_sql(attempt)
    limited.close()


def test_a_role_that_may_read_may_not_append(postgres: Database, role: str) -> None:
    make_log(postgres).append(request("A1", 0))
    with postgres.write() as tx:
        grant_read(tx, role)
    limited = _as_role(postgres, role)
    assert [event.stream for event in LogReader(limited).read(0)] == ["A1"]
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        EventLog(limited, FrozenClock(NOON)).append(request("A1", 1))
    limited.close()


def test_a_temporary_table_of_the_callers_does_not_stand_in_for_the_log(postgres: Database, role: str) -> None:
    log = make_log(postgres)
    with postgres.write() as tx:
        grant_append(tx, role)
    limited = _as_role(postgres, role)
    with limited.write() as tx:
        tx.exec_driver_sql("CREATE TEMP TABLE event (LIKE event)")
        EventLog(limited, FrozenClock(NOON)).append_within(tx, [request("A1", 0)])
    assert [event.stream for event in log.read(0)] == ["A1"]
    limited.close()
