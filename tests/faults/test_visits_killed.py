"""appointment and notify killed again and again while people book: each booking is whole, with one SMS, or not there.

Whoever gets no answer asks again under the same Idempotency-Key, as people and their browsers do.
"""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from kernel.database import open_database
from kernel.eventlog import LogReader
from kernel.testing import eventually
from tests.crowd import make_people
from tests.faults.conftest import Site
from tests.hall import Hall

PEOPLE, KILLS = 60, 6
HALL = "guangzhou"


@pytest.fixture
def tokens(site: Site) -> list[str]:
    """Of people who are logged in."""
    eventually(lambda: site.hall.call("GET", f"/halls/{HALL}/slots").status_code == 200, timeout=60, every=0.1)
    return make_people(site.settings, PEOPLE, first=1000)


def places(hall: Hall) -> list[dict[str, Any]]:
    """Wishes for different groups and times, as many as there are people."""
    groups = hall.call("GET", f"/halls/{HALL}/slots").json()["groups"]
    units = hall.call("GET", f"/halls/{HALL}").json()["units"]
    items = {unit["name"]: [item["code"] for item in unit["items"]] for unit in units}
    found = []
    for group in groups:
        item = next(code for code in items[group["name"]] if hall.item(code)["bookable"])
        found += [
            {"hall": HALL, "item": item, "date": day["date"], "time": time["time"]}
            for day in group["days"]
            for time in day["times"]
        ]
    return found[:PEOPLE]


def book(hall: Hall, number: int, token: str, wish: dict[str, Any]) -> str:
    """Until it is booked; its number."""

    def booked() -> str | None:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"visit-{number}"}
        try:
            answer = requests.post(f"{hall.url}/api/v1/appointments", json=wish, headers=headers, timeout=30)
        except requests.ConnectionError:
            return None
        assert answer.status_code in (201, 500, 503, 504), answer.text
        return answer.json().get("number")

    return eventually(booked, timeout=120, every=0.2)


def test_every_booking_is_whole_with_one_sms(site: Site, tokens: list[str]) -> None:
    running = site.hall
    wishes, numbers = places(running), []

    def arrive(number: int) -> None:
        numbers.append(book(running, number, tokens[number], wishes[number]))

    with ThreadPoolExecutor(8) as pool:
        people = [pool.submit(arrive, number) for number in range(PEOPLE)]
        kill_again_and_again(running, numbers)
        for person in people:
            person.result()
    assert len(set(numbers)) == PEOPLE
    eventually(lambda: messages(running) == dict.fromkeys(numbers, 1), timeout=60, every=0.2)
    database = open_database(site.settings, "appointment")
    told = Counter(event.stream for event in LogReader(database).read(0, 10_000) if event.type == "visit.booked")
    with database.read() as tx:
        rows = {row[0] for row in tx.execute(sa.text("SELECT number FROM booking WHERE state = 'booked'"))}
    database.close()
    assert told == dict.fromkeys(numbers, 1)
    assert rows == set(numbers)


def kill_again_and_again(hall: Hall, booked: list[str]) -> None:
    """`kill -9` of each of the two services in turn, whenever a few more have booked."""
    for count in range(KILLS):
        enough = (count + 1) * PEOPLE // (KILLS + 1)
        eventually(lambda enough=enough: len(booked) >= enough, timeout=120, every=0.002)
        service = ("appointment", "notify")[count % 2]
        dead = hall.kill(service)
        eventually(lambda service=service, dead=dead: another(hall, service, dead), timeout=60, every=0.05)


def another(hall: Hall, service: str, dead: int) -> bool:
    path = hall.data_dir / "run" / f"{service}.pid"
    return path.exists() and int(path.read_text()) != dead


def messages(hall: Hall) -> dict[str, int]:
    """How many SMS say of each booking that it is booked."""
    found = [json.loads(path.read_text()) for path in (hall.data_dir / "outbox").glob("*.visit.booked.sms.*.json")]
    return dict(Counter(one["serial"] for one in found))
