"""Tickets, as all handlers of the hall's day treat them: what a fact makes of one, and how it is shown.

Shows nobody's personal data: neither to a display, nor to who knows a ticket's id.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from kernel.clock import format_time, from_micros
from kernel.contracts.appointment_refusals import UnknownGroup, UnknownHall
from kernel.contracts.ticket_facts import TicketFact
from kernel.eventlog import Append
from services.appointment.application.queue_rows import Named, TicketRow
from services.appointment.application.saying import append_to
from services.appointment.application.tools import Tools
from services.appointment.domain.halls import Group, Hall
from services.appointment.domain.rules import HallRule
from services.appointment.domain.tickets import decide, evolve

Json = dict[str, Any]


class Place:
    """A hall as its windows and displays have it: also groups that the catalogue has no more, for who waits there."""

    def __init__(self, tools: Tools, tx: sa.Connection, id: str, named: Mapping[int, Named]) -> None:
        self.id, self.named = id, named
        self._tools, self._tx = tools, tx

    @cached_property
    def hall(self) -> Hall | None:
        """Looked up where it matters only: of those who call the next, nobody needs it."""
        return self._tools.store.halls(self._tx, {self.id}).get(self.id)

    @property
    def rule(self) -> HallRule:
        """A hall that the catalogue has no more has the usual one."""
        return self.hall.rule if self.hall is not None else HallRule()

    @property
    def groups(self) -> tuple[Group, ...]:
        """Those that the catalogue has."""
        return self.hall.groups if self.hall is not None else ()

    @cached_property
    def name(self) -> str:
        return list(self.named.values())[-1].hall_name

    def open_group(self, id: str) -> Group:
        """One that the catalogue still has. Raises UnknownHall or UnknownGroup."""
        if self.hall is None:
            raise UnknownHall(hall=self.id)
        return self.hall.group(id)

    def group(self, id: str) -> Named:
        """Raises UnknownGroup."""
        for one in self.named.values():
            if one.id == id:
                return one
        raise UnknownGroup(group=id)


def place_of(tools: Tools, tx: sa.Connection, hall: str) -> Place:
    """Raises UnknownHall where there never was a group."""
    named = {one.no: one for one in tools.store.named(tx, hall)}
    if not named:
        raise UnknownHall(hall=hall)
    return Place(tools, tx, hall, named)


def about(row: TicketRow, place: Place, by: str, at: datetime) -> Json:
    """What every fact of the ticket says."""
    group = place.named[row.group_no].id
    return {"occurred_at": at, "by": by, "hall": row.hall, "number": row.number, "group": group}


def change(
    tools: Tools, tx: sa.Connection, row: TicketRow, fact: TicketFact, place: Place, to: int | None = None
) -> tuple[TicketRow, Append]:
    """The locked ticket after the fact, and what goes on the log. `to`: the group it is in from then on."""
    ticket = row.as_ticket(place.named[row.group_no].id)
    after = row.after(evolve(ticket, decide(ticket, fact)), row.group_no if to is None else to)
    if not tools.store.change_ticket(tx, row, after):
        raise RuntimeError(f"a ticket that was locked has changed: {row.id}")
    return after, append_to(row.id, row.version, [fact])


def shown(row: TicketRow, place: Place) -> Json:
    """In the form of `kernel.contracts.hall_day.Ticket`."""
    group = place.named[row.group_no]
    return {
        "id": row.id,
        "number": row.number,
        "state": str(row.state),
        "hall": row.hall,
        "hall_name": group.hall_name,
        "group": group.id,
        "group_name": group.name,
        "kind": row.kind,
        "people": row.people,
        "issued_at": format_time(from_micros(row.issued_at)),
        "expected_low": row.low,
        "expected_high": row.high,
        "called_at": moment(row.called_at),
        "window": row.at_window,
        "until": moment(row.until),
    }


def shown_to_taker(row: TicketRow, place: Place) -> Json:
    """In the form of `kernel.contracts.hall_day.TicketTaken`: with why it is ahead."""
    return {**shown(row, place), "priority": row.priority}


def shown_to_staff(row: TicketRow, place: Place) -> Json:
    """In the form of `kernel.contracts.hall_day.StaffTicket`: with the booking that it is for."""
    return {**shown_to_taker(row, place), "booking": row.booking}


def moment(micros: int | None) -> str | None:
    """An instant as it is told."""
    return None if micros is None else format_time(from_micros(micros))
