"""A hall's day over HTTP on both databases and brokers: arriving, being called, the display, and who may not."""

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from kernel.clock import SystemClock, format_time
from kernel.testing import Process, eventually, free_port
from operations.setup.postgres import fresh_database
from tests.people import identity_number

ROOT = Path(__file__).parent.parent


@dataclass
class Place:
    """The hall of that Tuesday."""

    url: str

    def ask(self, method: str, path: str, token: str | None = None, **options: Any) -> requests.Response:
        headers = {**options.pop("headers", {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        return requests.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=20, **options)

    def done(self, method: str, path: str, token: str | None = None, **options: Any) -> dict[str, Any]:
        """What a request that must succeed is answered."""
        answer = self.ask(method, path, token, **options)
        assert answer.ok, answer.text
        return dict(answer.json())

    def at_window(self, what: str, window: str = "3", **options: Any) -> dict[str, Any]:
        return self.done("POST", f"/halls/tianhe/windows/{window}/{what}", "clerk", **options)

    def booked(self, person: int) -> str:
        """A visit of the person, for half past ten of this very day."""
        wish = {"hall": "tianhe", "item": "passport", "date": "2026-02-10", "time": "10:30"}
        return str(self.done("POST", "/appointments", f"p-{person}", json=wish)["number"])

    def group(self, name: str) -> str:
        schedules = self.done("GET", "/halls/tianhe/schedules", "manager")["items"]
        return next(str(one["group"]) for one in schedules if one["name"] == name)


@pytest.fixture(scope="module", params=["embedded", "distributed"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    yield from served(request, tmp_path_factory.mktemp("tuesday"))


def served(request: pytest.FixtureRequest, data: Path) -> Iterator[Place]:
    """The hall in a process of its own, open all day; as its parameter says."""
    port = free_port()
    env: dict[str, str | None] = {"AMQP_URI": None, "DATABASE_URL": None, "PORT": str(port), "DATA_DIR": str(data)}
    with contextlib.ExitStack() as stack:
        if request.param == "distributed":
            # Of this hall alone: others that run meanwhile would take its requests.
            env["AMQP_URI"] = stack.enter_context(request.getfixturevalue("rabbitmq_broker").fresh_vhost())
            env["DATABASE_URL"] = stack.enter_context(
                fresh_database(request.getfixturevalue("postgres_server"), durable=False)
            )
        served_by = [sys.executable, "-m", "tests.hall_day"]
        process = stack.enter_context(Process(served_by, log=data / "log", env=env, cwd=ROOT))
        stack.callback(process.kill)
        process.wait_for_port(port)
        made = Place(f"http://127.0.0.1:{port}")
        eventually(lambda: made.ask("GET", "/halls/tianhe/wait").ok, timeout=60, every=0.2)
        open_up(made)
        yield made


def open_up(place: Place) -> None:
    """Open all day, with many places; the same day may be booked."""
    weekly = {str(day): [{"since": "08:00", "until": "20:00"}] for day in range(1, 8)}
    schedule = {"weekly": weekly, "slot_minutes": 30, "capacity": 40, "window_quota": 20}
    for name in ("公安窗口", "税务窗口"):
        place.done("PUT", f"/halls/tianhe/schedules/{place.group(name)}", "manager", json=schedule)
    place.done("PUT", "/halls/tianhe/rule", "manager", json={"first_day": 0, "early_minutes": 120})
    window = {"name": "3号窗口", "groups": [place.group("公安窗口")], "open": True}
    place.done("PUT", "/halls/tianhe/windows/3", "clerk", json=window)


class Display:
    """Reads a feed event by event."""

    def __init__(self, response: requests.Response) -> None:
        self._lines = response.iter_lines()

    def next(self) -> tuple[str, dict[str, Any]]:
        event: dict[str, str] = {}
        for line in self._lines:
            if line == b"" and "data" in event:
                return event["event"], json.loads(event["data"])
            name, _, value = line.decode().partition(": ")
            event[name] = value
        raise AssertionError("the feed has ended")

    def change(self, change: str, number: str) -> dict[str, Any]:
        """Read on to that change."""
        while True:
            name, data = self.next()
            if name == "change" and (data["change"], data["number"]) == (change, number):
                return data


@contextlib.contextmanager
def display(place: Place) -> Iterator[Display]:
    headers = {"Accept": "text/event-stream"}
    url = f"{place.url}/api/v1/halls/tianhe/display"
    with requests.get(url, headers=headers, stream=True, timeout=30) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        yield Display(response)


def test_somebody_comes_is_called_and_the_display_shows_it(place: Place) -> None:
    with display(place) as shown:
        name, snapshot = shown.next()
        assert (name, snapshot["hall_name"]) == ("snapshot", "天河区政务服务中心")
        wanted = {"group": place.group("公安窗口")}
        ticket = place.done("POST", "/halls/tianhe/tickets", "clerk", json=wanted)
        assert shown.change("issued", ticket["number"])["group"] == wanted["group"]
        standing = place.done("GET", f"/tickets/{ticket['id']}")
        assert (standing["state"], standing["ahead"]) == ("waiting", 0)
        assert place.at_window("next")["ticket"]["number"] == ticket["number"]
        assert shown.change("called", ticket["number"])["window"] == "3"
        place.at_window("recall")
        shown.change("recalled", ticket["number"])
        as_json = place.done("GET", "/halls/tianhe/display", headers={"Accept": "application/json"})
        assert as_json["windows"] == [{"window": "3", "name": "3号窗口", "serving": ticket["number"]}]
        place.at_window("finish")
        shown.change("finished", ticket["number"])
    assert place.done("GET", f"/tickets/{ticket['id']}")["state"] == "finished"


def test_who_is_elderly_need_not_say_so(place: Place) -> None:
    """Person 4 is of 1950: what accounts knows is enough."""
    number = place.booked(4)
    assert identity_number(4)[6:10] == "1950"
    assert place.done("POST", f"/appointments/{number}/check-in", "p-4")["priority"] == "elderly"
    place.at_window("next")
    place.at_window("finish")


def test_who_has_booked_checks_in_and_is_served(place: Place) -> None:
    number = place.booked(1)
    ticket = place.done("POST", f"/appointments/{number}/check-in", "p-1")
    assert place.done("POST", f"/appointments/{number}/check-in", "p-1") == ticket
    assert place.at_window("next")["ticket"]["booking"] == number
    place.at_window("park", json={"minutes": 30})
    place.done("POST", f"/halls/tianhe/tickets/{ticket['id']}/return", "clerk")
    place.at_window("next")
    place.at_window("finish")
    assert place.done("GET", f"/appointments/{number}", "p-1")["state"] == "served"


def test_staff_check_in_whoever_shows_the_card_and_nobody_else(place: Place) -> None:
    number = place.booked(2)
    desk = "/halls/tianhe/check-ins"
    for refused in (
        place.ask("POST", desk, "clerk", json={"code": number, "identity_number": identity_number(3)}),
        place.ask("POST", desk, "clerk", json={"identity_number": identity_number(3)}),
        place.ask("POST", f"/appointments/{number}/check-in", "p-3"),
        place.ask("POST", f"/appointments/{number}/check-in", "clerk", json={"identity_number": identity_number(3)}),
        place.ask("POST", f"/appointments/{number}/check-in", "stranger", json={"identity_number": identity_number(2)}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (404, "unknown_booking")
    missing = place.ask("POST", f"/appointments/{number}/check-in", "clerk")
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (422, "identity_number")
    here = place.done("POST", desk, "clerk", json={"identity_number": identity_number(2), "priority": "disabled"})
    assert here["priority"] == "disabled"
    again = place.done(
        "POST", f"/appointments/{number}/check-in", "clerk", json={"identity_number": identity_number(2)}
    )
    assert again["id"] == here["id"]


STAFF_ONLY = [
    ("POST", "/halls/tianhe/check-ins", {"identity_number": identity_number(1)}),
    ("POST", "/halls/tianhe/tickets", {"group": "g"}),
    ("POST", "/halls/tianhe/tickets/t/return", None),
    ("PUT", "/halls/tianhe/windows/9", {"name": "9号窗口", "groups": ["g"], "open": True}),
    *(("POST", f"/halls/tianhe/windows/3/{what}", None) for what in ("next", "recall", "park", "finish", "no-show")),
    ("POST", "/halls/tianhe/windows/3/transfer", {"group": "g"}),
    ("GET", "/halls/tianhe/queue", None),
    ("GET", "/halls/tianhe/statistics", None),
]


@pytest.mark.parametrize(("method", "path", "body"), STAFF_ONLY, ids=lambda one: str(one)[-30:])
def test_what_staff_do_is_for_the_staff_of_the_hall(place: Place, method: str, path: str, body: Any) -> None:
    for token, status in ((None, 401), ("p-1", 403), ("stranger", 403)):
        assert place.ask(method, path, token, json=body).status_code == status


def test_statistics_are_for_who_manages_the_hall(place: Place) -> None:
    assert place.ask("GET", "/halls/tianhe/statistics", "clerk").status_code == 403

    def counted() -> bool:
        items = place.done("GET", "/halls/tianhe/statistics", "manager")["items"]
        return sum(one["called"] for one in items) > 0

    eventually(counted, timeout=30, every=0.2)
    assert place.done("GET", "/halls/tianhe/wait")["measured"]["tickets"] > 0


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/halls/tianhe/tickets", {"group": "g", "people": 99}, "people"),
        ("/halls/tianhe/tickets", {"group": "g", "identity_number": "1"}, "identity_number"),
        ("/halls/tianhe/windows/3/park", {"minutes": 1000}, "minutes"),
        ("/halls/tianhe/windows/3/transfer", {}, "group"),
        ("/halls/tianhe/windows/no%20window/next", None, "window"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(place: Place, path: str, body: Any, field: str) -> None:
    refused = place.ask("POST", path, "clerk", json=body)
    assert (refused.status_code, [one["field"] for one in refused.json()["errors"]]) == (422, [field])


def test_a_refusal_is_in_the_callers_language(place: Place) -> None:
    headers = {"Authorization": "Bearer clerk", "Accept-Language": "zh-TW"}
    url = f"{place.url}/api/v1/halls/tianhe/windows/99/next"
    refused = requests.post(url, headers=headers, timeout=20)
    assert (refused.status_code, refused.json()["detail"]) == (404, "沒有找到該窗口：99。")


def test_a_click_that_is_repeated_under_its_key_calls_one(place: Place) -> None:
    wanted = {"group": place.group("公安窗口")}
    for _ in range(2):
        place.done("POST", "/halls/tianhe/tickets", "clerk", json=wanted)
    headers = {"Authorization": "Bearer clerk", "Idempotency-Key": "click-1"}
    url = f"{place.url}/api/v1/halls/tianhe/windows/3/next"
    answers = [requests.post(url, headers=headers, timeout=20).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["ticket"] is not None
    place.at_window("no-show")


@dataclass
class Apart:
    """Appointment in a process of its own, which can be killed and started again; the others in another."""

    place: Place
    env: dict[str, str | None]
    log: Path

    def appointment(self) -> Process:
        return Process([sys.executable, "-m", "tests.hall_day", "appointment"], log=self.log, env=self.env, cwd=ROOT)

    def back(self) -> bool:
        return self.place.ask("GET", "/halls/tianhe/wait").ok


@pytest.fixture
def apart(rabbitmq_vhost: str, postgres_database: str, tmp_path: Path) -> Iterator[Apart]:
    port = free_port()
    env: dict[str, str | None] = {"AMQP_URI": rabbitmq_vhost, "DATABASE_URL": postgres_database}
    env |= {"DATA_DIR": str(tmp_path), "PORT": str(port), "BEGAN": format_time(SystemClock().now())}
    others = [sys.executable, "-m", "tests.hall_day", "gateway", "accounts", "catalog"]
    with Process(others, log=tmp_path / "log", env=env, cwd=ROOT) as process:
        process.wait_for_port(port)
        yield Apart(Place(f"http://127.0.0.1:{port}"), env, tmp_path / "appointment.log")
        process.kill()


def test_a_display_outlives_appointment(apart: Apart) -> None:
    """Killed while a display listens; another connects meanwhile. Both show what happens when it is back."""
    place = apart.place
    with apart.appointment() as killed:
        eventually(apart.back, timeout=60, every=0.2)
        open_up(place)
        with display(place) as there:
            assert there.next()[0] == "snapshot"
            wanted = {"group": place.group("公安窗口")}
            before = place.done("POST", "/halls/tianhe/tickets", "clerk", json=wanted)
            there.change("issued", before["number"])
            killed.kill()
            assert place.ask("POST", "/halls/tianhe/windows/3/next", "clerk").status_code in (503, 504)
            with display(place) as meanwhile, apart.appointment():
                waiting = {one["group"]: one["waiting"] for one in meanwhile.next()[1]["groups"]}
                assert waiting[wanted["group"]] == 1, "all of it, when it is back"
                assert place.at_window("next")["ticket"]["number"] == before["number"], "nothing was lost"
                for one in (there, meanwhile):
                    assert one.change("called", before["number"])["window"] == "3"
