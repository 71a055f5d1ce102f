"""In a process of greenlets, a long query stops its own greenlet only. Each test runs a patched process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROLOGUE = """
from kernel import green
green.patch()
import sys, threading, time
from kernel.database import open_url
database = open_url(sys.argv[1], sys.argv[2])

class Ticking(threading.Thread):
    '''How long, at most, another greenlet had to wait for its turn.'''
    def __enter__(self):
        self.on, self.longest = True, 0.0
        self.start()
        return self
    def run(self):
        last = time.monotonic()
        while self.on:
            time.sleep(0.01)
            now = time.monotonic()
            self.longest, last = max(self.longest, now - last), now
    def __exit__(self, *_):
        self.on = False
        self.join()
"""

LONG_QUERY = """
with database.read() as connection:  # the driver is loaded before anything is measured
    connection.exec_driver_sql("SELECT 1").all()
with Ticking() as ticking:
    started = time.monotonic()
    with database.read() as connection:
        connection.exec_driver_sql(sys.argv[3]).all()
    took = time.monotonic() - started
sys.stdout.write(f"{took} {ticking.longest}")
"""

CONTENDING = """
with database.write() as tx:
    tx.exec_driver_sql("CREATE TABLE t (x INTEGER)")

def add(name):
    for number in range(20):
        with database.write() as tx:
            count = tx.exec_driver_sql("SELECT count(*) FROM t").scalar_one()
            time.sleep(0)  # the other one gets its chance while we hold the lock
            tx.exec_driver_sql(f"INSERT INTO t VALUES ({count})")

with Ticking() as ticking:
    threads = [threading.Thread(target=add, args=(n,)) for n in range(30)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
with database.read() as connection:
    counted = connection.exec_driver_sql("SELECT count(*), count(DISTINCT x) FROM t").one()
sys.stdout.write(f"{counted[0]} {counted[1]} {ticking.longest}")
"""

APPENDING = """
from kernel.clock import SystemClock
from kernel.eventlog import EventLog, Sound, verify
from kernel.eventlog.testing import make_log, request
make_log(database)
log = EventLog(database, SystemClock())

def append(name):
    for number in range(5):
        log.append(request(f"{name}", number))

threads = [threading.Thread(target=append, args=(n,)) for n in range(40)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
sys.stdout.write(f"{log.head().position} {verify(log) == Sound(log.head())}")
"""

# Counts for a second or more; the test checks that it was long enough to tell.
COUNTING = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 12000000) SELECT max(x) FROM n"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data.sqlite3"
    return str(request.getfixturevalue("postgres_url"))


def in_greenlets(program: str, *arguments: str) -> list[str]:
    """What the program says, run in a process that was patched before anything else."""
    environ = {name: value for name, value in os.environ.items() if name != "PSYCOPG_WAIT_FUNC"}
    ended = subprocess.run(
        [sys.executable, "-c", PROLOGUE + program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=environ,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split()


def test_a_long_query_leaves_other_greenlets_running(url: str, unique_name: str) -> None:
    query = COUNTING if url.startswith("sqlite") else "SELECT pg_sleep(2)"
    took, longest = map(float, in_greenlets(LONG_QUERY, url, unique_name, query))
    assert took > 0.6
    assert longest < 0.5 * took  # on the hub it would be all of it; a busy machine may take some


def test_a_driver_on_the_hub_stops_them(tmp_path: Path, unique_name: str) -> None:
    """The negative control: the same query without our connection classes."""
    on_the_hub = "from kernel.database import sqlite\nsqlite.green.is_patched = lambda: False\n"
    program = PROLOGUE.replace("database = open_url", on_the_hub + "database = open_url") + LONG_QUERY
    ended = subprocess.run(
        [sys.executable, "-c", program, f"sqlite:///{tmp_path}/data.sqlite3", unique_name, COUNTING],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    took, longest = map(float, ended.stdout.split())
    assert longest > 0.9 * took


def test_greenlets_that_want_the_write_lock_take_turns(tmp_path: Path, unique_name: str) -> None:
    counted, distinct, longest = in_greenlets(CONTENDING, f"sqlite:///{tmp_path}/data.sqlite3", unique_name)
    assert (counted, distinct) == ("600", "600")
    assert float(longest) < 2.0  # on the hub, whoever waits keeps the holder of the lock from letting go of it


def test_greenlets_append_in_groups(url: str, unique_name: str) -> None:
    assert in_greenlets(APPENDING, url, unique_name) == ["200", "True"]


ROWS = """
with database.write() as tx:
    tx.exec_driver_sql("CREATE TABLE t (x INTEGER)")
    numbers = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 250)"
    tx.exec_driver_sql(f"INSERT INTO t {numbers} SELECT x FROM n")
calls = []
green.off_hub = (lambda before: lambda *args: (calls.append(args), before(*args))[1])(green.off_hub)
with database.read() as tx:
    one_by_one = [row[0] for row in tx.exec_driver_sql("SELECT x FROM t ORDER BY x")]
    handed_over = len(calls)
    found = tx.exec_driver_sql("SELECT x FROM t ORDER BY x")
    mixed = [found.fetchone()[0], *(row[0] for row in found.fetchmany(120)), *(row[0] for row in found.fetchall())]
sys.stdout.write(f"{one_by_one == mixed == list(range(1, 251))} {handed_over}")
"""


def test_rows_that_are_looped_over_are_not_handed_over_one_by_one(tmp_path: Path, unique_name: str) -> None:
    right, handed_over = in_greenlets(ROWS, f"sqlite:///{tmp_path}/data.sqlite3", unique_name)
    assert right == "True"
    assert int(handed_over) < 10
