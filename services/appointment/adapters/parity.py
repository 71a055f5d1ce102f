"""What the log of visits implies of bookings and tickets, for who verifies appointment's tables. Decides nothing."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from kernel.clock import parse_time, to_micros
from kernel.contracts.ticket_facts import TicketFact, TicketIssued
from kernel.contracts.visit import load_visit_fact
from kernel.contracts.visit_facts import VisitBooked, VisitMoved
from kernel.eventlog import Recorded
from kernel.eventlog.parity import Holding, Row
from services.appointment.domain.booking import TRANSITIONS, State
from services.appointment.domain.tickets import rebuild
from services.appointment.domain.times import day_of, minute_of

_TIMED = (VisitBooked.TYPE, VisitMoved.TYPE)
_NEXT = {(state, fact.TYPE): after for state, facts in TRANSITIONS.items() for fact, after in facts.items()}


def bookings(events: Sequence[Recorded]) -> Iterator[Row]:
    """Of one stream: the booking's number, version, state, day and minutes. Streams of others imply none."""
    if not events or events[0].type != VisitBooked.TYPE:
        return
    state, starts, ends = State.NEW, events[0].time, events[0].time
    for event in events:
        state = _NEXT.get((state, event.type), state)
        if event.type in _TIMED:
            starts, ends = parse_time(event.data["starts_at"]), parse_time(event.data["ends_at"])
    minutes = minute_of(starts), minute_of(starts) + _minutes(starts, ends)
    yield events[0].stream, events[-1].stream_version, str(state), day_of(starts).isoformat(), *minutes


def _minutes(starts: datetime, ends: datetime) -> int:
    return int((ends - starts).total_seconds()) // 60  # a booking may end at 24:00


BOOKINGS = Holding(
    name="bookings",
    owner="appointment",
    log="appointment",
    table="booking",
    columns=("number", "version", "state", "day", "starts", "ends"),
    width=1,
    implied=bookings,
    where="version > 0",  # of a hold the log tells nothing
)


def tickets(events: Sequence[Recorded]) -> Iterator[Row]:
    """Of one stream: what becomes of a ticket, by the domain itself. Streams of others imply none."""
    if not events or events[0].type != TicketIssued.TYPE:
        return
    facts = [load_visit_fact(event.type, event.version, event.data) for event in events]
    ticket = rebuild(events[0].stream, [fact for fact in facts if isinstance(fact, TicketFact)])
    # Why somebody was let ahead is in the table alone.
    told = (ticket.number, ticket.kind, ticket.booking, ticket.people, ticket.low, ticket.high)
    times = (ticket.rank, ticket.issued_at, ticket.first_called_at, ticket.called_at, ticket.until, ticket.ended_at)
    micros = (None if moment is None else to_micros(moment) for moment in times)
    yield ticket.id, ticket.version, str(ticket.state), *told, ticket.window, ticket.last_window, *micros


TICKETS = Holding(
    name="tickets",
    owner="appointment",
    log="appointment",
    table="ticket",
    columns=(
        *("id", "version", "state", "number", "kind", "booking", "people", "low", "high"),
        *("at_window", "last_window", "rank", "issued_at", "first_called_at", "called_at", "until", "ended_at"),
    ),
    width=1,
    implied=tickets,
)
