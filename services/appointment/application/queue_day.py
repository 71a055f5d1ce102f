"""What happens to tickets by itself: parked ones wait again, and those that are left when the day is over are closed.

Any number of processes may do it at once; each thing happens once.
"""

from collections.abc import Callable, Iterable

import sqlalchemy as sa

from kernel.clock import from_micros, to_micros
from kernel.contracts.ticket_facts import TicketClosed, TicketFact, TicketReturned
from services.appointment.application.one_by_one import one_by_one
from services.appointment.application.queue_rows import TicketRow
from services.appointment.application.saying import BY_CLOCK, append_last
from services.appointment.application.ticketing import Place, about, change, place_of
from services.appointment.application.tools import Tools
from services.appointment.domain.tickets import LIVE, State
from services.appointment.domain.times import day_of

_AT_ONCE = 500


class QueueDay:
    """To be called every few seconds; `close` once an hour is enough."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def put_back(self) -> int:
        """Parked tickets whose time has come wait again; how many."""
        now = to_micros(self._tools.clock.now())
        with self._tools.database.single() as tx:
            due = self._tools.store.due_tickets(tx, now, _AT_ONCE)
        return self._each(due, lambda row: row.state is State.PARKED and (row.until or 0) <= now, self._back)

    def close(self) -> int:
        """Tickets of days that are over; how many."""
        today = day_of(self._tools.clock.now())
        with self._tools.database.single() as tx:
            left = self._tools.store.left_over(tx, today, _AT_ONCE)
        return self._each(left, lambda row: row.state in LIVE and row.day < today, self._closed)

    def _each(
        self, ids: Iterable[str], still: Callable[[TicketRow], bool], say: Callable[[TicketRow, Place], TicketFact]
    ) -> int:
        return one_by_one("ticket", ids, lambda id: self._one(id, still, say)).done

    def _one(self, id: str, still: Callable[[TicketRow], bool], say: Callable[[TicketRow, Place], TicketFact]) -> bool:
        """A transaction for each, in which it is looked at once more: another process may have been first."""
        with self._tools.database.write() as tx:
            row = self._tools.store.ticket(tx, id, lock=True)
            if row is None or not still(row):
                return False
            self._say(tx, row, say)
        return True

    def _say(self, tx: sa.Connection, row: TicketRow, say: Callable[[TicketRow, Place], TicketFact]) -> None:
        place = place_of(self._tools, tx, row.hall)
        _, append = change(self._tools, tx, row, say(row, place), place)
        append_last(self._tools, tx, [append])

    def _back(self, row: TicketRow, place: Place) -> TicketFact:
        return TicketReturned(**about(row, place, BY_CLOCK, self._tools.clock.now()), rank=from_micros(row.rank))

    def _closed(self, row: TicketRow, place: Place) -> TicketFact:
        return TicketClosed(**about(row, place, BY_CLOCK, self._tools.clock.now()))
