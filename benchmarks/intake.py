"""Departments' events over AMQP: from published to appended and answered, everything on this machine.

One department publishes through pika with confirms and waits for every reply. All services run, progress and notify
included, so that the figure is of a whole hall; with `alone`, only what takes in events does.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.figures import report
from benchmarks.hall import Bench, bench_hall
from tests.hall import department_event

CASES = 200
STEPS = 30  # per case
OTHERS = ("progress", "notify", "gateway", "accounts", "catalog", "relay")


def lives(bench: Bench, serials: list[str]) -> list[dict[str, Any]]:
    """Accepted, then many steps, case after case in turn."""
    events = [department_event(bench.organ, "case.accepted", serial) for serial in serials]
    for _ in range(STEPS - 1):
        events += [department_event(bench.organ, "case.step", serial, step_name="审查") for serial in serials]
    return events


def rate(bench: Bench, events: list[dict[str, Any]]) -> float:
    """Events per second, from the first published to the last answered. The cases are accepted before that."""
    bench.department.publish(events[:CASES])
    start = time.perf_counter()
    replies = bench.department.publish(events[CASES:], timeout=120)
    seconds = time.perf_counter() - start
    refused = [reply for reply in replies.values() if not reply.appended]
    if refused:
        raise SystemExit(f"{len(refused)} refused, first: {refused[0]}")
    return len(replies) / seconds


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """Stands these processes still for a while."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def main() -> None:
    """The whole hall, then with everything but filing standing still."""
    with bench_hall() as bench:
        ready = [lives(bench, [filed["serial"] for filed in bench.file(CASES)]) for _ in range(2)]
        report("intake.whole_hall", rate(bench, ready[0]), "events/s")
        with stopped([bench.hall.pid(service) for service in OTHERS]):
            report("intake.alone", rate(bench, ready[1]), "events/s")


if __name__ == "__main__":
    main()
