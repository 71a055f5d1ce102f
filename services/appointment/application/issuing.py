"""Giving out a ticket: its number, its place in the queue, and what wait is expected.

Appends nothing: the caller does, as the last statement of its transaction.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from kernel.clock import from_micros, to_micros
from kernel.contracts.hall_day_refusals import AlreadyWaiting, NoTicketsLeft
from kernel.contracts.ticket_facts import TicketIssued
from services.appointment.application.expecting import Expecting
from services.appointment.application.queue_rows import TicketRow
from services.appointment.application.ticketing import Place
from services.appointment.application.tools import Tools
from services.appointment.domain.estimates import Wait
from services.appointment.domain.halls import Group
from services.appointment.domain.queue import number_of
from services.appointment.domain.tickets import State
from services.appointment.domain.times import day_of


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Somebody is here and is to have a ticket."""

    group: Group
    kind: str
    booking: str | None
    identity: str | None
    priority: str
    people: int
    rank: datetime
    at: datetime


def issue(
    tools: Tools, tx: sa.Connection, place: Place, arrival: Arrival, id: str, most: int | None = None
) -> TicketRow:
    """The ticket, in its table but not yet on the log: `issued` is to be appended.

    `most`: how many people without a booking there may be that day. Raises NoTicketsLeft or AlreadyWaiting.
    """
    store, no, day = tools.store, arrival.group.no, day_of(arrival.at)
    wait = Expecting(tools, tx, place).wait(no, arrival.rank)
    # Everybody who takes a ticket of this queue waits here, with all else looked up: the last one is given out once.
    given = store.lock_day(tx, no, day)
    if most is not None and given + arrival.people > most:
        raise NoTicketsLeft([])
    _check_alone(tools, tx, arrival)
    count = store.count_ticket(tx, no, day, arrival.people if arrival.kind == "walk_in" else 0)
    ticket = _ticket(place, arrival, id, count, wait)
    store.add_ticket(tx, ticket)
    return ticket


def _check_alone(tools: Tools, tx: sa.Connection, arrival: Arrival) -> None:
    """Whoever is known has one ticket in a queue at a time."""
    if arrival.identity is not None:
        before = tools.store.live_ticket(tx, arrival.group.no, day_of(arrival.at), arrival.identity)
        if before is not None:
            raise AlreadyWaiting(number=before.number)


def _ticket(place: Place, arrival: Arrival, id: str, count: int, wait: Wait) -> TicketRow:
    """`count`: which it is of its group that day."""
    return TicketRow(
        id=id,
        version=1,
        state=State.WAITING,
        hall=place.id,
        day=day_of(arrival.at),
        group_no=arrival.group.no,
        number=number_of(list(place.named).index(arrival.group.no), count),
        kind=arrival.kind,
        booking=arrival.booking,
        identity=arrival.identity,
        priority=arrival.priority,
        people=arrival.people,
        rank=to_micros(arrival.rank),
        low=wait.low,
        high=wait.high,
        issued_at=to_micros(arrival.at),
    )


def issued(ticket: TicketRow, place: Place, by: str) -> TicketIssued:
    """The fact that a ticket begins with."""
    group = place.named[ticket.group_no]
    return TicketIssued(
        occurred_at=from_micros(ticket.issued_at),
        by=by,
        hall=ticket.hall,
        number=ticket.number,
        group=group.id,
        hall_name=group.hall_name,
        group_name=group.name,
        kind=ticket.kind,
        rank=from_micros(ticket.rank),
        low=ticket.low,
        high=ticket.high,
        people=ticket.people,
        booking=ticket.booking,
    )
