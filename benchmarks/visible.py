"""How long until everybody can see it: from a department's publishing to the new state over HTTP, at 50 events/s."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Any

import requests

from benchmarks.figures import percentile, report
from benchmarks.hall import Bench, bench_hall
from operations.department_client import DepartmentClient
from tests.hall import department_event

RATE = 50  # events/s
EVENTS = 800
WATCHED = 4  # every fourth is looked for: to look for all of them is more work for the hall than the events are
PUBLISHERS = 8  # a client waits for its reply before it takes the next
LOOK_AGAIN = 0.015  # seconds; every look costs the hall a request
DEADLINE = 5.0  # seconds after which an event counts as not visible


def seen_after(bench: Bench, filed: dict[str, Any], published: float) -> float:
    """Seconds from `published` until `GET /progress` shows the case accepted."""
    url = f"{bench.hall.url}/api/v1/progress/{filed['serial']}"
    with requests.Session() as session:
        while time.perf_counter() - published < DEADLINE:
            answer = session.get(url, params={"code": filed["query_code"]}, timeout=10)
            if answer.json().get("state") == "accepted":
                return time.perf_counter() - published
            time.sleep(LOOK_AGAIN)
    raise SystemExit(f"{filed['serial']} not visible in {DEADLINE} s")


def main() -> None:
    """Publish at a steady rate, each event to a case of its own; watch each in a thread."""
    with bench_hall() as bench, ThreadPoolExecutor(32) as threads, ExitStack() as open_clients:
        clients: SimpleQueue[DepartmentClient] = SimpleQueue()
        for _ in range(PUBLISHERS):
            clients.put(open_clients.enter_context(DepartmentClient(bench.department_uri, bench.organ)))
        watched = []
        cases = bench.file(EVENTS)
        start = time.perf_counter()
        for number, filed in enumerate(cases):
            time.sleep(max(0.0, start + number / RATE - time.perf_counter()))
            followed = threads.submit(follow, bench, clients, filed, number % WATCHED == 0)
            watched += [followed] * (number % WATCHED == 0)
        delays = [future.result() * 1000 for future in watched]
    report("visible.p50", percentile(delays, 0.50), "ms")
    report("visible.p99", percentile(delays, 0.99), "ms")


def follow(bench: Bench, clients: "SimpleQueue[DepartmentClient]", filed: dict[str, Any], look: bool) -> float:
    """Publish that a case is accepted; seconds until everybody can see it, if we are to look."""
    client = clients.get()
    event = department_event(bench.organ, "case.accepted", filed["serial"])
    published = time.perf_counter()
    client.publish([event])
    clients.put(client)
    return seen_after(bench, filed, published) if look else 0.0


if __name__ == "__main__":
    main()
