"""Tickets for people who come without a booking: as many on a day as the schedule keeps places for them.

The last one is given out once, however many want it at the same moment.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kernel.contracts.hall_day_refusals import NoTicketsLeft
from kernel.ids import new_id
from services.appointment.application.free_slots import FreeTimes
from services.appointment.application.issuing import Arrival, issue, issued
from services.appointment.application.once import Said, once
from services.appointment.application.people import identity_key
from services.appointment.application.planning import closings_of
from services.appointment.application.saying import append_to
from services.appointment.application.ticketing import Place, place_of, shown_to_taker
from services.appointment.application.tools import Tools
from services.appointment.domain.halls import Group
from services.appointment.domain.queue import check_walk_in_time, priority_of, rank_of_walk_in, taken_at
from services.appointment.domain.schedule import Closing, open_hours, walk_in_contingent
from services.appointment.domain.times import day_of, minute_of

Json = dict[str, Any]


class WalkIns:
    """Handler of `take_ticket`; the answer is `kernel.contracts.hall_day.TicketTaken`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._free = FreeTimes(tools)

    def take(self, staff: str, request: Mapping[str, Any]) -> Json:
        """`request`: loaded `kernel.contracts.hall_day.TakeTicket`. Raises NoTicketsLeft, AlreadyWaiting or Closed."""
        key, asked = request["idempotency_key"], self._asked(request)
        try:
            return once(self._tools, staff, key, asked, lambda tx: self._take(tx, staff, request))
        except NoTicketsLeft:
            found = (request["hall"], request["group"], request["people"])
        # Looked up by the one who was refused, not under the lock that the others wait for.
        raise NoTicketsLeft(self._next_times(*found))

    def _take(self, tx: sa.Connection, staff: str, request: Mapping[str, Any]) -> Said:
        place = place_of(self._tools, tx, request["hall"])
        group, today = place.open_group(request["group"]), day_of(self._tools.clock.now())
        closings = closings_of(self._tools.store.closures(tx, place.id, today), group.no)
        arrival = self._arrival(place, group, closings, request)
        most = walk_in_contingent(group.schedule, today, closings)
        ticket = issue(self._tools, tx, place, arrival, new_id(), most)
        return shown_to_taker(ticket, place), [append_to(ticket.id, 0, [issued(ticket, place, staff)])]

    def _asked(self, request: Mapping[str, Any]) -> Json:
        said = {name: request[name] for name in ("hall", "group", "people", "priority")}
        return {"walk_in": said, "by": self._identity(request)}

    def _identity(self, request: Mapping[str, Any]) -> str | None:
        number = request["identity_number"]
        return None if number is None else identity_key(self._tools.vault, number)

    def _arrival(self, place: Place, group: Group, closings: Sequence[Closing], request: Mapping[str, Any]) -> Arrival:
        now = self._tools.clock.now()
        hours = open_hours(group.schedule, day_of(now), closings)
        check_walk_in_time(place.rule, hours, now)
        priority = priority_of(place.rule, request["priority"], request["identity_number"], day_of(now))
        return Arrival(
            group=group,
            kind="walk_in",
            booking=None,
            identity=self._identity(request),
            priority=priority,
            people=request["people"],
            rank=rank_of_walk_in(place.rule, priority, taken_at(hours, now)),
            at=now,
        )

    def _next_times(self, hall: str, group: str, people: int) -> list[dict[str, str]]:
        now = self._tools.clock.now()
        with self._tools.database.read() as tx:
            found = place_of(self._tools, tx, hall).open_group(group)
        return self._free.next_times(hall, found.items[:1], people, day_of(now), minute_of(now), group)
