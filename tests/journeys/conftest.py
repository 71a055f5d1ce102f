"""The two ways to run, behind one face: what a department says reaches the hall over HTTP or over AMQP."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from kernel.testing import eventually
from operations.department_client import DepartmentClient
from operations.setup.backing_services import Broker
from tests.hall import Hall, running_hall

Say = Callable[[str, Sequence[Mapping[str, Any]]], list[tuple[str, Mapping[str, Any]]]]


@dataclass
class Town:
    """A hall, and a way for any organ to say something to it: (organ, events) → [(code or "appended", reply)]."""

    hall: Hall
    say: Say


def department_key(hall: Hall, organ: str) -> str:
    """Credentials for one organ, made as an operator makes them."""
    return str(json.loads(hall.does("department", "key", organ, "--json").stdout)["key"])


def over_http(hall: Hall) -> Say:
    """Departments that post their events."""
    keys: dict[str, str] = {}

    def say(organ: str, events: Sequence[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
        if organ not in keys:
            keys[organ] = department_key(hall, organ)
        # All are sent before any is waited for: one may need another that comes after it.
        first = [_post(hall, organ, keys[organ], event) for event in events]
        return [_settled(hall, organ, keys[organ], *pair) for pair in zip(events, first, strict=True)]

    return say


def _post(hall: Hall, organ: str, key: str, event: Mapping[str, Any]) -> requests.Response:
    headers = {"Content-Type": "application/cloudevents+json"}
    return hall.call("POST", "/department/events", data=json.dumps(event), auth=(organ, key), headers=headers)


def _settled(
    hall: Hall, organ: str, key: str, event: Mapping[str, Any], answer: requests.Response
) -> tuple[str, Mapping[str, Any]]:
    """The last word on an event: while it waits for another it is posted again, as departments are told to."""

    def settled() -> requests.Response | None:
        again = _post(hall, organ, key, event)
        return None if again.status_code == 202 else again

    if answer.status_code == 202:
        answer = eventually(settled, timeout=30, every=0.1)
    body = answer.json()
    return ("appended" if answer.ok else body["code"]), body


def over_amqp(broker: Broker, uri: str) -> Say:
    """Departments that publish as users of their own."""
    clients: dict[str, DepartmentClient] = {}
    vhost = urlsplit(uri).path[1:]

    def say(organ: str, events: Sequence[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
        if organ not in clients:
            clients[organ] = DepartmentClient(broker.add_department(organ, "department-password", vhost=vhost), organ)
        replies = clients[organ].publish(events, timeout=60)
        return [
            ("appended" if replies[each["id"]].appended else replies[each["id"]].code, replies[each["id"]].data)
            for each in events
        ]

    return say


@pytest.fixture(scope="package")
def embedded_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with running_hall(tmp_path_factory.mktemp("embedded") / "var") as hall:
        yield Town(hall, over_http(hall))


@pytest.fixture(scope="package")
def distributed_town(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str, rabbitmq_broker: Broker, rabbitmq_uri: str
) -> Iterator[Town]:
    data_dir: Path = tmp_path_factory.mktemp("distributed") / "var"
    with running_hall(data_dir, AMQP_URI=rabbitmq_uri, DATABASE_URL=postgres_url) as hall:
        yield Town(hall, over_amqp(rabbitmq_broker, rabbitmq_uri))


@pytest.fixture(params=["embedded", "distributed"])
def town(request: pytest.FixtureRequest) -> Town:
    """The same test on both."""
    found: Town = request.getfixturevalue(f"{request.param}_town")
    return found
