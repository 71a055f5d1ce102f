"""Booking through the gateway: people who book for the first time, 32 at once, over many slots, on two cores.

Beside it, in the same run, stock nameko with one trivial RPC a request. PEOPLE sets how many book.
"""

import asyncio
import os
import random
import tempfile
import time
from pathlib import Path

from benchmarks.figures import percentile, report
from benchmarks.load import get
from benchmarks.rpc import running
from kernel.config import load_settings
from kernel.testing import free_port
from operations.setup.backing_services import postgres_server, rabbitmq_server
from operations.setup.postgres import fresh_database
from tests.crowd import SECRET, booking_request, exchange, make_hall, make_people, served

PEOPLE = int(os.environ.get("BENCH_PEOPLE") or 3000)
CONNECTIONS = 32
GROUPS = 20
HALL = {
    "id": "bench",
    "name": "大厅",
    "units": [{"name": f"综合窗口 {unit}", "items": [f"item-{unit}"]} for unit in range(GROUPS)],
}
SCHEDULE = {
    "weekly": {str(day): [{"since": "09:00", "until": "17:00"}] for day in range(1, 8)},
    "slot_minutes": 30,
    "capacity": 20,
}


async def _book(port: int, requests: list[bytes]) -> list[float]:
    """All of them, over so many connections; seconds each. Raises RuntimeError where one is not booked."""
    waits: list[float] = []

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while requests:
            request, begun = requests.pop(), time.perf_counter()
            status, body = await exchange(reader, writer, request)
            waits.append(time.perf_counter() - begun)
            if status != 201:
                raise RuntimeError(f"{status}: {body}")
        writer.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return waits


def main() -> None:
    """One gateway, one process of appointment, RabbitMQ and PostgreSQL on the same machine."""
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres_server() as server,
        fresh_database(server) as url,
        rabbitmq_server() as broker,
        broker.fresh_vhost() as uri,
    ):
        settings = load_settings({"AMQP_URI": uri, "DATABASE_URL": url, "SECRET_KEY": SECRET, "DATA_DIR": folder})
        tokens, days, chance = make_people(settings, PEOPLE), make_hall(settings, HALL, SCHEDULE), random.Random(7)
        wishes = [
            {
                "hall": "bench",
                "item": f"item-{chance.randrange(GROUPS)}",
                "date": chance.choice(days).isoformat(),
                "time": f"{chance.randrange(9, 17):02}:{chance.choice((0, 30)):02}",
            }
            for _ in tokens
        ]
        requests = [booking_request(token, "k", wish) for token, wish in zip(tokens, wishes, strict=True)]
        stock_port = free_port()
        with (
            served(settings, Path(folder), processes=1, gateways=1) as (port,),
            running("benchmarks.stock", uri, stock_port),
        ):
            begun = time.perf_counter()
            waits = asyncio.run(_book(port, requests))
            rate = len(waits) / (time.perf_counter() - begun)
            peer = get(stock_port, lambda number: f"/progress/{number}", 2000, CONNECTIONS).rate
    report("visiting.book", rate, "bookings/s", stock_nameko=rate / peer)
    report("visiting.book.p50", percentile(waits, 0.5) * 1000, "ms")
    report("visiting.book.p99", percentile(waits, 0.99) * 1000, "ms")


if __name__ == "__main__":
    main()
