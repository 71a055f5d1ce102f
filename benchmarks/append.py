"""Appending to the log on PostgreSQL: single events from many threads, batches, and whether a long log costs more.

Peers, in the same run and taking turns: pyeventsourcing (its default, safe mode, on its PostgreSQL recorder), and a raw
multi-row INSERT into a table of the same columns and indexes. BENCH_EVENTS sets how long the long log is.
"""

import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate

from benchmarks.figures import report
from kernel.clock import SystemClock
from kernel.database import open_url
from kernel.eventlog import Append, EventLog, NewEvent, create_log
from kernel.eventlog.drafting import draft
from kernel.eventlog.events import link
from kernel.ids import new_id

SERVER = os.environ.get("DATABASE_URL") or "postgresql://postgres@127.0.0.1:5432/postgres"
LONG = int(os.environ.get("BENCH_EVENTS") or 1_000_000)
SHORT = 1_000
THREADS = 8
EACH = 400  # single appends per thread and round
BATCH = 500
ROUNDS = 5

CLOCK = SystemClock()


def appends(count: int) -> list[Append]:
    """Requests of one event each, as a department's step in a case looks, each for a case of its own."""
    return [Append(stream=new_id(), expected_version=0, events=(_event(),)) for _ in range(count)]


def _event() -> NewEvent:
    return NewEvent(
        id=new_id(),
        source="/departments/11440100MB2C00001X",
        type="case.step",
        version=1,
        time=CLOCK.now(),
        data={"occurred_at": "2026-11-22T12:00:00+08:00", "by": "officer-17", "step": "初审", "opinion": "材料齐全"},
        organ="11440100MB2C00001X",
    )


@contextmanager
def databases() -> Iterator[Callable[[], sa.URL]]:
    """Makes databases on the server, and drops them all in the end."""
    server = sa.make_url(SERVER).set(drivername="postgresql")
    made: list[str] = []

    def make() -> sa.URL:
        made.append(f"bench_{new_id().replace('-', '')}")
        _administer(server, f"CREATE DATABASE {made[-1]}")
        return server.set(database=made[-1])

    try:
        yield make
    finally:
        for name in made:
            _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(server: sa.URL, statement: str) -> None:
    with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(statement)


def a_log(url: sa.URL, owner: str) -> EventLog:
    """An empty log in the schema `owner`."""
    database = open_url(url.render_as_string(hide_password=False), owner)
    with database.write() as tx:
        create_log(Operations(MigrationContext.configure(tx)))
    return EventLog(database, CLOCK)


def pyeventsourcing(url: sa.URL) -> Application:
    """The peer, as its documentation sets it up."""
    return Application(env=peer_environment(url))


def peer_environment(url: sa.URL) -> dict[str, str]:
    """The peer's settings for a database."""
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": url.database or "",
        "POSTGRES_HOST": url.host or "127.0.0.1",
        "POSTGRES_PORT": str(url.port or 5432),
        "POSTGRES_USER": url.username or "postgres",
        "POSTGRES_PASSWORD": url.password or "",
    }


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def by_threads(work: Callable[[Any], object], shares: Sequence[Sequence[Any]]) -> float:
    """Items per second when each thread works through its share."""

    def through(share: Sequence[Any]) -> None:
        for item in share:
            work(item)

    threads = [threading.Thread(target=through, args=(share,)) for share in shares]

    def run() -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return sum(map(len, shares)) / timed(run)


def single_appends(make: Callable[[], sa.URL]) -> None:
    """Eight threads of single-event appends, against the peer's saves of one new event."""
    log, peer = a_log(make(), "log"), pyeventsourcing(make())
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(by_threads(log.append, [appends(EACH) for _ in range(THREADS)]))
        theirs.append(by_threads(peer.save, [[Aggregate() for _ in range(EACH // 4)] for _ in range(THREADS)]))
    rate, rival = statistics.median(ours), statistics.median(theirs)
    report("append.single.8_threads", rate, "events/s", pyeventsourcing=rate / rival)
    report("append.single.8_threads.pyeventsourcing", rival, "events/s")


def batches(make: Callable[[], sa.URL]) -> None:
    """append_all of 500, against raw inserts of 500 rows whose values (chain included) were computed beforehand."""
    url = make()
    log = a_log(url, "log")
    raw = psycopg.connect(
        url.render_as_string(hide_password=False), autocommit=True, options="-c search_path=log -c jit=off"
    )
    raw.execute("CREATE TABLE raw (LIKE event INCLUDING ALL)")
    ours, values, unnested = [], [], []
    position = 0
    for _ in range(ROUNDS * 6):
        requests = appends(BATCH)
        ours.append(BATCH / timed(lambda: log.append_all(requests)))  # noqa: B023 (called at once)
        for rates, insert in ((values, _insert_values), (unnested, _insert_unnested)):
            rows = _rows(appends(BATCH), position)
            position += BATCH
            rates.append(BATCH / timed(lambda: insert(raw, rows)))  # noqa: B023 (called at once)
    raw.close()
    rate, by_values, by_unnest = map(statistics.median, (ours, values, unnested))
    report("append.batch_500", rate, "events/s", raw_insert=rate / by_values, raw_insert_unnest=rate / by_unnest)
    report("append.batch_500.raw_insert", by_values, "rows/s")
    report("append.batch_500.raw_insert_unnest", by_unnest, "rows/s")


def _rows(requests: Sequence[Append], position: int) -> list[tuple[Any, ...]]:
    rows = []
    chain = bytes(32)
    for position, request in enumerate(requests, position + 1):  # noqa: B020
        row = draft(request, CLOCK.now()).rows[0]
        chain = link(chain, position, row.body)
        rows.append((position, *row[:7], row.body, chain))
    return rows


def _insert_values(raw: psycopg.Connection[Any], rows: list[tuple[Any, ...]]) -> None:
    places = ", ".join(["(" + ", ".join(["%s"] * 10) + ")"] * len(rows))
    raw.execute(f"INSERT INTO raw VALUES {places}", [value for row in rows for value in row])


def _insert_unnested(raw: psycopg.Connection[Any], rows: list[tuple[Any, ...]]) -> None:
    types = ("bigint", "text", "int", "text", "text", "text", "int", "bigint", "text", "bytea")
    columns = ", ".join(f"%s::{name}[]" for name in types)
    raw.execute(
        f"INSERT INTO raw SELECT * FROM unnest({columns})", [list(column) for column in zip(*rows, strict=True)]
    )


def long_log(make: Callable[[], sa.URL]) -> None:
    """The cost of an append to a log of a thousand events and to one of a million, taking turns."""
    url = make()
    logs = {SHORT: a_log(url, "short"), LONG: a_log(url, "long")}
    for length, log in logs.items():
        _fill(log, length)
    singles: dict[int, list[float]] = {SHORT: [], LONG: []}
    rates: dict[int, list[float]] = {SHORT: [], LONG: []}
    for _ in range(ROUNDS * 4):
        for length, log in logs.items():
            for request in appends(25):
                singles[length].append(timed(lambda: log.append(request)))  # noqa: B023 (called at once)
            requests = appends(BATCH)
            rates[length].append(timed(lambda: log.append_all(requests)))  # noqa: B023 (called at once)
    for kind, samples in (("single", singles), ("batch_500", rates)):
        short, long = statistics.median(samples[SHORT]), statistics.median(samples[LONG])
        report(f"append.{kind}.at_{LONG}_events", long * 1e6, "us", **{f"at_{SHORT}_events": long / short})


def _fill(log: EventLog, length: int) -> None:
    while (missing := length - log.head().position) > 0:
        log.append_all(appends(min(1000, missing)))
    sys.stderr.write(f"# a log of {log.head().position} events is ready\n")


if __name__ == "__main__":
    with databases() as make_database:
        single_appends(make_database)
        batches(make_database)
        long_log(make_database)
