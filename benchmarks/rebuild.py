"""Making progress's tables again beside the live ones, and verifying all of it: on PostgreSQL and on SQLite.

Measured on a hall whose progress takes fifty events a second meanwhile: events per second, memory, the time of the
swap, and how long an event takes to be seen, before and while. A peer rebuilds a view of as many steps for each case
with pyeventsourcing's runner. The log holds whole lives, nine events each, a thousand cases under way at a time.
BENCH_EVENTS sets its length; with BENCH_GROWTH, the same is measured again on a log ten times as long.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.figures import percentile, report
from benchmarks.rebuild_peer import peer_rate
from kernel.clock import SystemClock
from kernel.config import load_settings
from kernel.contracts.progress import ByQueryCode, OwnCases
from kernel.database import open_database
from kernel.eventlog import EventLog, LogReader
from kernel.testing.cases import appends, corrected_and_concluded, received
from kernel.vault import Vault
from operations.services import migrate_all
from operations.setup.backing_services import postgres_server
from operations.setup.postgres import fresh_database
from services.progress.bootstrap import Progress

EVENTS = int(os.environ.get("BENCH_EVENTS") or 100_000)
GROWTH = bool(os.environ.get("BENCH_GROWTH"))
UNDER_WAY = 1_000  # cases
EVENTS_PER_CASE = 9
PEOPLE = 1_000
VIEWS = 300
LIVE_RATE = 50  # events a second
QUIET_SECONDS = 10
KEY = "00" * 32


def serials(first: int) -> list[str]:
    return [f"440106-20260209-{number:08d}" for number in range(first, first + UNDER_WAY)]


def person(serial: str) -> str:
    return f"person-{int(serial[-8:]) % PEOPLE}"


def fill(log: EventLog, written: int, events: int) -> int:
    """Append lives until there are `events` events; how many there are now."""
    vault = Vault(bytes.fromhex(KEY))
    while written < events:
        cases = serials(written // EVENTS_PER_CASE)
        lives = {s: corrected_and_concluded(person(s), vault.blind("query_code", f"{s}:C0DE")) for s in cases}
        for step in range(EVENTS_PER_CASE):
            log.append_all([appends(serial, [life[step]], step) for serial, life in lives.items()])
        written += UNDER_WAY * EVENTS_PER_CASE
    return written


class Live:
    """Cases that come in all the time, and a progress that follows them: how long each took to be seen."""

    def __init__(self, progress: Progress, log: EventLog, name: str) -> None:
        self._progress, self._log, self._name = progress, log, name
        self._ended = threading.Event()
        self.waits: list[float] = []
        self._threads = [threading.Thread(target=self._write), threading.Thread(target=self._follow)]

    def _write(self) -> None:
        number, due = 0, time.perf_counter()
        while not self._ended.is_set():
            number, due = number + 1, due + 1 / LIVE_RATE
            position = self._log.append(appends(f"live-{self._name}-{number}", [received()])).last
            began = time.perf_counter()
            while self._progress.follower.checkpoint().position < position:
                if self._ended.is_set():  # nobody follows any more
                    return
                time.sleep(0.001)
            self.waits.append(time.perf_counter() - began)
            time.sleep(max(0.0, due - time.perf_counter()))

    def _follow(self) -> None:
        while not self._ended.is_set():
            if not self._progress.follower.catch_up():
                time.sleep(0.005)

    @contextlib.contextmanager
    def running(self) -> Iterator["Live"]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            for thread in self._threads:
                thread.join()


def yichuang(*words: str) -> tuple[float, dict[str, Any], float]:
    """Seconds, the answer, and the memory in MB of a command in a process of its own."""
    command = [sys.executable, "-c", "from operations.cli import main; main()", *words, "--json"]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        output = running.stdout.read() if running.stdout else b""
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise RuntimeError(f"{words} ended with {running.returncode}: {output[-500:]!r}")
    return time.perf_counter() - began, json.loads(output), usage.ru_maxrss / 1024


def measure(name: str) -> float:
    """On the installation that the environment names; events rebuilt per second."""
    settings = load_settings()
    migrate_all(settings)
    log = EventLog(open_database(settings, "filing"), SystemClock())
    progress = Progress(
        open_database(settings, "progress"), open_database(settings, "filing"), bytes.fromhex(KEY), SystemClock()
    )
    written = fill(log, 0, EVENTS)
    rate = rebuilt(name, progress, log)
    views(f"progress.{name}", progress)
    if GROWTH:
        fill(log, written, 10 * EVENTS)
        rebuilt(f"{name}.ten_times", progress, log, rate)
        views(f"progress.{name}.ten_times", progress)
    progress.close()
    return rate


def rebuilt(name: str, progress: Progress, log: LogReader, before: float | None = None) -> float:
    progress.follower.catch_up()
    with Live(progress, log, f"{name}-before").running() as quiet:  # type: ignore[arg-type]
        time.sleep(QUIET_SECONDS)
    with Live(progress, log, f"{name}-during").running() as busy:  # type: ignore[arg-type]
        _, built, memory = yichuang("replay", "progress")
    swapping, swapped, _ = yichuang("replay", "progress", "--swap")
    if any(table["changed"] or table["gone"] for table in built["tables"]) or not swapped["swapped"]:
        raise RuntimeError(f"rebuilt tables differ from the live ones: {built['tables']}")
    rate = built["events"] / built["seconds"]
    report(f"rebuild.{name}", rate, "events/s", **({"a_tenth_of_the_events": rate / before} if before else {}))
    report(f"rebuild.{name}.memory", memory, "MB")
    report(f"rebuild.{name}.compare_and_swap", swapping, "s")
    p99 = [percentile(live.waits, 0.99) * 1000 for live in (quiet, busy)]
    report(f"rebuild.{name}.live_p99", p99[1], "ms", without=p99[1] / p99[0])
    verifying, _, memory = yichuang("verify", "--log", "filing")
    report(f"verify.{name}", log.head().position / verifying, "events/s")
    report(f"verify.{name}.memory", memory, "MB")
    return float(rate)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def views(name: str, progress: Progress) -> None:
    """The median time of a view by query code, and of a page of own cases."""
    chosen = serials(0)[:VIEWS]
    codes = [ByQueryCode().load({"serial": serial, "code": "C0DE"}) for serial in chosen]
    lists = [OwnCases().load({"principal": {"account": person(s), "kind": "individual"}}) for s in chosen]
    by_code = [timed(lambda r=r: progress.reading.by_query_code(r)) for r in codes]  # type: ignore[misc]
    own = [timed(lambda r=r: progress.reading.cases(r)) for r in lists]  # type: ignore[misc]
    report(f"{name}.view", percentile(by_code, 0.5) * 1000, "ms")
    report(f"{name}.own_cases", percentile(own, 0.5) * 1000, "ms")


@contextlib.contextmanager
def installation(**environment: str) -> Iterator[None]:
    """The settings of one that begins empty."""
    before = {name: os.environ.get(name) for name in ("DATABASE_URL", "DATA_DIR", "SECRET_KEY", "AMQP_URI")}
    with tempfile.TemporaryDirectory() as directory:
        os.environ.update({"DATA_DIR": str(Path(directory) / "data"), "SECRET_KEY": KEY, "AMQP_URI": "", **environment})
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


def main() -> int:
    with postgres_server() as server:
        with fresh_database(server) as url, installation(DATABASE_URL=url):
            rate = measure("postgresql")
        with fresh_database(server) as url:
            rival = peer_rate(url)
            report("rebuild.postgresql.to_peer", rate / rival, "times", pyeventsourcing=rate / rival)
    with installation(DATABASE_URL=""):
        measure("sqlite")
    return 0


if __name__ == "__main__":
    sys.exit(main())
