"""Transactions, migrations and what counts as away, on both databases."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from kernel.config import Settings
from kernel.database import Database, DatabaseAway, is_away, migrate, open_database, open_url
from kernel.database.away import is_full, lacks_rights
from kernel.testing import eventually, full_disk

FIRST = """
from alembic import op
import sqlalchemy as sa
revision = "0001"
down_revision = None
def upgrade():
    op.create_table("thing", sa.Column("name", sa.Text, primary_key=True))
    op.execute("INSERT INTO thing VALUES ('from the migration')")
"""
SECOND = """
from alembic import op
revision = "0002"
down_revision = "0001"
def upgrade():
    op.execute("INSERT INTO thing VALUES ('half done')")
    op.execute("INSERT INTO nowhere VALUES (1)")
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data.sqlite3"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def database(url: str, unique_name: str) -> Iterator[Database]:
    opened = open_url(url, unique_name)
    with opened.write() as tx:
        tx.exec_driver_sql("CREATE TABLE thing (name TEXT PRIMARY KEY)")
    yield opened
    opened.close()


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """A service's migrations; the directory's name has what alembic's configuration would take as its own."""
    directory = tmp_path / "migr%ations here"
    directory.mkdir()
    (directory / "0001_first.py").write_text(FIRST)
    return directory


def names(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.exec_driver_sql("SELECT name FROM thing ORDER BY name").scalars())


def put(database: Database, name: str) -> None:
    with database.write() as tx:
        tx.execute(sa.text("INSERT INTO thing VALUES (:name)"), {"name": name})


def test_a_write_is_kept_or_undone_as_a_whole(database: Database) -> None:
    def put_and_fail() -> None:
        with database.write() as tx:
            tx.exec_driver_sql("INSERT INTO thing VALUES ('undone')")
            raise InterruptedError

    put(database, "kept")
    with pytest.raises(InterruptedError):
        put_and_fail()
    assert names(database) == ["kept"]


def test_a_read_sees_one_state_throughout(database: Database) -> None:
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM thing").scalar_one() == 0
        put(database, "meanwhile")
        assert connection.exec_driver_sql("SELECT count(*) FROM thing").scalar_one() == 0
    assert names(database) == ["meanwhile"]


def test_nothing_written_in_a_read_stays(database: Database) -> None:
    refused = pytest.raises(sa.exc.InternalError) if database.dialect == "postgresql" else nullcontext()
    with refused, database.read() as connection:
        connection.exec_driver_sql("INSERT INTO thing VALUES ('x')")
    assert names(database) == []


def test_many_writers_take_turns(database: Database) -> None:
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda n: put(database, f"{n:03}"), range(100)))
    assert len(names(database)) == 100


def test_a_wrong_statement_is_not_away(database: Database) -> None:
    put(database, "x")
    for wrong in ("INSERT INTO thing VALUES ('x')", "SELECT * FROM nowhere", "nonsense"):
        with pytest.raises(sa.exc.DBAPIError) as raised, database.write() as tx:
            tx.exec_driver_sql(wrong)
        assert not is_away(raised.value)


def test_a_file_that_another_process_writes_to_is_away_after_a_while(tmp_path: Path) -> None:
    database = open_url(f"sqlite:///{tmp_path}/x.sqlite3", "x")
    other = sqlite3.connect(tmp_path / "x.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with database.single() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 50")
        with pytest.raises(sa.exc.OperationalError) as raised:
            connection.exec_driver_sql("CREATE TABLE t (x)")
    assert is_away(raised.value)
    other.close()
    database.close()


def test_a_server_that_is_not_there_is_away(unique_name: str) -> None:
    database = open_url("postgresql://nobody@127.0.0.1:1/nothing", unique_name)
    with pytest.raises(sa.exc.OperationalError) as raised, database.write():
        pytest.fail("connected to nothing")
    assert is_away(raised.value)


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (DatabaseAway("busy"), True),
        (psycopg.errors.LockNotAvailable(), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.DeadlockDetected(), True),
        (psycopg.errors.DiskFull(), True),
        (psycopg.OperationalError("consuming input failed"), True),
        (sa.exc.TimeoutError("pool is empty"), True),
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.errors.UndefinedTable(), False),
        (psycopg.DataError("NUL"), False),
        (sqlite3.ProgrammingError("closed"), False),
        (ValueError("x"), False),
    ],
)
def test_what_counts_as_away(error: Exception, away: bool) -> None:
    assert is_away(error) is away
    if isinstance(error, psycopg.Error | sqlite3.Error):
        assert is_away(sa.exc.DBAPIError("SELECT 1", {}, error)) is away


def test_connections_that_the_server_closed_are_not_handed_out(postgres_url: str, unique_name: str) -> None:
    database = open_url(postgres_url, unique_name)
    with database.write() as one, database.write() as two:
        pids = [tx.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() for tx in (one, two)]
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as other:
        for pid in pids:
            other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        eventually(
            lambda: other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)", (pids,)).fetchone() is None
        )
    for _ in range(2):
        with database.write() as tx:
            assert tx.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() not in pids
    database.close()


def test_after_a_restart_of_postgresql_the_next_call_works(private_postgres: Any, unique_name: str) -> None:
    database = open_url(private_postgres.url, unique_name)
    with database.write() as tx:
        tx.exec_driver_sql("CREATE TABLE thing (name TEXT PRIMARY KEY)")
    private_postgres.restart()
    put(database, "after the restart")
    assert names(database) == ["after the restart"]
    database.close()


def test_each_owner_has_tables_of_its_own(postgres_url: str, unique_name: str) -> None:
    for owner in (unique_name, f"{unique_name}_2"):
        database = open_url(postgres_url, owner)
        with database.write() as tx:
            tx.exec_driver_sql("CREATE TABLE thing (name TEXT PRIMARY KEY)")
        assert names(database) == []
        database.close()


@pytest.mark.parametrize(
    "spelling", ["postgres://", "postgresql://", "postgresql+psycopg://", "postgresql+psycopg2://"]
)
def test_any_spelling_of_a_postgresql_url_will_do(postgres_url: str, unique_name: str, spelling: str) -> None:
    database = open_url(spelling + postgres_url.split("://", 1)[1], unique_name)
    with database.single() as connection:
        assert connection.exec_driver_sql("SELECT current_schema()").scalar_one() == unique_name
    database.close()


@pytest.mark.parametrize("bad", ["", "Upper", "a b", 'a"; DROP', "ä"])
def test_an_owner_is_a_plain_name(bad: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not fit"):
        open_url(f"sqlite:///{tmp_path}/x.sqlite3", bad)


@pytest.mark.parametrize("bad", ["sqlite://", "sqlite:///:memory:", "mysql+pymysql://x/y"])
def test_only_a_file_or_postgresql_will_do(bad: str) -> None:
    with pytest.raises(ValueError, match=r"needs a file|neither SQLite nor PostgreSQL"):
        open_url(bad, "owner")


def test_settings_say_where_an_owners_data_are(tmp_path: Path) -> None:
    database = open_database(Settings(data_dir=tmp_path / "new" / "var"), "filing")
    with database.single() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
    assert (tmp_path / "new" / "var" / "filing.sqlite3").exists()
    database.close()


def test_migrations_run_once(url: str, unique_name: str, versions: Path) -> None:
    database = open_url(url, unique_name)
    migrate(database, versions)
    migrate(database, versions)
    assert names(database) == ["from the migration"]
    database.close()


def test_where_nothing_is_left_to_do_alembic_is_not_loaded(url: str, unique_name: str, versions: Path) -> None:
    program = (
        "import sys, pathlib; from kernel.database import *;"
        "migrate(open_url(*sys.argv[1:3]), pathlib.Path(sys.argv[3])); sys.exit('alembic' in sys.modules)"
    )
    argv = [sys.executable, "-c", program, url, unique_name, str(versions)]
    assert [subprocess.run(argv, check=False).returncode for _ in range(2)] == [1, 0]


def test_a_migration_that_fails_leaves_nothing_behind(url: str, unique_name: str, versions: Path) -> None:
    database = open_url(url, unique_name)
    migrate(database, versions)
    (versions / "0002_second.py").write_text(SECOND)
    with pytest.raises(sa.exc.DBAPIError):
        migrate(database, versions)
    assert names(database) == ["from the migration"]
    (versions / "0002_second.py").write_text(SECOND.replace("nowhere VALUES (1)", "thing VALUES ('whole')"))
    migrate(database, versions)
    assert names(database) == ["from the migration", "half done", "whole"]
    database.close()


def test_processes_and_threads_that_start_at_once_migrate_once(url: str, unique_name: str, versions: Path) -> None:
    program = (
        "import sys, pathlib; from kernel.database import *;"
        "migrate(open_url(*sys.argv[1:3]), pathlib.Path(sys.argv[3]))"
    )
    argv = [sys.executable, "-c", program, url, unique_name, str(versions)]
    processes = [subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: migrate(open_url(url, unique_name), versions), range(3)))
    for process in processes:
        _, complaint = process.communicate(timeout=60)
        assert (process.returncode, complaint) == (0, "")
    database = open_url(url, unique_name)
    assert names(database) == ["from the migration"]
    database.close()


def test_an_error_does_not_say_what_was_to_be_written(database: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError) as error, database.write() as tx:
        tx.execute(sa.text("INSERT INTO nowhere VALUES (:name)"), [{"name": "王小明"}, {"name": "a secret"}])
    assert "nowhere" in str(error.value)
    assert "王小明" not in str(error.value)
    assert "a secret" not in str(error.value)


def test_a_network_that_is_cut_under_a_statement_is_noticed_in_half_a_minute(
    postgres_url: str, unique_name: str
) -> None:
    """Cutting one needs rights over the machine; that the kernel was told to watch for it can be read."""
    database = open_url(postgres_url, unique_name)
    with database.single() as connection:
        driver: Any = connection.connection.dbapi_connection
        with socket.socket(fileno=os.dup(driver.pgconn.socket)) as seen:
            assert seen.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
    database.close()


def test_a_full_disk_and_a_missing_right_are_told_apart(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "small.sqlite3")
    connection.execute("PRAGMA max_page_count = 2")
    connection.execute("CREATE TABLE thing (name TEXT)")
    with pytest.raises(sqlite3.OperationalError) as full:
        connection.execute("INSERT INTO thing VALUES (?)", ("x" * 100_000,))
    connection.close()
    readonly = sqlite3.connect(f"file:{tmp_path}/small.sqlite3?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as refused:
        readonly.execute("INSERT INTO thing VALUES ('x')")
    readonly.close()
    assert (is_full(full.value), lacks_rights(full.value)) == (True, False)
    assert (is_full(refused.value), lacks_rights(refused.value)) == (False, True)
    shared = open_url(f"sqlite:///{tmp_path}/shared.sqlite3", "t")
    shared.close()
    with full_disk(4096), pytest.raises(sqlite3.OperationalError) as no_room:
        open_url(f"sqlite:///{tmp_path}/shared.sqlite3", "t")
    assert is_full(no_room.value), "what several processes share has no room either"
    assert is_full(psycopg.errors.DiskFull())
    assert lacks_rights(psycopg.errors.InsufficientPrivilege())
    assert not is_full(ValueError())
