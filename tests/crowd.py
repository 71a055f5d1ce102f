"""People with tokens, and a hall to book at, served by several gateways and processes: for tests and benchmarks.

Makes the people where accounts keeps them, with cheap passwords: two thousand who register take minutes.
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from kernel.clock import SystemClock
from kernel.config import Settings
from kernel.contracts import accounts as contract, appointment as booking
from kernel.database import migrate, open_database
from kernel.testing import Process, eventually, free_port
from operations.services import migrations_of
from services.accounts.adapters.passwords import Passwords
from services.accounts.bootstrap import Accounts
from services.appointment import bootstrap as appointments
from tests.hall import ROOT
from tests.people import Person

SECRET = "5a" * 32
GUARDED = ("-m", "operations.serve", "appointment")


def make_people(settings: Settings, count: int, first: int = 0) -> list[str]:
    """So many people with accounts, numbered from `first`; the token of each."""
    database = open_database(settings, "accounts")
    migrate(database, migrations_of("accounts"))
    accounts = Accounts(database, settings.key(), SystemClock(), Passwords(time_cost=1, memory_kib=64))

    def arrive(number: int) -> str:
        person = Person(number)
        accounts.people.register(contract.Register().load(person.registration()))
        login = {"login": person.registration()["mobile"], "password": person.password}
        return str(accounts.sessions.open(login)["token"])

    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(arrive, range(first, first + count)))
    accounts.close()
    return tokens


def make_hall(settings: Settings, hall: dict[str, Any], schedule: dict[str, Any]) -> list[date]:
    """A hall as catalog tells it, all its groups with this schedule; the days that can be booked."""
    database = open_database(settings, "appointment")
    migrate(database, migrations_of("appointment"))
    app = appointments.Appointments(appointments.make_tools(database, settings, SystemClock()))
    app.planning.adopt([hall])
    app.planning.set_rule(hall["id"], booking.HallRule().load({"last_working_day": 10}), "staff")
    for group in app.planning.schedules(hall["id"])["items"]:
        app.planning.set_schedule(hall["id"], group["group"], booking.Schedule().load(schedule), "staff")
    asked = {"hall": hall["id"], "item": None, "date": None, "days": 30, "people": 1}
    days = app.free_times.show(asked)["groups"][0]["days"]
    app.close()
    return [date.fromisoformat(day["date"]) for day in days]


@contextmanager
def served(
    settings: Settings, data_dir: Path, appointment: Sequence[str] = GUARDED, processes: int = 2, gateways: int = 2
) -> Iterator[list[int]]:
    """Accounts, so many processes of appointment (by the command `appointment`), and gateways; their ports."""
    ports = [free_port() for _ in range(gateways)]
    commands = [(("-m", "operations.serve", "accounts"), 0), *[(tuple(appointment), 0)] * processes]
    commands += [(("-m", "operations.serve", "gateway"), port) for port in ports]
    with ExitStack() as stack:
        for number, (words, port) in enumerate(commands):
            env: dict[str, str | None] = {
                "AMQP_URI": settings.amqp_uri,
                "DATABASE_URL": settings.database_url,
                "SECRET_KEY": SECRET,
                "DATA_DIR": str(data_dir / str(number)),
                "PORT": str(port or ports[0]),
                "LOG_LEVEL": "WARNING",
                "RPC_TIMEOUT": "20",  # whatever else the machine has to do: who is slow is not what is looked for
            }
            log = data_dir / f"{number}.log"
            stack.enter_context(Process([sys.executable, *words], log=log, env=env, cwd=ROOT))
        eventually(lambda: all(map(_serves, ports)), timeout=120)
        yield ports


def _serves(port: int) -> bool:
    """Whether this gateway and accounts are there: a stranger is refused."""

    async def ask() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        status, _ = await exchange(reader, writer, booking_request("nobody", "k", {}))
        writer.close()
        return status

    try:
        return asyncio.run(ask()) == 401
    except (OSError, asyncio.IncompleteReadError):
        return False


def booking_request(token: str, key: str, wish: dict[str, Any]) -> bytes:
    """`POST /appointments`, whole."""
    content = json.dumps(wish).encode()
    head = (
        "POST /api/v1/appointments HTTP/1.1\r\nHost: hall\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: {key}\r\n\r\n"
    )
    return head.encode() + content


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, dict[str, Any]]:
    """One request and its answer: status and body. The connection is kept."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    return int(head.split(b" ", 2)[1]), json.loads(await reader.readexactly(length))
