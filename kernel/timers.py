"""What should have happened by now and has not: how much of it, and for how long. Said of the tables of timers."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from kernel.clock import from_micros, seconds_since, to_micros


def overdue(connection: sa.Connection, query: sa.TextClause, now: datetime) -> dict[str, Any]:
    """`query` answers how many were due at `:now`, and when the first was (microseconds since 1970)."""
    due, oldest = connection.execute(query, {"now": to_micros(now)}).one()
    return late(due, None if oldest is None else from_micros(oldest), now)


def late(due: int, oldest: datetime | None, now: datetime) -> dict[str, Any]:
    """In the form of `kernel.contracts.standing.Timer`."""
    return {"due": due, "oldest_due_seconds": seconds_since(oldest, now)}
