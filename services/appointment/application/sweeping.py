"""What happens by itself: holds end, places come back, and who did not come has missed the visit.

Any number of processes may sweep at once; each thing happens once.
"""

from collections import Counter
from dataclasses import replace
from datetime import date

import sqlalchemy as sa

from kernel.clock import to_micros
from kernel.contracts.visit_facts import VisitBlocked, VisitFact, VisitNoShow
from services.appointment.application.booking import hall_and_group
from services.appointment.application.rows import BlockRow, BookingRow
from services.appointment.application.saying import append_last, append_to
from services.appointment.application.tools import Tools
from services.appointment.domain.booking import State, decide
from services.appointment.domain.rules import HallRule, block_after
from services.appointment.domain.times import day_of

_AT_ONCE = 500
BY = "clock"


class Sweeping:
    """To be called every few seconds; `missed` once an hour is enough."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def holds(self) -> int:
        """End holds that are over, and give their places back; of how many."""
        store, now = self._tools.store, to_micros(self._tools.clock.now())
        with self._tools.database.write() as tx:
            numbers = store.expire(tx, now, _AT_ONCE)
            if numbers:
                store.give_back(tx, Counter(slot for _, slot in store.drop_places(tx, numbers)))
        return len(numbers)

    def returns(self) -> int:
        """Places that were given up come back when their time has come; how many."""
        store, now = self._tools.store, to_micros(self._tools.clock.now())
        with self._tools.database.write() as tx:
            due = store.due_returns(tx, now, _AT_ONCE)
            store.give_back(tx, Counter(row.slot for row in due))
        return len(due)

    def missed(self) -> int:
        """Visits of days that are over for which nobody came; how many."""
        with self._tools.database.single() as tx:
            numbers = self._tools.store.missed(tx, day_of(self._tools.clock.now()), _AT_ONCE)
        return sum(map(self._miss, numbers))

    def _miss(self, number: str) -> bool:
        store = self._tools.store
        with self._tools.database.write() as tx:
            row = store.booking(tx, number)
            if row is None:
                return False
            store.lock_visitors(tx, {row.identity: row.visitor, row.mobile: row.visitor})
            row = store.booking(tx, number, lock=True)
            if row is None or row.state is not State.BOOKED or row.day >= day_of(self._tools.clock.now()):
                return False
            self._say(tx, row)
        return True

    def _say(self, tx: sa.Connection, row: BookingRow) -> None:
        hall, group = hall_and_group(self._tools, tx, row)
        rule = hall.rule
        fact = VisitNoShow(occurred_at=self._tools.clock.now(), by=BY, hall=row.hall)
        decide(row.as_booking(group.id), fact, rule)
        facts: list[VisitFact] = [fact]
        until = self._blocked_until(tx, row, rule)
        if until is not None:
            facts.append(self._block(tx, row, rule, until))
        after = replace(row, state=State.NO_SHOW, version=row.version + len(facts))
        if not self._tools.store.change_booking(tx, row, after):
            raise RuntimeError(f"a booking that was locked has changed: {row.number}")
        append_last(self._tools, tx, [append_to(row.number, row.version, facts)])

    def _blocked_until(self, tx: sa.Connection, row: BookingRow, rule: HallRule) -> date | None:
        since = date.fromordinal(row.day.toordinal() - rule.no_show_days)
        before = self._tools.store.bookings_of(tx, {row.identity}, {row.mobile}, since, row.day)
        missed = [one.day for one in before if one.hall == row.hall and one.state is State.NO_SHOW]
        return block_after(rule, [*missed, row.day], row.day)

    def _block(self, tx: sa.Connection, row: BookingRow, rule: HallRule, until: date) -> VisitBlocked:
        now = self._tools.clock.now()
        block = BlockRow(
            booking=row.number,
            hall=row.hall,
            identity=row.identity,
            mobile=row.mobile,
            until=until,
            made_at=to_micros(now),
        )
        self._tools.store.add_block(tx, block)
        return VisitBlocked(
            occurred_at=now, by=BY, hall=row.hall, visitor=row.visitor, until=until, no_shows=rule.no_shows
        )
