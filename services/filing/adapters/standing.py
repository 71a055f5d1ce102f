"""How filing stands, from its tables: what waits, what is late, how far its log is published.

Read by the service for its `status`, and by operators when no service runs.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from kernel.database import Database
from kernel.database.size import size_of
from kernel.messaging.relay import standing as relayed
from kernel.timers import overdue

_COUNTS = sa.text("SELECT (SELECT COUNT(*) FROM waiting_event), (SELECT COUNT(*) FROM pending_reply)")
_TIMERS = {
    "deadlines": sa.text("SELECT count(*), min(look_at) FROM clock_look WHERE look_at <= :now"),
    "waiting_events": sa.text("SELECT count(*), min(deadline) FROM waiting_event WHERE deadline <= :now"),
}


def standing(database: Database, now: datetime) -> dict[str, Any]:
    """In the form of `kernel.contracts.filing.Status`."""
    with database.single() as connection:
        waiting, replies = connection.execute(_COUNTS).one()
        timers = {name: overdue(connection, query, now) for name, query in _TIMERS.items()}
    relay = relayed(database)
    return {
        "waiting_events": waiting,
        "unsent_replies": replies,
        "log_position": relay.head,
        "relay": relay.figures(now),
        "timers": timers,
        "database_bytes": size_of(database),
    }
