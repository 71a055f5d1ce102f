"""Many writers at once: threads and processes, one tailing reader, and somebody who pulls the plug."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from kernel.clock import SystemClock
from kernel.database import Database, is_away
from kernel.eventlog import Appended, Duplicate, EventLog, LogReader, Outcome, Recorded, Sound, VersionConflict, verify
from kernel.eventlog.drafting import Draft
from kernel.eventlog.testing import make_log, request, step
from kernel.ids import new_id
from kernel.testing import eventually

WRITER = """
import sys
from kernel.clock import SystemClock
from kernel.database import open_url
from kernel.eventlog import EventLog
from kernel.eventlog.testing import make_log, request
url, owner, name, count = sys.argv[1:]
log = EventLog(open_url(url, owner), SystemClock())
for number in range(int(count)):
    log.append(request(f"{name}-{number // 3}", number % 3))
    if number % 5 == 0:
        log.append_all([request(f"{name}-b{number}", n) for n in range(4)])
    if number == 20:
        sys.stdout.write("under way\\n")
        sys.stdout.flush()
"""


@contextmanager
def writer(url: str, owner: str, name: str, count: int) -> Iterator[subprocess.Popen[str]]:
    """A process that appends `count` single events and some batches."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, url, owner, name, str(count)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


class Tail:
    """Reads behind the last position it saw, again and again, until it is told that the writers are done."""

    def __init__(self, read: Callable[[int], list[int]]) -> None:
        self._read = read
        self._done = threading.Event()
        self.seen: list[int] = []
        self._thread = threading.Thread(target=self._follow)

    def __enter__(self) -> "Tail":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _follow(self) -> None:
        while True:
            last_round = self._done.is_set()
            page = self._read(self.seen[-1] if self.seen else 0)
            self.seen += page
            if last_round and not page:
                return


def test_a_tailing_reader_misses_nothing(database: Database, log: EventLog, database_url: str) -> None:
    reader = LogReader(database)
    with Tail(lambda after: [event.position for event in reader.read(after)]) as tail:
        url, owner = database.engine.url.render_as_string(hide_password=False), database.owner
        with writer(url, owner, "p", 120) as p, writer(url, owner, "q", 120) as q, ThreadPoolExecutor(6) as pool:
            own = EventLog(database, SystemClock())
            for outcome in pool.map(own.append, [request(new_id(), 0) for _ in range(300)]):
                assert isinstance(outcome, Appended)
            assert (p.wait(60), q.wait(60)) == (0, 0)
    assert tail.seen == list(range(1, 300 + 2 * (120 + 24 * 4) + 1))
    assert verify(log) == Sound(log.head())


def test_a_log_numbered_by_a_sequence_loses_events_to_a_tailing_reader(postgres: Database) -> None:
    """The negative control: one transaction holds its number open while another commits the next."""
    with postgres.write() as tx:
        tx.exec_driver_sql("CREATE TABLE sequenced (position bigserial PRIMARY KEY, body text)")
    insert = "INSERT INTO sequenced (body) VALUES ('x') RETURNING position"

    def read(after: int) -> list[int]:
        with postgres.read() as connection:
            query = sa.text("SELECT position FROM sequenced WHERE position > :after ORDER BY position")
            return list(connection.execute(query, {"after": after}).scalars())

    with Tail(read) as tail, postgres.write() as slow:
        assert slow.exec_driver_sql(insert).scalar_one() == 1
        with postgres.write() as quick:
            assert quick.exec_driver_sql(insert).scalar_one() == 2
        eventually(lambda: tail.seen == [2])
    assert read(0) == [1, 2]
    assert tail.seen == [2]  # 1 was committed, and will never be seen


def test_our_log_makes_the_second_wait_instead(database: Database, log: EventLog) -> None:
    """The same situation: while the first is open nobody gets past it."""
    with ThreadPoolExecutor(1) as pool:
        with database.write() as slow:
            assert log.append_within(slow, [request("A1", 0)]) == [Appended(1, 1)]
            quick = pool.submit(log.append, request("B1", 0))
            with pytest.raises(TimeoutError):
                quick.result(0.3)
            assert log.read(0) == []
        assert quick.result(10) == Appended(2, 2)
    assert [event.stream for event in log.read(0)] == ["A1", "B1"]


def test_of_those_who_append_to_one_stream_at_once_one_wins_each_time(database: Database, log: EventLog) -> None:
    def add(name: str) -> None:
        """Load, decide, append; again when somebody else was first."""
        event = step(name)
        while True:
            try:
                log.append(request("A1", len(log.stream("A1")), event))
            except VersionConflict:
                continue
            return

    names = [f"e{n}" for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, names))
    events = log.stream("A1")
    assert sorted(event.id for event in events) == sorted(names)
    assert [event.stream_version for event in events] == list(range(1, 41))
    assert verify(log) == Sound(log.head())


def test_the_same_event_from_many_at_once_is_written_once(log: EventLog) -> None:
    same = request("A1", 0, step("e1"))
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(log.append, [same] * 16))
    assert sum(isinstance(outcome, Appended) for outcome in outcomes) == 1
    assert [event.id for event in log.read(0)] == ["e1"]


def test_a_writer_killed_in_the_middle_leaves_a_sound_log(database: Database, log: EventLog) -> None:
    url, owner = database.engine.url.render_as_string(hide_password=False), database.owner
    for name in "pqr":
        with writer(url, owner, name, 100_000) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "under way\n"
            os.kill(process.pid, signal.SIGKILL)
            assert process.wait(10) == -signal.SIGKILL
        assert isinstance(log.append(request(f"after {name}", 0)), Appended)
    events = _all(log)
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    assert verify(log) == Sound(log.head())
    batches = [event.stream for event in events if "-b" in event.stream]
    assert all(batches.count(stream) == 4 for stream in batches)  # a batch is there whole or not at all


def test_a_head_that_is_held_too_long_is_not_waited_for_for_ever(
    database: Database, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernel.database.database.LOCK_SECONDS", 0.2)
    if database.dialect == "postgresql":
        with database.write() as tx:
            tx.exec_driver_sql("ALTER FUNCTION append_events SET lock_timeout = '200ms'")
    with ThreadPoolExecutor(1) as pool, database.write() as slow:
        log.append_within(slow, [request("A1", 0)])
        fault = pool.submit(log.append, request("B1", 0)).exception(10)
    assert fault is not None
    assert is_away(fault)
    assert log.append(request("B1", 0)) == Appended(2, 2)


def test_an_append_whose_connection_broke_after_its_commit_is_found_to_be_written(postgres: Database) -> None:
    log = make_log(postgres)
    write = log._write
    broken = []

    def write_and_break(connection: sa.Connection, drafts: Sequence[Draft]) -> list[Outcome]:
        outcomes = write(connection, drafts)
        if not broken:
            broken.extend(outcomes)
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        return outcomes

    log._write = write_and_break
    assert log.append(request("A1", 0)) == Duplicate(1, 1)
    assert broken == [Appended(1, 1)]
    assert log.head().position == 1


def _all(log: LogReader) -> list[Recorded]:
    events: list[Recorded] = []
    while page := log.read(len(events)):
        events += page
    return events
