"""What happens by itself: holds end, visitors are reminded, and who did not come has missed the visit.

Any number of processes may sweep at once; each thing happens once.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from kernel.clock import to_micros
from kernel.contracts.visit_facts import VisitBlocked, VisitFact, VisitNoShow, VisitReminded
from kernel.database import is_away
from services.appointment.application.closing import cancel_closed
from services.appointment.application.locked import change_locked, lock_visitors_of
from services.appointment.application.one_by_one import one_by_one
from services.appointment.application.releasing import give_up
from services.appointment.application.rows import BlockRow, BookingRow
from services.appointment.application.saying import BY_CLOCK, append_last, append_to
from services.appointment.application.tools import Tools
from services.appointment.domain.booking import State, decide
from services.appointment.domain.rules import HallRule, block_after
from services.appointment.domain.slots import keep
from services.appointment.domain.tickets import State as TicketState
from services.appointment.domain.times import day_of

_AT_ONCE = 500
_REMINDED = 100  # in one transaction


class Sweeping:
    """To be called every few seconds; `missed` once an hour is enough."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def holds(self) -> int:
        """End holds that are over; how many. Their places come back like all others."""
        store, now = self._tools.store, to_micros(self._tools.clock.now())
        with self._tools.database.write() as tx:
            numbers = store.expire(tx, now, _AT_ONCE)
            if numbers:
                give_up(self._tools, tx, store.drop_places(tx, numbers))
        return len(numbers)

    def reminders(self) -> int:
        """Visitors are to be reminded the day before; of how many visits."""
        total = count = self.remind()
        while count:
            count = self.remind()
            total += count
        return total

    def remind(self) -> int:
        """As many as one transaction takes; or each by itself, where one of them cannot be reminded of."""
        try:
            return self._remind_together()
        except Exception as error:  # whatever it is, it keeps nobody else from being reminded
            if is_away(error):
                raise
        with self._tools.database.single() as tx:
            numbers = self._tools.store.to_remind(tx, to_micros(self._tools.clock.now()), _REMINDED)
        return one_by_one("reminder", numbers, self._remind_alone).done

    def _remind_together(self) -> int:
        now = to_micros(self._tools.clock.now())
        with self._tools.database.write() as tx:
            rows = self._tools.store.lock_to_remind(tx, now, _REMINDED)
            self._remind(tx, rows)
        return len(rows)

    def _remind_alone(self, number: str) -> int:
        now = to_micros(self._tools.clock.now())
        with self._tools.database.write() as tx:
            row = self._tools.store.booking(tx, number, lock=True)
            if row is None or row.state is not State.BOOKED or row.remind_at is None or row.remind_at > now:
                return 0
            self._remind(tx, [row])
        return 1

    def _remind(self, tx: sa.Connection, rows: Sequence[BookingRow]) -> None:
        """Never after the visit: what could not be said in time is left unsaid."""
        now = self._tools.clock.now()
        # Of many visits the groups are few.
        rules = {no: self._tools.store.place(tx, no)[0].rule for no in {row.group_no for row in rows}}
        said = [(row, _reminded(row, rules[row.group_no], now)) for row in rows if row.starts_at > now]
        for row in rows:
            version = row.version + (row.starts_at > now)
            change_locked(self._tools, tx, row, replace(row, remind_at=None, version=version))
        if said:
            append_last(self._tools, tx, [append_to(row.number, row.version, [fact]) for row, fact in said])

    def missed(self) -> int:
        """Visits of days that are over for which nobody came; how many."""
        with self._tools.database.single() as tx:
            numbers = self._tools.store.missed(tx, day_of(self._tools.clock.now()), _AT_ONCE)
        return one_by_one("missed visit", numbers, self.miss).done

    def miss(self, number: str) -> bool:
        """This one, if it was missed; whether it was."""
        store = self._tools.store
        with self._tools.database.write() as tx:
            row = store.booking(tx, number)
            if row is None:
                return False
            lock_visitors_of(self._tools, tx, [row])
            row = store.booking(tx, number, lock=True)
            if row is None or not self._missed(tx, row):
                return False
            if row.state is State.BOOKED and (row.closed or not self._kept(tx, row)):
                return self._excuse(tx, row)
            self._say(tx, row)
        return True

    def _missed(self, tx: sa.Connection, row: BookingRow) -> bool:
        """Nobody checked in; or the visitor did from elsewhere, and nobody came to the window when called."""
        if row.day >= day_of(self._tools.clock.now()):
            return False
        if row.state is not State.CHECKED_IN:
            return row.state is State.BOOKED
        ticket = self._tools.store.ticket_of_booking(tx, row.number)
        return row.unseen and not row.closed and ticket is not None and ticket.state is TicketState.MISSED

    def _kept(self, tx: sa.Connection, row: BookingRow) -> bool:
        """Whether the hall has kept the time; if not, the visitor may not have been told of it."""
        slots = self._tools.store.slots(tx, self._tools.store.places_of(tx, row.number))
        return keep(slots, row.starts, row.ends)

    def _excuse(self, tx: sa.Connection, row: BookingRow) -> bool:
        """What was closed and told is ended elsewhere, when nothing is held for it any more."""
        if not row.closed:
            cancel_closed(self._tools, tx, row)
        return not row.closed

    def _say(self, tx: sa.Connection, row: BookingRow) -> None:
        rule = self._tools.store.place(tx, row.group_no)[0].rule
        fact = VisitNoShow(occurred_at=self._tools.clock.now(), by=BY_CLOCK, hall=row.hall)
        decide(row.as_booking(), fact, rule)
        facts: list[VisitFact] = [fact]
        until = self._blocked_until(tx, row, rule)
        if until is not None:
            facts.append(self._block(tx, row, rule, until))
        after = replace(row, state=State.NO_SHOW, version=row.version + len(facts), remind_at=None)
        change_locked(self._tools, tx, row, after)
        append_last(self._tools, tx, [append_to(row.number, row.version, facts)])

    def _blocked_until(self, tx: sa.Connection, row: BookingRow, rule: HallRule) -> date | None:
        """None, too, for somebody who is blocked for as long already: visits may be found missed in any order."""
        span = timedelta(days=rule.no_show_days)
        near = self._tools.store.bookings_of(tx, {row.identity}, {row.mobile}, row.day - span, row.day + span)
        missed = [one.day for one in near if one.hall == row.hall and one.state is State.NO_SHOW and not one.excused]
        ends = [block_after(rule, [*missed, row.day], day) for day in {row.day, *missed} if day >= row.day]
        until = max((end for end in ends if end is not None), default=None)
        blocks = self._tools.store.blocks_of(tx, {row.identity, row.mobile}, row.day)
        known = [one.until for one in blocks if one.hall == row.hall]
        return None if until is None or until <= max(known, default=date.min) else until

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
            occurred_at=now, by=BY_CLOCK, hall=row.hall, visitor=row.visitor, until=until, no_shows=rule.no_shows
        )


def _reminded(row: BookingRow, rule: HallRule, now: datetime) -> VisitFact:
    fact = VisitReminded(occurred_at=now, by=BY_CLOCK, hall=row.hall, starts_at=row.starts_at)
    return decide(row.as_booking(), fact, rule)
