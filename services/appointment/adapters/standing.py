"""How appointment stands, from its tables: what should have happened by itself, how far its log is published.

Read by the service for its `status`, and by operators when no service runs.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from kernel.clock import from_micros, to_micros
from kernel.database import Database
from kernel.database.size import size_of
from kernel.messaging.relay import standing as relayed
from kernel.timers import late, overdue
from services.appointment.adapters.bookings import CLOSED_UNTIL, MISSED
from services.appointment.adapters.forgetting import due
from services.appointment.adapters.halls import HallTables
from services.appointment.adapters.sql import text
from services.appointment.adapters.tickets import LIVE
from services.appointment.domain.keeping import stale
from services.appointment.domain.times import day_of, instant, minute_of

_TIMERS = {
    "holds": sa.text("SELECT count(*), min(held_until) FROM booking WHERE state = 'held' AND held_until <= :now"),
    "places": sa.text("SELECT count(*), min(due_at) FROM place_return WHERE due_at <= :now"),
    "reminders": sa.text("SELECT count(*), min(remind_at) FROM booking WHERE state = 'booked' AND remind_at <= :now"),
    "replanned": sa.text("SELECT count(*), min(due_at) FROM replanned WHERE due_at <= :now"),
    "parked_tickets": sa.text("SELECT count(*), min(until) FROM ticket WHERE state = 'parked' AND until <= :now"),
}
# What is due when its day is over.
_DAYS = {
    "missed_visits": MISSED,
    "tickets_left": f"FROM ticket WHERE {LIVE} AND day < :before",
}
_ENDED = text(
    f"SELECT b.day, b.starts, (SELECT max(h.held_until) FROM booking h WHERE h.instead_of = b.number) {CLOSED_UNTIL}"
    " ORDER BY b.day, b.starts",
    ("today",),
    ("day",),
)


def standing(database: Database, now: datetime) -> dict[str, Any]:
    """Timers, relay and size, in the form of `kernel.contracts.standing`."""
    with database.single() as connection:
        timers = {name: overdue(connection, query, now) for name, query in _TIMERS.items()}
        timers |= {name: _of_days(connection, rows, now) for name, rows in _DAYS.items()}
        timers["closed_visits"] = _closed_visits(connection, now)
        timers["personal_data"] = _personal_data(connection, now)
    return {"relay": relayed(database).figures(now), "timers": timers, "database_bytes": size_of(database)}


def _of_days(connection: sa.Connection, rows: str, now: datetime) -> dict[str, Any]:
    """They are due when their day is over."""
    query = text(f"SELECT count(*) AS count, min(day) AS first {rows}", ("before",))
    count, first = connection.execute(query.columns(count=sa.Integer, first=sa.Date), {"before": day_of(now)}).one()
    return late(count, None if first is None else instant(first + timedelta(days=1), 0), now)


def _closed_visits(connection: sa.Connection, now: datetime) -> dict[str, Any]:
    """They are due when their time has come and nothing is held for them any more."""
    bound = {"today": day_of(now), "minute": minute_of(now), "now": to_micros(now)}
    rows = connection.execute(_ENDED, bound).all()
    ends = [max(instant(day, starts), from_micros(held or 0)) for day, starts, held in rows]
    return late(len(ends), min(ends, default=None), now)


def _personal_data(connection: sa.Connection, now: datetime) -> dict[str, Any]:
    """What is to be forgotten."""
    found = [due(connection, one) for one in stale(HallTables().rules(connection), day_of(now))]
    return late(sum(count for count, _ in found), min((first for _, first in found if first), default=None), now)
