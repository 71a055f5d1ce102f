"""Two thousand people at the same moment for fifty places, over HTTP, through several gateways and processes.

Exactly fifty get one; everybody else is told that it is full, and when there is time. Without the guard more get one.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.clock import SystemClock
from kernel.config import Settings, load_settings
from kernel.contracts import accounts as contract, appointment as booking
from kernel.database import migrate, open_database
from kernel.testing import Process, eventually, free_port
from operations.services import migrations_of
from services.accounts.adapters.passwords import Passwords
from services.accounts.bootstrap import Accounts
from services.appointment import bootstrap as appointments
from tests.hall import ROOT
from tests.people import Person

PEOPLE, PLACES = 2000, 50
SECRET = "5a" * 32
HALL = {"id": "crowd", "name": "大厅", "units": [{"name": "综合窗口", "items": ["item"]}]}
HOURS = {"weekly": {str(day): [{"since": "09:00", "until": "09:30"}] for day in range(1, 8)}}
GUARDED = ("-m", "operations.serve", "appointment")
UNGUARDED = ("-m", "tests.faults.serve_unguarded")


@dataclass
class Crowd:
    """People with tokens, the addresses of gateways, and the day that all of them want."""

    settings: Settings
    tokens: list[str]
    day: date
    ports: list[int] = field(default_factory=list)

    def book(self) -> list[tuple[int, dict[str, Any]]]:
        """Everybody books, all at once: (status, body) each."""

        async def all_of_them() -> list[tuple[int, dict[str, Any]]]:
            asked = [self._book(number, token) for number, token in enumerate(self.tokens)]
            return await asyncio.wait_for(asyncio.gather(*asked), 120)

        return asyncio.run(all_of_them())

    async def _book(self, number: int, token: str) -> tuple[int, dict[str, Any]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.ports[number % len(self.ports)])
        wish = {"hall": "crowd", "item": "item", "date": self.day.isoformat(), "time": "09:00"}
        writer.write(_post("/api/v1/appointments", token, f"k-{number}", wish))
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), json.loads(body)

    def taken(self) -> list[Any]:
        """Of the slots of that day: capacity, and places that bookings have."""
        database = open_database(self.settings, "appointment")
        query = (
            "SELECT s.capacity, count(p.booking) FROM slot s JOIN booking_slot p ON p.slot = s.id"
            " JOIN booking b ON b.number = p.booking WHERE b.state = 'booked' GROUP BY s.id, s.capacity"
        )
        with database.read() as tx:
            found = [tuple(row) for row in tx.execute(sa.text(query))]
        database.close()
        return found


def _post(path: str, token: str, key: str, body: dict[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: hall\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: {key}\r\n\r\n"
    )
    return head.encode() + content


@pytest.fixture(params=[PEOPLE])
def crowd(request: pytest.FixtureRequest, postgres_database: str, rabbitmq_vhost: str, tmp_path: Path) -> Crowd:
    """A hall with fifty places a day, and people who are logged in; nothing serves yet."""
    urls = {"AMQP_URI": rabbitmq_vhost, "DATABASE_URL": postgres_database, "SECRET_KEY": SECRET}
    settings = load_settings({**urls, "DATA_DIR": str(tmp_path)})
    return Crowd(settings, _tokens(settings, request.param), _hall(settings))


def _tokens(settings: Settings, people: int) -> list[str]:
    database = open_database(settings, "accounts")
    migrate(database, migrations_of("accounts"))
    accounts = Accounts(database, settings.key(), SystemClock(), Passwords(time_cost=1, memory_kib=64))

    def arrive(number: int) -> str:
        person = Person(number)
        accounts.people.register(contract.Register().load(person.registration()))
        login = {"login": person.registration()["mobile"], "password": person.password}
        return str(accounts.sessions.open(login)["token"])

    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(arrive, range(people)))
    accounts.close()
    return tokens


def _hall(settings: Settings) -> date:
    database = open_database(settings, "appointment")
    migrate(database, migrations_of("appointment"))
    app = appointments.Appointments(appointments.make_tools(database, settings, SystemClock()))
    app.planning.adopt([HALL])
    app.planning.set_rule("crowd", booking.HallRule().load({"last_working_day": 10}), "staff")
    group = app.planning.schedules("crowd")["items"][0]["group"]
    schedule = booking.Schedule().load({**HOURS, "slot_minutes": 30, "capacity": PLACES})
    app.planning.set_schedule("crowd", group, schedule, "staff")
    asked = {"hall": "crowd", "item": "item", "date": None, "days": 30, "people": 1}
    days = app.free_times.show(asked)["groups"][0]["days"]
    app.close()
    return date.fromisoformat(days[0]["date"])


@contextmanager
def served(crowd: Crowd, appointment: tuple[str, ...], data_dir: Path) -> Iterator[None]:
    """Two gateways, two processes of appointment, and accounts."""
    crowd.ports = [free_port(), free_port()]
    commands = [("-m", "operations.serve", "accounts"), appointment, appointment]
    commands += [("-m", "operations.serve", "gateway")] * 2
    with ExitStack() as stack:
        for number, words in enumerate(commands):
            port = crowd.ports[number - 3] if words[-1] == "gateway" else crowd.ports[0]
            env: dict[str, str | None] = {
                "AMQP_URI": crowd.settings.amqp_uri,
                "DATABASE_URL": crowd.settings.database_url,
                "SECRET_KEY": SECRET,
                "DATA_DIR": str(data_dir / str(number)),
                "PORT": str(port),
            }
            log = data_dir / f"{number}.log"
            stack.enter_context(Process([sys.executable, *words], log=log, env=env, cwd=ROOT))
        eventually(lambda: all(map(_serves, crowd.ports)), timeout=120)
        yield


def _serves(port: int) -> bool:
    """Whether bookings reach the hall through this gateway: a stranger's is refused by accounts."""

    async def ask() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_post("/api/v1/appointments", "nobody", "k", {}))
        answer = await reader.read()
        writer.close()
        return int(answer.split(b" ", 2)[1])

    try:
        return asyncio.run(ask()) == 401
    except (OSError, IndexError):
        return False


def test_two_thousand_people_for_fifty_places(crowd: Crowd, tmp_path: Path) -> None:
    with served(crowd, GUARDED, tmp_path):
        answers = crowd.book()
        crowd.tokens = crowd.tokens[: PEOPLE // 5]
        again = crowd.book()
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
    with served(crowd, UNGUARDED, tmp_path):
        answers = crowd.book()
    assert sum(status == 201 for status, _ in answers) > PLACES
    assert crowd.taken()[0][1] > PLACES
