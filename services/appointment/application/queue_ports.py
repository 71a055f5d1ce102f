"""What the handlers of the hall's day need of the store: windows, tickets, and the days of queues.

Every method works in the transaction that it is given, and commits nothing. Of these, windows are locked first, before
visitors and bookings; days of queues after slots, tickets after these, and the log's head last.
"""

from collections.abc import Collection
from datetime import date
from typing import Protocol

import sqlalchemy as sa

from services.appointment.application.queue_rows import Counts, Named, TicketRow, WindowRow


class WindowStore(Protocol):
    """Windows of halls."""

    def windows(self, tx: sa.Connection, hall: str) -> list[WindowRow]:
        """By code; those that are shut, too."""
        ...

    def window(self, tx: sa.Connection, hall: str, code: str) -> WindowRow | None:
        """Nobody else does anything at it until the transaction ends."""
        ...

    def put_window(self, tx: sa.Connection, row: WindowRow) -> None: ...


class TicketStore(Protocol):
    """Tickets, and how many each queue has given out on a day."""

    def named(self, tx: sa.Connection, hall: str) -> list[Named]:
        """All groups that the hall ever had, in the order in which they came."""
        ...

    def lock_day(self, tx: sa.Connection, group_no: int, day: date) -> int:
        """Nobody else takes a ticket of this queue, or comes back to it; people without a booking so far."""
        ...

    def count_ticket(self, tx: sa.Connection, group_no: int, day: date, walk_ins: int) -> int:
        """One more, with so many people without a booking; how many that makes."""
        ...

    def add_ticket(self, tx: sa.Connection, row: TicketRow) -> None: ...

    def ticket(self, tx: sa.Connection, id: str, lock: bool = False) -> TicketRow | None:
        """With `lock`, nobody else changes it until the transaction ends."""
        ...

    def ticket_of_booking(self, tx: sa.Connection, booking: str) -> TicketRow | None: ...

    def live_ticket(self, tx: sa.Connection, group_no: int, day: date, identity: str) -> TicketRow | None:
        """The one that the person has in this queue."""
        ...

    def next_ticket(self, tx: sa.Connection, day: date, groups: Collection[int]) -> TicketRow | None:
        """The waiting one with the lowest rank that nobody else is calling; locked."""
        ...

    def change_ticket(self, tx: sa.Connection, seen: TicketRow, row: TicketRow) -> bool:
        """If it stands as seen; False where not, and the caller must roll back."""
        ...

    def at_window(self, tx: sa.Connection, hall: str, window: str) -> TicketRow | None:
        """The one that is called to the window."""
        ...

    def busy(self, tx: sa.Connection, hall: str) -> set[str]:
        """The windows to which somebody is called."""
        ...

    def live_tickets(self, tx: sa.Connection, hall: str, day: date) -> list[TicketRow]:
        """Of people who still want something, by rank."""
        ...

    def last_calls(self, tx: sa.Connection, hall: str, day: date, limit: int) -> list[TicketRow]:
        """Those called, the last first, whatever became of them."""
        ...

    def waiting(self, tx: sa.Connection, day: date, groups: Collection[int], rank: int, id: str) -> dict[int, int]:
        """How many of each group wait with a lower rank."""
        ...

    def coming(self, tx: sa.Connection, hall: str, group_no: int, day: date, first: int, last: int) -> list[int]:
        """For when those have booked (minutes since midnight, in that range) who have not checked in."""
        ...

    def arrivals(self, tx: sa.Connection, group_no: int, day: date, since: int) -> int:
        """How many have taken a ticket without a booking since then."""
        ...

    def services(self, tx: sa.Connection, group_no: int, limit: int) -> list[float]:
        """How long the group's last ones took at the window, in minutes."""
        ...

    def due_tickets(self, tx: sa.Connection, now: int, limit: int) -> list[str]:
        """Parked ones whose time has come."""
        ...

    def position(self, tx: sa.Connection) -> int:
        """Of the log's last event that the transaction sees."""
        ...

    def left_over(self, tx: sa.Connection, before: date, limit: int) -> list[str]:
        """Of days before, and not at their end."""
        ...


class StatisticStore(Protocol):
    """What the follower of the log has counted."""

    def counts(self, tx: sa.Connection, hall: str, first: date, last: date) -> list[Counts]:
        """Of the hall in these days, by day and group."""
        ...


class QueueStore(WindowStore, TicketStore, StatisticStore, Protocol):
    """All of the hall's day."""
