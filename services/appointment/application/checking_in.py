"""Checking in for what was booked: the visitor has come, and gets a ticket.

A booking is not transferable: staff check in only who shows the identity number that it was made with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from kernel.clock import from_micros
from kernel.contracts.appointment_refusals import UnknownBooking
from kernel.contracts.hall_day_refusals import WrongDay
from kernel.contracts.ticket_facts import TicketClosed
from kernel.contracts.visit_facts import VisitCheckedIn
from kernel.errors import InvalidInput
from kernel.eventlog import Append
from kernel.ids import new_id
from services.appointment.application.issuing import Arrival, issue, issued
from services.appointment.application.locked import change_locked
from services.appointment.application.people import Caller, caller_of, identity_key, own
from services.appointment.application.planning import closings_of
from services.appointment.application.queue_rows import TicketRow
from services.appointment.application.releasing import release
from services.appointment.application.rows import BookingRow
from services.appointment.application.saying import append_last, append_to
from services.appointment.application.staff import check_staff
from services.appointment.application.ticketing import Place, about, change, place_of, shown_to_taker
from services.appointment.application.tools import Tools
from services.appointment.domain.booking import State, decide
from services.appointment.domain.halls import Group, Hall
from services.appointment.domain.queue import check_in_time, check_not_closed, priority_of, rank_of_booking
from services.appointment.domain.schedule import open_hours
from services.appointment.domain.tickets import LIVE, State as TicketState
from services.appointment.domain.times import day_of

_NEAR = timedelta(days=90)
_HERE = (State.CHECKED_IN, State.SERVED)

Json = dict[str, Any]


@dataclass(frozen=True)
class _Said:
    """Who checks in, and with what. `unseen`: nobody at the hall has seen who it is."""

    by: str
    priority: str
    identity_number: str | None
    unseen: bool = False


class CheckingIn:
    """Handlers of `check_in` and `hall_check_in`; answers are `kernel.contracts.hall_day.TicketTaken`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def answer(self, principal: Mapping[str, Any], request: Mapping[str, Any], known: str | None = None) -> Json:
        """By whoever asks: the visitor, who says nothing more, or the hall's staff, who say the identity number.

        `known`: the visitor's own, if accounts told it; who is elderly need not ask for a priority.
        """
        number, said = request["number"], request["identity_number"]
        if principal["kind"] != "staff":
            return self.check_in(caller_of(principal), number, known)
        staff = check_staff(principal, str(principal["hall"]))
        if said is None:
            raise InvalidInput.from_messages({"identity_number": ["Missing data for required field."]})
        return self.check_in_by_staff(staff, str(principal["hall"]), number, said, request["priority"])

    def check_in(self, caller: Caller, number: str, identity_number: str | None = None) -> Json:
        """By the visitor. Again, it is the same ticket. Raises UnknownBooking, WrongDay, TooEarly and the like."""
        with self._tools.database.write() as tx:
            row = own(self._tools.store.booking(tx, number, lock=True), caller)
            return self._check_in(tx, row, _Said(row.by, "none", identity_number, unseen=True))

    def check_in_by_staff(
        self, staff: str, hall: str, number: str | None, identity_number: str, priority: str = "none"
    ) -> Json:
        """`number`: None for the one that the identity number has today. Raises as `check_in`."""
        identity = identity_key(self._tools.vault, identity_number)
        with self._tools.database.write() as tx:
            number = number or self._number_of(tx, hall, identity)
            row = self._tools.store.booking(tx, number, lock=True)
            if row is None or row.hall != hall or row.identity != identity:
                raise UnknownBooking
            self._seen(tx, row)
            return self._check_in(tx, row, _Said(staff, priority, identity_number))

    def _seen(self, tx: sa.Connection, row: BookingRow) -> None:
        """Checked in by the visitor before: now the hall knows that it was no other, and that somebody came."""
        if row.unseen:
            change_locked(self._tools, tx, row, replace(row, unseen=False))

    def _number_of(self, tx: sa.Connection, hall: str, identity: str) -> str:
        """What the person has today: to check in for, else what it has checked in for. Raises WrongDay for another."""
        today = day_of(self._tools.clock.now())
        rows = self._tools.store.bookings_of(tx, {identity}, (), today, today + _NEAR)
        ours = [row for row in rows if row.hall == hall and row.state in (State.BOOKED, *_HERE)]
        todays = sorted((row for row in ours if row.day == today), key=lambda row: (row.state in _HERE, row.starts))
        if todays:
            return todays[0].number
        coming = [row.day for row in ours if row.day > today]
        if coming:
            raise WrongDay(date=min(coming).isoformat())
        raise UnknownBooking

    def _check_in(self, tx: sa.Connection, row: BookingRow, said: _Said) -> Json:
        place = place_of(self._tools, tx, row.hall)
        before = self._tools.store.ticket_of_booking(tx, row.number)
        if before is not None:
            return shown_to_taker(before, place)
        hall, group = self._tools.store.place(tx, row.group_no)
        fact = VisitCheckedIn(occurred_at=self._tools.clock.now(), by=said.by, hall=row.hall, ticket=new_id())
        decide(row.as_booking(), fact, hall.rule)
        self._check_time(tx, row, hall, group, fact.occurred_at)
        # Bookings before tickets: what was held for a closed visit is not needed by who comes all the same.
        release(self._tools, tx, self._tools.store.held_instead(tx, row.number, lock=True) if row.closed else [])
        walk_in, ended = self._end_walk_in(tx, row, place, said.by)
        if walk_in is not None and walk_in.state is TicketState.CALLED:
            return self._at_window(tx, row, replace(fact, ticket=walk_in.id), walk_in, place)
        arrival = _arrival(row, hall, group, said, fact.occurred_at, walk_in)
        # Before the ticket: who is here is not expected any more.
        after = replace(row, state=State.CHECKED_IN, version=row.version + 1, unseen=said.unseen)
        change_locked(self._tools, tx, row, after)
        ticket = issue(self._tools, tx, place, arrival, str(fact.ticket))
        facts = [append_to(row.number, row.version, [fact]), append_to(ticket.id, 0, [issued(ticket, place, said.by)])]
        append_last(self._tools, tx, [*ended, *facts])
        return shown_to_taker(ticket, place)

    def _at_window(
        self, tx: sa.Connection, row: BookingRow, fact: VisitCheckedIn, ticket: TicketRow, place: Place
    ) -> Json:
        """Called already, by the ticket that was taken without the booking: the visitor has come, and waits no more."""
        change_locked(self._tools, tx, row, replace(row, state=State.CHECKED_IN, version=row.version + 1))
        append_last(self._tools, tx, [append_to(row.number, row.version, [fact])])
        return shown_to_taker(ticket, place)

    def _check_time(self, tx: sa.Connection, row: BookingRow, hall: Hall, group: Group, now: datetime) -> None:
        """Raises WrongDay, TooEarly, TooLateToCheckIn or Closed."""
        closings = closings_of(self._tools.store.closures(tx, row.hall, row.day), row.group_no)
        check_in_time(hall.rule, row.starts_at, open_hours(group.schedule, row.day, closings), now)
        check_not_closed(row.visit, row.closed, closings, now)

    def _end_walk_in(
        self, tx: sa.Connection, row: BookingRow, place: Place, by: str
    ) -> tuple[TicketRow | None, list[Append]]:
        """The ticket that the visitor took in the same queue before, without the booking, and what ends it.

        One that is called is left as it is: who is at a window does not wait.
        """
        seen = self._tools.store.live_ticket(tx, row.group_no, row.day, row.identity)
        if seen is None:
            return None, []
        # The queue before its tickets, as where one is put back or sent on: else each would wait for the other.
        self._tools.store.lock_day(tx, row.group_no, row.day)
        ticket = self._tools.store.ticket(tx, seen.id, lock=True)
        if ticket is None or ticket.group_no != row.group_no or ticket.state not in LIVE:
            return None, []
        if ticket.state is TicketState.CALLED:
            return ticket, []
        closed = TicketClosed(**about(ticket, place, by, self._tools.clock.now()))
        return ticket, [change(self._tools, tx, ticket, closed, place)[1]]


def _arrival(
    row: BookingRow, hall: Hall, group: Group, said: _Said, now: datetime, walk_in: TicketRow | None
) -> Arrival:
    """`walk_in`: the ticket that the visitor had without the booking, which is no reason to wait any longer."""
    priority = priority_of(hall.rule, said.priority, said.identity_number, row.day)
    rank = rank_of_booking(hall.rule, row.starts_at, priority, now)
    return Arrival(
        group=group,
        kind="booking",
        booking=row.number,
        identity=row.identity,
        priority=priority,
        people=row.people,
        rank=rank if walk_in is None else min(rank, from_micros(walk_in.rank)),
        at=now,
    )
