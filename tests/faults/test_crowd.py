"""Two thousand people at the same moment for fifty places, over HTTP, through several gateways and processes.

Exactly fifty get one; everybody else is told that it is full, and when there is time. Without the guard more get one.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.config import Settings, load_settings
from kernel.database import open_database
from tests.crowd import SECRET, booking_request, exchange, make_hall, make_people, served

PEOPLE, PLACES = 2000, 50
HALL = {"id": "crowd", "name": "大厅", "units": [{"name": "综合窗口", "items": ["item"]}]}
SCHEDULE = {
    "weekly": {str(day): [{"since": "09:00", "until": "09:30"}] for day in range(1, 8)},
    "slot_minutes": 30,
    "capacity": PLACES,
}
UNGUARDED = ("-m", "tests.faults.serve_unguarded")

Answers = list[tuple[int, dict[str, Any]]]


@dataclass
class Crowd:
    """People with tokens, and the day that all of them want."""

    settings: Settings
    tokens: list[str]
    day: date

    def book(self, ports: list[int], people: int | None = None) -> Answers:
        """Everybody books, all at once: status and body each."""

        async def all_of_them() -> Answers:
            tokens = self.tokens[:people]
            asked = [self._book(ports[number % len(ports)], number, token) for number, token in enumerate(tokens)]
            return await asyncio.wait_for(asyncio.gather(*asked), 120)

        return asyncio.run(all_of_them())

    async def _book(self, port: int, number: int, token: str) -> tuple[int, dict[str, Any]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        wish = {"hall": "crowd", "item": "item", "date": self.day.isoformat(), "time": "09:00"}
        answer = await exchange(reader, writer, booking_request(token, f"k-{number}", wish))
        writer.close()
        return answer

    def taken(self) -> list[Any]:
        """Of the slots that somebody has booked: capacity, and bookings."""
        database = open_database(self.settings, "appointment")
        query = (
            "SELECT s.capacity, count(p.booking) FROM slot s JOIN booking_slot p ON p.slot = s.id"
            " JOIN booking b ON b.number = p.booking WHERE b.state = 'booked' GROUP BY s.id, s.capacity"
        )
        with database.read() as tx:
            found = [tuple(row) for row in tx.execute(sa.text(query))]
        database.close()
        return found


@pytest.fixture(params=[PEOPLE])
def crowd(request: pytest.FixtureRequest, postgres_database: str, rabbitmq_vhost: str, tmp_path: Path) -> Crowd:
    """A hall with fifty places a day, and people who are logged in; nothing serves yet."""
    urls = {"AMQP_URI": rabbitmq_vhost, "DATABASE_URL": postgres_database, "SECRET_KEY": SECRET}
    settings = load_settings({**urls, "DATA_DIR": str(tmp_path)})
    return Crowd(settings, make_people(settings, request.param), make_hall(settings, HALL, SCHEDULE)[0])


def test_two_thousand_people_for_fifty_places(crowd: Crowd, tmp_path: Path) -> None:
    with served(crowd.settings, tmp_path) as ports:
        answers = crowd.book(ports)
        again = crowd.book(ports, PEOPLE // 5)
    assert Counter(status if status == 201 else (status, body["code"]) for status, body in answers) == {
        201: PLACES,
        (409, "full"): PEOPLE - PLACES,
    }
    later = (crowd.day + timedelta(days=1)).isoformat()
    told = [body["next"] for status, body in answers if status == 409]
    assert all(times and times[0]["date"] >= later for times in told)
    assert [body["number"] for status, body in again if status == 201] == [
        body["number"] for status, body in answers[: len(again)] if status == 201
    ], "who has clicked twice has booked once"
    assert crowd.taken() == [(PLACES, PLACES)]


@pytest.mark.parametrize("crowd", [400], indirect=True)
def test_without_the_guard_there_are_more_visits_than_places(crowd: Crowd, tmp_path: Path) -> None:
    database = open_database(crowd.settings, "appointment")
    with database.write() as tx:
        tx.execute(sa.text("ALTER TABLE slot DROP CONSTRAINT slot_not_overbooked"))
    database.close()
    with served(crowd.settings, tmp_path, UNGUARDED) as ports:
        answers = crowd.book(ports)
    assert sum(status == 201 for status, _ in answers) > PLACES
    assert crowd.taken()[0][1] > PLACES
