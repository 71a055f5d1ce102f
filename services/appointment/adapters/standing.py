"""How appointment stands, from its tables: what should have happened by itself, how far its log is published.

Read by the service for its `status`, and by operators when no service runs.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from kernel.database import Database
from kernel.database.size import size_of
from kernel.messaging.relay import standing as relayed
from kernel.timers import late, overdue
from services.appointment.adapters.forgetting import due
from services.appointment.adapters.halls import HallTables
from services.appointment.adapters.tickets import LIVE
from services.appointment.domain.keeping import stale
from services.appointment.domain.times import day_of, instant

_TIMERS = {
    "holds": sa.text("SELECT count(*), min(held_until) FROM booking WHERE state = 'held' AND held_until <= :now"),
    "places": sa.text("SELECT count(*), min(due_at) FROM place_return WHERE due_at <= :now"),
    "reminders": sa.text("SELECT count(*), min(remind_at) FROM booking WHERE state = 'booked' AND remind_at <= :now"),
    "parked_tickets": sa.text("SELECT count(*), min(until) FROM ticket WHERE state = 'parked' AND until <= :now"),
}
_LEFT = (
    sa.text(f"SELECT count(*), min(day) FROM ticket WHERE {LIVE} AND day < :today")
    .bindparams(sa.bindparam("today", type_=sa.Date))
    .columns(sa.column("left_over", sa.Integer), sa.column("first", sa.Date))
)


def standing(database: Database, now: datetime) -> dict[str, Any]:
    """Timers, relay and size, in the form of `kernel.contracts.standing`."""
    with database.single() as connection:
        timers = {name: overdue(connection, query, now) for name, query in _TIMERS.items()}
        timers["tickets_left"] = _tickets_left(connection, now)
        timers["personal_data"] = _personal_data(connection, now)
    return {"relay": relayed(database).figures(now), "timers": timers, "database_bytes": size_of(database)}


def _tickets_left(connection: sa.Connection, now: datetime) -> dict[str, Any]:
    """They are due when their day is over."""
    count, first = connection.execute(_LEFT, {"today": day_of(now)}).one()
    return late(count, None if first is None else instant(first + timedelta(days=1), 0), now)


def _personal_data(connection: sa.Connection, now: datetime) -> dict[str, Any]:
    """What is to be forgotten."""
    found = [due(connection, one) for one in stale(HallTables().rules(connection), day_of(now))]
    return late(sum(count for count, _ in found), min((first for _, first in found if first), default=None), now)
