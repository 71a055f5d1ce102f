"""How often a person may try for visits, and how often an address: by holding, booking, moving or waiting alike."""

import pytest

from gateway import limits
from gateway.limits import Paces
from gateway.problems import TooOften
from gateway.routes import API, ROUTES
from gateway.samples import ANSWERS
from gateway.testing import PERSON, Hall
from kernel.config import Settings

WISH = {"hall": "guangzhou", "item": "1", "date": "2026-02-11", "time": "09:30"}
HOME, ELSEWHERE = "198.51.100.7", "198.51.100.8"


class Watch:
    """A monotonic clock that stands still until it is told to move."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


def hall_of(watch: Watch, settings: Settings | None = None) -> Hall:
    made = Hall(settings)
    made.services.answers = dict(ANSWERS)
    made.services.tokens["another"] = {**PERSON, "account": "a2"}
    made.edge.paces = Paces(watch)
    return made


def attempt(hall: Hall, path: str = "/appointments", token: str = "person", address: str = HOME) -> int:
    where = {"REMOTE_ADDR": address}
    return hall.ask("POST", API + path, token=token, json=WISH, environ_overrides=where).status_code


def test_a_person_tries_so_often_and_no_more_wherever_it_is(watch: Watch) -> None:
    hall = hall_of(watch)
    ways = ("/appointments", "/appointments/holds")
    assert [attempt(hall, ways[number % 2]) for number in range(60)] == [201] * 60
    asked = len(hall.services.asked_of("appointment", "book"))
    refused = hall.ask("POST", f"{API}/appointments", token="person", json=WISH)
    assert (refused.status_code, refused.json["code"]) == (429, "too_often")
    assert attempt(hall, address=ELSEWHERE) == 429
    assert len(hall.services.asked_of("appointment", "book")) == asked, "appointment has no work with it"
    assert attempt(hall, token="another") == 201
    watch.now += int(refused.headers["Retry-After"])
    assert [attempt(hall), attempt(hall)] == [201, 429]


def test_an_address_tries_so_often_and_no_more_whoever_it_is(watch: Watch) -> None:
    hall = hall_of(watch, Settings(bookings_per_address=3))
    people = ("person", "another", "person", "another")
    assert [attempt(hall, token=token) for token in people] == [201, 201, 201, 429]
    assert attempt(hall, address=ELSEWHERE) == 201


def test_everything_that_takes_a_time_keeps_the_same_pace() -> None:
    paced = {route.name for route in ROUTES if route.pace is limits.BOOKINGS}
    assert paced >= {"book", "hold", "confirm", "move_appointment", "join_waiting"}


def test_what_is_remembered_has_an_end(watch: Watch) -> None:
    paces = Paces(watch, room=100)
    for number in range(1000):
        paces.check((str(number),), 1, 600)
    assert len(paces._even) <= 100
    with pytest.raises(TooOften):
        paces.check(("999",), 1, 600)
