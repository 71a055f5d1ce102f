"""The database part of booking on PostgreSQL: bookings over many slots, and the free times of a hall for thirty days.

BENCH_SECONDS sets how long bookings are counted. The stock is 100 halls with 200,000 bookings in 22 working days.
"""

import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import date
from multiprocessing import get_context
from typing import Any

import sqlalchemy as sa

from benchmarks.append import databases
from benchmarks.figures import percentile, report
from kernel import collector
from kernel.clock import FrozenClock
from kernel.contracts import appointment as contract
from kernel.database import open_url
from kernel.errors import Refusal
from services.appointment.application.taking import Wish, take_all
from services.appointment.testing import MORNING, Desk, wish

HALLS = int(os.environ.get("BENCH_HALLS") or 100)
BOOKINGS = int(os.environ.get("BENCH_BOOKINGS") or 200_000)
SECONDS = float(os.environ.get("BENCH_SECONDS") or 8)
THREADS = 64  # in each process
GROUPS = 5
GROUP = 32  # people who book in one transaction, as many as ask at once through the gateway
VIEWS = 400
WORKING_DAYS = 22

_FILL = """
INSERT INTO booking (number, version, state, hall, group_no, day, starts, ends, people, items, identity, mobile,
    visitor, account, language, made_at)
SELECT 'B' || n, 1, 'booked', g.hall, g.no, date '0001-01-01' + ((s.id >> 11 & 1048575) - 1)::int, s.id & 2047,
    (s.id & 2047) + 30, 1, '["item-0"]', md5('i' || n), md5('m' || n), md5('v' || n), md5('a' || n), 'zh-Hans', 0
FROM (SELECT id, row_number() OVER (ORDER BY random()) AS n FROM slot, generate_series(1, 3)) s
JOIN business_group g ON g.no = s.id >> 31 WHERE n <= :bookings
"""
_PLACES = """
INSERT INTO booking_slot (booking, slot)
SELECT number, (group_no::bigint << 31) | ((day - date '0001-01-01' + 1)::bigint << 11) | starts FROM booking
"""
_TAKEN = "UPDATE slot SET taken = c FROM (SELECT slot, count(*) AS c FROM booking_slot GROUP BY slot) p WHERE id = slot"


def hall(number: int) -> dict[str, Any]:
    """A hall of five groups, as catalog tells it."""
    units = [{"name": f"综合窗口 {unit}", "items": [f"item-{unit}"]} for unit in range(GROUPS)]
    return {"id": f"hall-{number}", "name": f"示例政务服务中心 {number}", "units": units}


def stocked(url: str) -> Desk:
    """Halls that can be booked for a month, and many who have booked."""
    database = open_url(url, "appointment")
    desk = Desk.new(database, FrozenClock(MORNING))
    rule = contract.HallRule().load({"last_working_day": WORKING_DAYS, "per_day": 50, "per_week": 50, "per_month": 50})
    schedule = contract.Schedule().load(
        {
            "weekly": {str(day): [{"since": "09:00", "until": "17:00"}] for day in range(1, 6)},
            "slot_minutes": 30,
            "capacity": 20,
        }
    )
    halls = [hall(number) for number in range(HALLS)]
    desk.app.planning.adopt(halls)
    for one in halls:
        desk.app.planning.set_rule(one["id"], rule, "bench")
        with database.read() as tx:
            groups = desk.tools.store.halls(tx, [one["id"]])[one["id"]].groups
        for group in groups:
            desk.app.planning.set_schedule(one["id"], group.id, schedule, "bench")
    with database.write() as tx:
        for statement in (_FILL, _PLACES, _TAKEN):
            tx.execute(sa.text(statement), {"bookings": BOOKINGS} if statement is _FILL else {})
    with database.single() as tx:
        tx.execute(sa.text("VACUUM ANALYZE slot, booking, booking_slot, business_group, schedule, hall_rule"))
    return desk


def days(desk: Desk) -> list[date]:
    """That can be booked and have slots."""
    rows = desk.query("SELECT DISTINCT id >> 11 & 1048575 FROM slot WHERE NOT closed ORDER BY 1")
    last = date.fromisoformat(views(desk, 0)["last_day"])
    return [day for day in (date.fromordinal(row[0]) for row in rows) if date(2026, 2, 9) < day <= last]


def views(desk: Desk, number: int) -> dict[str, Any]:
    """The free times of a hall for thirty days."""
    return desk.app.free_times.show(contract.SlotsAsked().load({"hall": f"hall-{number % HALLS}"}))


Place = Callable[[random.Random, list[date]], dict[str, Any]]


def anywhere(chance: random.Random, open_days: list[date]) -> dict[str, Any]:
    """Any hall, group, day and time."""
    start = 540 + 30 * chance.randrange(16)
    return {
        "hall": f"hall-{chance.randrange(HALLS)}",
        "items": [f"item-{chance.randrange(GROUPS)}"],
        "date": chance.choice(open_days),
        "time": f"{start // 60:02}:{start % 60:02}",
    }


def in_one_group(chance: random.Random, open_days: list[date]) -> dict[str, Any]:
    """Everybody wants the same group, most of whose slots fill up."""
    return {**anywhere(chance, open_days), "hall": "hall-1", "items": ["item-1"]}


def visits(url: str, share: int, place: Place, open_days: list[date]) -> tuple[list[float], int]:
    """What one process does: people who book for the first time, from many threads. Seconds each, how many refused."""
    desk, until = Desk(open_url(url, "appointment"), FrozenClock(MORNING)), time.monotonic() + SECONDS
    waits: list[float] = []
    refused: list[Refusal] = []

    def visit(thread: int) -> None:
        chance = random.Random(f"{share} {thread} {place.__name__}")
        while time.monotonic() < until:
            number, begun = chance.randrange(10**7), time.perf_counter()
            try:
                desk.app.bookings.book(desk.caller(f"a-{number}"), wish(number, **place(chance, open_days)))
            except Refusal as refusal:
                refused.append(refusal)
            waits.append(time.perf_counter() - begun)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(visit, range(THREADS)))
    desk.database.close()
    return waits, len(refused)


def bookings(url: str, place: Place, open_days: list[date], processes: int, name: str) -> None:
    """Counted from the first attempt to the last, by what was booked."""
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        list(pool.map(abs, range(processes)))  # until they have started
        begun = time.perf_counter()
        shares = [pool.submit(visits, url, 10 * processes + share, place, open_days) for share in range(processes)]
        found = [share.result() for share in shares]
        took = time.perf_counter() - begun
    waits = [wait for share, _ in found for wait in share]
    refused = sum(count for _, count in found)
    report(f"booking.{name}", (len(waits) - refused) / took, "bookings/s", refused=refused / len(waits))
    report(f"booking.{name}.p99", percentile(waits, 0.99) * 1000, "ms")


def groups(url: str, share: int, open_days: list[date]) -> int:
    """What one process does: groups of people who book, one transaction after another; how many have booked."""
    desk, chance = Desk(open_url(url, "appointment"), FrozenClock(MORNING)), random.Random(f"groups {share}")
    until, booked = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        people = [chance.randrange(10**7) for _ in range(GROUP)]
        wishes = [_wish(desk, number, anywhere(chance, open_days)) for number in people]
        booked += sum(isinstance(one, dict) for one in take_all(desk.tools, wishes))
    desk.database.close()
    return booked


def _wish(desk: Desk, number: int, place: dict[str, Any]) -> Wish:
    return desk.app.bookings.wish("book", desk.caller(f"a-{number}"), wish(number, **place))


def database_part(url: str, open_days: list[date], processes: int) -> None:
    """The transaction alone, for as many people as come through the gateway at once."""
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        list(pool.map(abs, range(processes)))
        begun = time.perf_counter()
        booked = sum(pool.map(groups, [url] * processes, range(processes), [open_days] * processes))
        took = time.perf_counter() - begun
    report(f"booking.database_part.{processes}_processes", booked / took, "bookings/s")


def view(desk: Desk) -> None:
    """Whole halls and single items, each time of another hall."""
    times, items = [], []
    for number in range(VIEWS):
        begun = time.perf_counter()
        views(desk, number * 7)
        times.append(time.perf_counter() - begun)
        asked = contract.SlotsAsked().load({"hall": f"hall-{number % HALLS}", "item": "item-3"})
        begun = time.perf_counter()
        desk.app.free_times.show(asked)
        items.append(time.perf_counter() - begun)
    for name, samples in (("hall", times), ("item", items)):
        report(f"booking.view_30_days.{name}.p50", percentile(samples, 0.5) * 1000, "ms")
        report(f"booking.view_30_days.{name}.p99", percentile(samples, 0.99) * 1000, "ms")


def main() -> None:
    """All figures, on one stock."""
    with databases() as make:
        url = make().render_as_string(hide_password=False)
        desk = stocked(url)
        open_days = days(desk)
        collector.spare_what_is_there()  # as every service does
        view(desk)
        desk.database.close()
        database_part(url, open_days, 1)
        database_part(url, open_days, 2)
        bookings(url, anywhere, open_days, 1, "many_slots.1_process")
        bookings(url, anywhere, open_days, 2, "many_slots.2_processes")
        bookings(url, in_one_group, open_days, 2, "one_group.2_processes")


if __name__ == "__main__":
    main()
