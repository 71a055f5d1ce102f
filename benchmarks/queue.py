"""The database part of a hall's day on both databases: calling the next of 500 who wait, and checking in.

BENCH_CALLS sets how many are called. The log goes on growing meanwhile, and statistics are counted beside it.
"""

import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.append import databases
from benchmarks.figures import percentile, report
from kernel.clock import FrozenClock
from kernel.database import Database, open_url
from kernel.eventlog.testing import rebuilt
from services.appointment.bootstrap import CONSUMER
from services.appointment.testing import POLICE, TAX, TUESDAY, Desk

WAITING = 500
CALLS = int(os.environ.get("BENCH_CALLS") or 800)
WINDOWS = 6
VISITS = 600
THREADS = 6  # as many as a process has connections
GROUPS = (POLICE, TAX)


def opened(database: Database) -> Desk:
    """Tuesday at ten: windows for both queues, room for everybody, and the visits of the morning."""
    desk = Desk.new(database, FrozenClock("2026-02-09T08:00:00+08:00"))
    for group in GROUPS:
        desk.schedule(group, capacity=1000, window_quota=300)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda person: desk.book(person, time="10:00", date=TUESDAY), range(VISITS)))
    desk.on("2026-02-10T10:00")
    for place in range(WINDOWS):
        desk.window(str(place), groups=GROUPS)
    for place in range(WAITING):
        desk.take(group=GROUPS[place % 2])
    return desk


def timed(what: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    what()
    return time.perf_counter() - begun


def serve(desk: Desk, window: str, calls: int) -> list[float]:
    """Call the next, be done with it, and let another come, so that as many wait as before; the calls' seconds."""
    waits = []
    for place in range(calls):
        waits.append(timed(lambda: desk.call_next(window)))
        desk.at_window("finish", window)
        desk.take(group=GROUPS[place % 2])
        desk.advance(seconds=1)
    return waits


def calling(desk: Desk, database: str) -> None:
    alone = serve(desk, "0", CALLS // 2)
    with ThreadPoolExecutor(WINDOWS) as pool:
        shares = list(pool.map(lambda place: serve(desk, str(place), CALLS // 2 // WINDOWS), range(WINDOWS)))
    together = [wait for share in shares for wait in share]
    for name, waits in (("one_window", alone), (f"{WINDOWS}_windows", together)):
        report(f"queue.call_next.{name}.{database}.p50", percentile(waits, 0.5) * 1000, "ms")
        report(f"queue.call_next.{name}.{database}.p99", percentile(waits, 0.99) * 1000, "ms")


def checking_in(desk: Desk, database: str) -> None:
    """All of the morning's visitors at once; and one after another, as at a desk."""
    numbers = [row[0] for row in desk.query("SELECT number FROM booking WHERE state = 'booked' ORDER BY number")]
    owners = dict(desk.query("SELECT number, account FROM booking"))
    app = desk.app.checking_in

    def check_in(number: str) -> float:
        return timed(lambda: app.check_in(desk.caller(owners[number]), number))

    one_by_one = [check_in(number) for number in numbers[: VISITS // 4]]
    with ThreadPoolExecutor(THREADS) as pool:
        begun = time.perf_counter()
        list(pool.map(check_in, numbers[VISITS // 4 :]))
        took = time.perf_counter() - begun
    report(f"queue.check_in.{database}", len(numbers[VISITS // 4 :]) / took, "check-ins/s")
    report(f"queue.check_in.{database}.p99", percentile(one_by_one, 0.99) * 1000, "ms")


def counting(desk: Desk, database: str) -> None:
    """Statistics of all of it, from the start of the log."""
    begun = time.perf_counter()
    events = rebuilt(CONSUMER, desk.database, desk.database, desk.clock)
    report(f"queue.statistics.{database}", events / (time.perf_counter() - begun), "events/s")


def measured(database: Database, name: str) -> None:
    desk = opened(database)
    calling(desk, name)
    checking_in(desk, name)
    counting(desk, name)
    desk.check()
    database.close()


def main() -> None:
    """All figures on both databases."""
    with databases() as make:
        measured(open_url(make().render_as_string(hide_password=False), "appointment"), "postgresql")
    with tempfile.TemporaryDirectory() as directory:
        measured(open_url(f"sqlite:///{Path(directory) / 'appointment.sqlite3'}", "appointment"), "sqlite")


if __name__ == "__main__":
    main()
