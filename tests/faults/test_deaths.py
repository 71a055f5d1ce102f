"""Whatever dies in between: in the end the log, progress and the messages agree exactly.

Each test does harm while events flow, then waits for the dust to settle.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from kernel.testing import eventually
from operations.department_client import DepartmentClient, NoReply, Reply, Unreachable
from tests.faults.conftest import Site
from tests.hall import department_event

QUEUES = ("filing.department-events", "progress.case-events", "notify.case-events")
STEPS = 37  # many events of few cases: that they are filed over HTTP is not the point


def lives(site: Site, serials: Sequence[str]) -> list[dict[str, Any]]:
    """What the department says about these cases, all accepted first, all concluded last."""
    says: list[Callable[[str], dict[str, Any]]] = [lambda s: department_event(site.organ, "case.accepted", s)]
    says += [lambda s: department_event(site.organ, "case.step", s, step_name="审查")] * STEPS
    says += [lambda s: department_event(site.organ, "case.approved", s, document_number="准字1号")]
    says += [lambda s: department_event(site.organ, "case.concluded", s, outcome="准予")]
    return [say(serial) for say in says for serial in serials]


def publish_all(site: Site, events: Sequence[dict[str, Any]], stop: threading.Event) -> dict[str, Reply]:
    """As a careful department does: whatever isn't answered in time is published again, under the same id."""
    replies: dict[str, Reply] = {}
    with DepartmentClient(site.department_uri, site.organ) as client:
        for start in range(0, len(events), 500):
            page = events[start : start + 500]
            while not stop.is_set() and any(event["id"] not in replies for event in page):
                try:
                    replies |= client.publish([event for event in page if event["id"] not in replies], timeout=10)
                except NoReply as late:
                    replies |= late.replies
                except Unreachable:
                    client.close()
    return replies


@dataclass
class Publishing:
    """Events on their way, in a thread."""

    replies: "Future[dict[str, Reply]]"
    stop: threading.Event


@pytest.fixture
def publishing(site: Site) -> Iterator[Callable[[Sequence[dict[str, Any]]], Publishing]]:
    """Starts to publish; ends by itself, or with the test."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        yield lambda events: Publishing(pool.submit(publish_all, site, events, stop), stop)
        stop.set()


def restarted(site: Site, service: str, dead: int) -> None:
    """Until the supervisor has started the service again."""

    def another() -> bool:
        path = site.hall.data_dir / "run" / f"{service}.pid"
        return path.exists() and int(path.read_text()) != dead

    eventually(another, timeout=30)


def settled(site: Site, going: Publishing, events: Sequence[dict[str, Any]]) -> None:
    """Every event was answered as appended, and all agree."""
    replies = going.replies.result(timeout=180)
    assert [replies[event["id"]].code for event in events if not replies[event["id"]].appended] == []
    eventually(lambda: site.agrees() or True, timeout=120, every=1)


def test_kill_9_of_each_service_in_the_middle_of_10_000_events(
    site: Site, publishing: Callable[[Sequence[dict[str, Any]]], Publishing]
) -> None:
    serials = site.file(250)
    events = lives(site, serials)
    assert len(events) + len(serials) >= 10_000
    before = site.log_head()
    going = publishing(events)
    for count, service in enumerate(("filing", "relay", "progress", "notify", "filing", "relay")):
        eventually(lambda at=before + 1000 * (count + 1): site.log_head() >= at, timeout=120, every=0.05)
        restarted(site, service, site.hall.kill(service))
    settled(site, going, events)
    assert site.log_head() == before + len(events)


@pytest.mark.parametrize("server", ["rabbitmq", "postgres"])
def test_a_server_restarted_in_the_middle(
    site: Site, publishing: Callable[[Sequence[dict[str, Any]]], Publishing], server: str
) -> None:
    events = lives(site, site.file(25))
    before = site.log_head()
    going = publishing(events)
    eventually(lambda: site.log_head() > before + 100, timeout=60)
    getattr(site, server).restart()
    settled(site, going, events)


def test_queues_purged_in_the_middle(site: Site, publishing: Callable[[Sequence[dict[str, Any]]], Publishing]) -> None:
    events = lives(site, site.file(25))
    before = site.log_head()
    going = publishing(events)
    for count in range(3):
        eventually(lambda at=before + 100 * (count + 1): site.log_head() > at, timeout=60)
        site.rabbitmq.purge(*QUEUES)
    settled(site, going, events)


def test_consumers_stopped_for_a_while(
    site: Site, publishing: Callable[[Sequence[dict[str, Any]]], Publishing]
) -> None:
    events = lives(site, site.file(10))
    stopped = [site.hall.pid(service) for service in ("progress", "notify")]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        going = publishing(events)
        going.replies.result(timeout=120)
        # The log goes on without them; the hall says that it is slow, and never hangs.
        answer = site.hall.call("GET", f"/progress/{events[0]['subject']}", params={"code": "x"})
        assert answer.status_code == 504, answer.text
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    settled(site, going, events)


def test_a_service_that_is_down_is_said_to_be_down(site: Site) -> None:
    supervisor = site.hall.process.pid
    os.kill(supervisor, signal.SIGSTOP)  # so that it isn't started again under our eyes
    try:
        site.hall.kill("progress")
        # The first may have been on its way to the dead one; it is answered 504 then.
        answer = eventually(lambda: answered(site, 503), timeout=30)[0]
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json()["code"] == "service_down"
    finally:
        os.kill(supervisor, signal.SIGCONT)
    eventually(lambda: answered(site, 404), timeout=30)


def answered(site: Site, status: int) -> list[requests.Response]:
    """A look at a case that doesn't exist, if it was answered with this status."""
    answer = site.hall.call("GET", "/progress/1", params={"code": "x"})
    return [answer] if answer.status_code == status else []
