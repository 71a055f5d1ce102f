"""The database part of booking on PostgreSQL: bookings over many slots, and the free times of a hall for thirty days.

BENCH_SECONDS sets how long bookings are counted. The stock is 100 halls with 200,000 bookings in 22 working days.
"""

import os
import random
import threading
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import sqlalchemy as sa

from benchmarks.append import databases
from benchmarks.figures import percentile, report
from kernel.clock import FrozenClock
from kernel.contracts import appointment as contract
from kernel.database import open_url
from kernel.errors import Refusal
from services.appointment.testing import MORNING, Desk, wish

HALLS = int(os.environ.get("BENCH_HALLS") or 100)
BOOKINGS = int(os.environ.get("BENCH_BOOKINGS") or 200_000)
SECONDS = float(os.environ.get("BENCH_SECONDS") or 8)
THREADS = 64
GROUPS = 5
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
    items = {f"item-{unit}" for unit in range(GROUPS)}
    rule = contract.HallRule().load({"last_working_day": WORKING_DAYS, "per_day": 50, "per_week": 50, "per_month": 50})
    schedule = contract.Schedule().load(
        {
            "weekly": {str(day): [{"since": "09:00", "until": "17:00"}] for day in range(1, 6)},
            "slot_minutes": 30,
            "capacity": 20,
        }
    )
    halls = [hall(number) for number in range(HALLS)]
    desk.app.planning.adopt(halls, items)
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


def bookings(desk: Desk, among: Callable[[random.Random], dict[str, Any]], name: str) -> None:
    """People who book for the first time, from many threads; counted by what is on the log."""
    until = time.monotonic() + SECONDS
    waits: list[float] = []
    refused = []

    def visit(share: int) -> None:
        chance, number = random.Random(f"{name} {share}"), share * 100_000 + desk.tools.log.head().position
        while time.monotonic() < until:
            number += 1
            begun = time.perf_counter()
            try:
                desk.app.bookings.book(desk.caller(f"a-{number}"), wish(number, **among(chance)))
            except Refusal as refusal:
                refused.append(refusal)
            waits.append(time.perf_counter() - begun)

    before, begun = desk.tools.log.head().position, time.perf_counter()
    threads = [threading.Thread(target=visit, args=(share,)) for share in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = (desk.tools.log.head().position - before) / (time.perf_counter() - begun)
    report(f"booking.{name}", rate, "bookings/s", refused=len(refused) / len(waits))
    report(f"booking.{name}.p99", percentile(waits, 0.99) * 1000, "ms")


def view(desk: Desk) -> None:
    """Whole halls, each time another."""
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
        desk = stocked(make().render_as_string(hide_password=False))
        open_days = days(desk)

        def anywhere(chance: random.Random) -> dict[str, Any]:
            start = 540 + 30 * chance.randrange(16)
            return {
                "hall": f"hall-{chance.randrange(HALLS)}",
                "items": [f"item-{chance.randrange(GROUPS)}"],
                "date": chance.choice(open_days),
                "time": f"{start // 60:02}:{start % 60:02}",
            }

        view(desk)
        bookings(desk, anywhere, "many_slots.64_threads")
        bookings(desk, lambda _: {**anywhere(random.Random(1)), "hall": "hall-1"}, "one_slot.64_threads")
        desk.database.close()


if __name__ == "__main__":
    main()
