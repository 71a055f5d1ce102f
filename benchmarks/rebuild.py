"""Making progress's tables again from the log: events per second on PostgreSQL and on SQLite, and what a view costs.

The log holds whole lives of cases, nine events each, a thousand cases under way at a time. BENCH_EVENTS sets its
length; with BENCH_GROWTH, the same is measured again on a log ten times as long.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figures import report
from kernel.clock import SystemClock
from kernel.contracts.progress import ByQueryCode, OwnCases
from kernel.database import migrate, open_url
from kernel.eventlog import EventLog
from kernel.testing.cases import appends, corrected_and_concluded, make_log
from kernel.vault import Vault
from operations.setup.backing_services import postgres_server
from operations.setup.postgres import fresh_database
from services.progress.bootstrap import MIGRATIONS, Progress

EVENTS = int(os.environ.get("BENCH_EVENTS") or 100_000)
GROWTH = bool(os.environ.get("BENCH_GROWTH"))
UNDER_WAY = 1_000  # cases
EVENTS_PER_CASE = 9
PEOPLE = 1_000
VIEWS = 300
KEY = bytes(32)


def serials(first: int) -> list[str]:
    return [f"440106-20260209-{number:08d}" for number in range(first, first + UNDER_WAY)]


def person(serial: str) -> str:
    return f"person-{int(serial[-8:]) % PEOPLE}"


def fill(log: EventLog, written: int, events: int) -> int:
    """Append lives until there are `events` events; how many there are now."""
    vault = Vault(KEY)
    while written < events:
        cases = serials(written // EVENTS_PER_CASE)
        lives = {s: corrected_and_concluded(person(s), vault.blind("query_code", f"{s}:C0DE")) for s in cases}
        for step in range(EVENTS_PER_CASE):
            log.append_all([appends(serial, [life[step]], step) for serial, life in lives.items()])
        written += UNDER_WAY * EVENTS_PER_CASE
    return written


def timed(work: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def measure(name: str, log_url: str, own_url: str) -> None:
    database = open_url(own_url, "progress")
    migrate(database, MIGRATIONS)
    log_database = make_log(open_url(log_url, "filing"))
    progress = Progress(database, log_database, KEY, SystemClock())
    log = EventLog(log_database, SystemClock())
    written = fill(log, 0, EVENTS)
    first = rebuilt(f"rebuild.{name}", progress)
    views(f"progress.{name}", progress)
    if GROWTH:
        written = fill(log, written, 10 * EVENTS)
        rebuilt(f"rebuild.{name}.ten_times", progress, first)
        views(f"progress.{name}.ten_times", progress)
    progress.close()


def rebuilt(name: str, progress: Progress, before: float | None = None) -> float:
    seconds, events = timed(progress.rebuild)
    rate = events / seconds
    report(name, rate, "events/s", **({"a_tenth_of_the_events": rate / before} if before else {}))
    return float(rate)


def views(name: str, progress: Progress) -> None:
    """The median time of a view by query code, and of a page of own cases."""
    chosen = serials(0)[:VIEWS]
    codes = [ByQueryCode().load({"serial": serial, "code": "C0DE"}) for serial in chosen]
    lists = [OwnCases().load({"principal": {"account": person(s), "kind": "individual"}}) for s in chosen]
    report(f"{name}.view", median(timed(lambda r=r: progress.reading.by_query_code(r))[0] for r in codes) * 1000, "ms")
    report(f"{name}.own_cases", median(timed(lambda r=r: progress.reading.cases(r))[0] for r in lists) * 1000, "ms")


def median(values: Iterator[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def main() -> int:
    with postgres_server() as server, fresh_database(server) as url:
        measure("postgresql", url, url)
    with tempfile.TemporaryDirectory() as directory:
        files = [f"sqlite:///{Path(directory)}/{owner}.sqlite3" for owner in ("filing", "progress")]
        measure("sqlite", *files)
    return 0


if __name__ == "__main__":
    sys.exit(main())
