"""Appointment without a broker, for its tests and benchmarks: a clock that stands still and people who book.

Real tables and a real log on either database; nothing here is used by the service.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from kernel.clock import Clock, FrozenClock, parse_time
from kernel.config import Settings
from kernel.contracts import appointment as contract, closures
from kernel.contracts.ticket_facts import TicketFact
from kernel.contracts.visit import load_visit_fact
from kernel.contracts.visit_facts import VisitFact
from kernel.database import Database
from kernel.testing.tables import migrated
from services.appointment.application.people import Caller, caller_of
from services.appointment.application.ports import Store
from services.appointment.application.tools import Tools
from services.appointment.bootstrap import MIGRATIONS, Appointments, make_tools
from services.appointment.domain.booking import Booking, rebuild
from services.appointment.domain.halls import group_id
from services.appointment.domain.tickets import rebuild as rebuild_ticket

MORNING = "2026-02-09T08:00:00+08:00"  # a Monday
TUESDAY = date(2026, 2, 10)
WEDNESDAY = date(2026, 2, 11)
POLICE = group_id("tianhe", "公安窗口")
TAX = group_id("tianhe", "税务窗口")
STAFF = "staff-1"
HALL: dict[str, Any] = {
    "id": "tianhe",
    "name": "天河区政务服务中心",
    "units": [
        {"name": "公安窗口", "items": ["passport", "permit", "household"]},
        {"name": "税务窗口", "items": ["tax"]},
    ],
}


_TABLES = (
    "ticket",
    "queue_day",
    "hall_window",
    "visitor",
    "booking",
    "booking_slot",
    "place_return",
    "idempotency",
    "event",
    "block",
    "waiting",
    "replanned",
    "appeal",
    "vault_key",
)


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
        migrated(database, MIGRATIONS)
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

    def shut(self, key: str | None = None, **change: Any) -> dict[str, Any]:
        """Close the hall on Wednesday, unless said otherwise. What it answered."""
        day = WEDNESDAY.isoformat()
        document = {"first_day": day, "last_day": day, "reason": "设备检修", **change}
        return self.app.planning.close("tianhe", closures.Closure().load(document), "staff-1", key)

    def book(self, number: int = 1, **change: Any) -> dict[str, Any]:
        """The person of this number books on Tuesday at nine, unless said otherwise."""
        return self.app.bookings.book(self.caller(change.pop("account", f"a-{number}")), wish(number, **change))

    def hold(self, number: int = 1, **change: Any) -> dict[str, Any]:
        return self.app.bookings.hold(self.caller(change.pop("account", f"a-{number}")), wish(number, **change))

    def confirm(self, hold: str, number: int = 1, key: str | None = None) -> dict[str, Any]:
        return self.app.bookings.confirm(self.caller(f"a-{number}"), hold, key)

    def cancel(self, booking: str, number: int = 1, key: str | None = None) -> dict[str, Any]:
        return self.app.own_bookings.cancel(self.caller(f"a-{number}"), booking, key)

    def cancel_by_staff(self, booking: str, hall: str = "tianhe", key: str | None = None) -> dict[str, Any]:
        return self.app.hall_cancelling.cancel(hall, booking, "应来电要求取消", STAFF, key)

    def move(
        self, booking: str, number: int = 1, day: date = WEDNESDAY, time: str = "09:00", key: str | None = None
    ) -> dict[str, Any]:
        return self.app.own_bookings.move(self.caller(f"a-{number}"), booking, day, time, key)

    def check_in(self, booking: str, number: int = 1) -> dict[str, Any]:
        """The person of this number checks in by itself."""
        return self.app.checking_in.check_in(self.caller(f"a-{number}"), booking)

    def check_in_at_desk(self, number: int = 1, booking: str | None = None, **change: Any) -> dict[str, Any]:
        """Staff check in the person of this number, who shows the identity card."""
        shows = change.pop("identity_number", visitor(number)["identity_number"])
        return self.app.checking_in.check_in_by_staff(STAFF, change.pop("hall", "tianhe"), booking, shows, **change)

    def take(self, number: int | None = None, **change: Any) -> dict[str, Any]:
        """Somebody takes a ticket without a booking; the person of this number, if there is one."""
        identity = None if number is None else visitor(number)["identity_number"]
        asked = {"hall": "tianhe", "group": POLICE, "people": 1, "priority": "none", "identity_number": identity}
        return self.app.walk_ins.take(STAFF, {**asked, "idempotency_key": None, **change})

    def window(self, code: str = "1", groups: tuple[str, ...] = (POLICE,), open: bool = True) -> dict[str, Any]:
        """A window is opened, unless said otherwise."""
        asked = {"hall": "tianhe", "window": code, "name": f"{code}号窗口", "groups": list(groups), "open": open}
        return self.app.calling.set_window(STAFF, asked)

    def at_window(self, what: str, code: str = "1", **change: Any) -> dict[str, Any]:
        """Staff do this at the window: call_next, recall, park, transfer, finish or miss."""
        asked = {"hall": "tianhe", "window": code, "minutes": None, "idempotency_key": None, **change}
        answer: dict[str, Any] = getattr(self.app.calling, what)(STAFF, asked)
        return answer

    def put_back(self, ticket: str) -> dict[str, Any]:
        return self.app.calling.put_back(STAFF, {"hall": "tianhe", "ticket": ticket})

    def call_next(self, code: str = "1", **change: Any) -> str | None:
        """The number that was called."""
        ticket = self.at_window("call_next", code, **change)["ticket"]
        return None if ticket is None else ticket["number"]

    def on(self, text: str) -> None:
        """Let it be that time: `on("2026-02-10T09:00")`."""
        assert isinstance(self.clock, FrozenClock)
        self.clock.advance(parse_time(f"{text}:00+08:00") - self.clock.now())

    def sweep(self) -> None:
        """What the service does by itself every few seconds, once."""
        self.app.give_back()
        self.app.look_after_closures()
        self.app.sweeping.reminders()
        self.app.queue_day.put_back()

    def join(self, number: int = 1, **change: Any) -> dict[str, Any]:
        """The person of this number waits for Tuesday at nine, unless said otherwise."""
        return self.app.waiting.join(self.caller(change.pop("account", f"a-{number}")), waiting_wish(number, **change))

    def entries(self, account: str | None = "a-1", guest_mobile: str | None = None, **page: int) -> dict[str, Any]:
        caller = self.caller(account, guest_mobile)
        return self.app.waiting.page(caller, **{"page": 1, "page_size": 20, **page})

    def entry(self, entry: str, number: int = 1) -> dict[str, Any]:
        return self.app.waiting.show(self.caller(f"a-{number}"), entry)

    def leave(self, entry: str, number: int = 1) -> dict[str, Any]:
        return self.app.waiting.leave(self.caller(f"a-{number}"), entry)

    def closure(self) -> str:
        """The id of the only one that stands."""
        (row,) = self.query("SELECT id FROM closure WHERE withdrawn_at IS NULL")
        return str(row[0])

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
        offered = self.query("SELECT number, version FROM waiting WHERE version > 0")
        told = self.tools.log.streams([row[0] for row in (*rows, *offered)])
        tickets = self.query("SELECT id FROM ticket")
        streams = {event.stream for event in self.tools.log.read(0, 100_000)}
        assert streams == {*told, *(row[0] for row in tickets)}
        assert {number: len(told[number]) for number, _ in offered} == dict(map(tuple, offered))
        for number, version, state in rows:
            rebuilt = self.rebuilt_of(number, told[number])
            assert (rebuilt.version, str(rebuilt.state)) == (version, state)
            row = self.booking(number)
            assert (rebuilt.starts_at, rebuilt.ends_at) == (row.starts_at, row.ends_at)
            assert (rebuilt.closed, rebuilt.excused) == (row.closed, row.excused)
        assert self.query("SELECT number FROM booking WHERE state = 'held' AND version > 0") == []
        self._check_tickets([row[0] for row in tickets])

    def _check_tickets(self, ids: Sequence[str]) -> None:
        """Each ticket is what the log tells of it; no day has given out more than it may."""
        for id in ids:
            with self.database.read() as tx:
                row = self.tools.store.ticket(tx, id)
                assert row is not None
                group = next(one.id for one in self.tools.store.named(tx, row.hall) if one.no == row.group_no)
            assert rebuild_ticket(id, self.ticket_facts(id)) == row.as_ticket(group)
        counted = "SELECT count(*), coalesce(sum(CASE WHEN kind = 'walk_in' THEN people ELSE 0 END), 0) FROM ticket"
        assert self.query("SELECT coalesce(sum(issued), 0), coalesce(sum(walk_ins), 0) FROM queue_day") == (
            self.query(counted)
        )

    def ticket_facts(self, id: str) -> list[TicketFact]:
        """What the log tells of a ticket."""
        facts = self.facts(id)
        assert all(isinstance(fact, TicketFact) for fact in facts)
        return [fact for fact in facts if isinstance(fact, TicketFact)]

    def booking(self, number: str) -> Any:
        """Its row."""
        with self.database.read() as tx:
            return self.tools.store.booking(tx, number)

    def rebuilt_of(self, number: str, events: Any) -> Booking:
        return rebuild(number, [load_visit_fact(event.type, event.version, event.data) for event in events])

    def traces(self) -> dict[str, Any]:
        """What would show that something has changed."""
        counts = {table: self.query(f"SELECT count(*) FROM {table}")[0][0] for table in _TABLES}
        states = self.query("SELECT number, state, version, closed, excused, remind_at FROM booking ORDER BY number")
        waiting = self.query("SELECT number, state, version FROM waiting ORDER BY number")
        decided = self.query("SELECT id, state FROM appeal ORDER BY id")
        lifted = self.query("SELECT booking, lifted_at FROM block ORDER BY booking")
        return {**counts, "taken": self.taken(), "states": [states, waiting, decided, lifted]}


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


def waiting_wish(number: int = 1, **change: Any) -> dict[str, Any]:
    """A request to join the waiting list as it comes from its schema."""
    asked = {
        "hall": "tianhe",
        "items": ["passport"],
        "people": 1,
        "first_day": TUESDAY,
        "last_day": TUESDAY,
        "since": "09:00",
        "until": "09:30",
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
