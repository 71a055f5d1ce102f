"""Appointment without a broker, for its tests and benchmarks: a clock that stands still and people who book.

Real tables and a real log on either database; nothing here is used by the service.
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from kernel.clock import Clock, FrozenClock
from kernel.config import Settings
from kernel.contracts import appointment as contract
from kernel.contracts.visit import load_visit_fact
from kernel.contracts.visit_facts import VisitFact
from kernel.database import Database, migrate
from services.appointment.application.people import Caller, caller_of
from services.appointment.application.ports import Store
from services.appointment.application.tools import Tools
from services.appointment.bootstrap import MIGRATIONS, Appointments, make_tools
from services.appointment.domain.booking import Booking, rebuild
from services.appointment.domain.halls import group_id

MORNING = "2026-02-09T08:00:00+08:00"  # a Monday
TUESDAY = date(2026, 2, 10)
WEDNESDAY = date(2026, 2, 11)
POLICE = group_id("tianhe", "公安窗口")
HALL: dict[str, Any] = {
    "id": "tianhe",
    "name": "天河区政务服务中心",
    "units": [
        {"name": "公安窗口", "items": ["passport", "permit", "household"]},
        {"name": "税务窗口", "items": ["tax"]},
    ],
}


class Desk:
    """Appointment on a database, with one hall of two groups."""

    def __init__(self, database: Database, clock: Clock | None = None, store: Store | None = None) -> None:
        self.clock = clock or FrozenClock(MORNING)
        self.database = database
        tools = make_tools(database, Settings(secret_key="5a" * 32), self.clock)
        self.tools: Tools = replace(
            tools, store=store or tools.store, return_delay=lambda: timedelta(seconds=self.delay)
        )
        self.delay = 100.0  # seconds until a place that was given up comes back
        self.app = Appointments(self.tools)

    @classmethod
    def new(cls, database: Database, clock: Clock | None = None) -> "Desk":
        """On a database that has no tables yet."""
        migrate(database, MIGRATIONS)
        desk = cls(database, clock)
        desk.app.planning.adopt([HALL])
        return desk

    def another(self, store: Store | None = None, database: Database | None = None) -> "Desk":
        """Appointment once more on the same database and clock, as another process would be."""
        return Desk(database or self.database, self.clock, store)

    def advance(self, **by: float) -> None:
        """Let time pass: `advance(seconds=10)`."""
        assert isinstance(self.clock, FrozenClock)
        self.clock.advance(timedelta(**by))

    def caller(self, account: str | None = "anna", guest_mobile: str | None = None) -> Caller:
        if account is not None:
            return caller_of({"kind": "individual", "account": account})
        return caller_of({"kind": "guest", "account": self.tools.vault.blind("mobile", guest_mobile or "")})

    def schedule(self, group: str = POLICE, **change: Any) -> dict[str, Any]:
        """Set the schedule: office hours, half an hour, four places, unless said otherwise. What it answered."""
        hours = [{"since": "09:00", "until": "12:00"}, {"since": "14:00", "until": "17:00"}]
        weekly = {str(day): hours for day in range(1, 6)}
        document = {"weekly": weekly, "slot_minutes": 30, "capacity": 4, **change}
        return self.app.planning.set_schedule("tianhe", group, contract.Schedule().load(document), "staff-1")

    def rule(self, **change: Any) -> None:
        self.app.planning.set_rule("tianhe", contract.HallRule().load(change), "staff-1")

    def shut(self, **change: Any) -> dict[str, Any]:
        """Close the hall on Wednesday, unless said otherwise. What it answered."""
        day = WEDNESDAY.isoformat()
        document = {"first_day": day, "last_day": day, "reason": "设备检修", **change}
        return self.app.planning.close("tianhe", contract.Closure().load(document), "staff-1")

    def book(self, number: int = 1, **change: Any) -> dict[str, Any]:
        """The person of this number books on Tuesday at nine, unless said otherwise."""
        return self.app.bookings.book(self.caller(change.pop("account", f"a-{number}")), wish(number, **change))

    def hold(self, number: int = 1, **change: Any) -> dict[str, Any]:
        return self.app.bookings.hold(self.caller(change.pop("account", f"a-{number}")), wish(number, **change))

    def confirm(self, hold: str, number: int = 1, key: str | None = None) -> dict[str, Any]:
        return self.app.bookings.confirm(self.caller(f"a-{number}"), hold, key)

    def cancel(self, booking: str, number: int = 1, key: str | None = None) -> dict[str, Any]:
        return self.app.own_bookings.cancel(self.caller(f"a-{number}"), booking, None, key)

    def move(
        self, booking: str, number: int = 1, day: date = WEDNESDAY, time: str = "09:00", key: str | None = None
    ) -> dict[str, Any]:
        return self.app.own_bookings.move(self.caller(f"a-{number}"), booking, day, time, key)

    def facts(self, booking: str) -> list[VisitFact]:
        """What the log tells of a booking."""
        return [load_visit_fact(event.type, event.version, event.data) for event in self.tools.log.stream(booking)]

    def rebuilt(self, booking: str) -> Booking:
        """The booking that the log alone tells of."""
        return rebuild(booking, self.facts(booking))

    def query(self, text: str, **parameters: Any) -> list[Any]:
        with self.database.read() as tx:
            return list(tx.execute(sa.text(text), parameters).all())

    def taken(self) -> dict[int, int]:
        """Slots with places taken, and how many."""
        return {row[0]: row[1] for row in self.query("SELECT id, taken FROM slot WHERE taken > 0")}

    def overbooked(self) -> list[Any]:
        """Slots of which more people have a place than there are places."""
        return self.query(
            "SELECT s.id, s.capacity, count(*) FROM booking_slot p JOIN slot s ON s.id = p.slot"
            " GROUP BY s.id, s.capacity HAVING count(*) > s.capacity"
        )

    def check(self) -> None:
        """What holds at every moment: tables, places and log agree."""
        assert self.overbooked() == []
        had = self.query(
            "SELECT slot, count(*) FROM (SELECT slot FROM booking_slot UNION ALL SELECT slot FROM place_return) p"
            " GROUP BY slot"
        )
        assert {row[0]: row[1] for row in had} == self.taken()
        rows = self.query("SELECT number, version, state FROM booking WHERE version > 0")
        told = self.tools.log.streams([row[0] for row in rows])
        assert len(told) == len({event.stream for event in self.tools.log.read(0, 100_000)})
        for number, version, state in rows:
            rebuilt = self.rebuilt_of(number, told[number])
            assert (rebuilt.version, str(rebuilt.state)) == (version, state)
            row = self.booking(number)
            assert (rebuilt.starts_at, rebuilt.ends_at) == (row.starts_at, row.ends_at)

    def booking(self, number: str) -> Any:
        """Its row."""
        with self.database.read() as tx:
            return self.tools.store.booking(tx, number)

    def rebuilt_of(self, number: str, events: Any) -> Booking:
        return rebuild(number, [load_visit_fact(event.type, event.version, event.data) for event in events])

    def traces(self) -> dict[str, Any]:
        """What would show that something has changed."""
        tables = ("visitor", "booking", "booking_slot", "place_return", "idempotency", "event", "block")
        counts = {table: self.query(f"SELECT count(*) FROM {table}")[0][0] for table in tables}
        return {**counts, "taken": self.taken()}


def wish(number: int = 1, **change: Any) -> dict[str, Any]:
    """A request to book as it comes from its schema; of the person of this number, unless `visitor` says otherwise."""
    asked = {
        "hall": "tianhe",
        "items": ["passport"],
        "people": 1,
        "date": TUESDAY,
        "time": "09:00",
        "language": "zh-Hans",
        "idempotency_key": None,
        "visitor": visitor(number),
    }
    return {**asked, **change}


def visitor(number: int, mobile: int | None = None) -> dict[str, str]:
    """A person; with the mobile of another where `mobile` says so."""
    return {
        "name": "李明",
        "identity_number": f"4401051990{number:07}3",
        "mobile": f"138{number if mobile is None else mobile:08}",
    }
