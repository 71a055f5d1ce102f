"""How long somebody with a rank will wait, from what the store knows at this moment. Locks nothing.

What it says is recorded on the ticket's first fact, so that it can be held against what came of it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cached_property

import sqlalchemy as sa

from kernel.clock import to_micros
from services.appointment.application.planning import closings_of
from services.appointment.application.rows import ClosureRow
from services.appointment.application.ticketing import Place
from services.appointment.application.tools import Tools
from services.appointment.domain.estimates import Line, Wait, Window, expect, over_hours, service_of
from services.appointment.domain.schedule import DEFAULT_SCHEDULE, Schedule, open_hours
from services.appointment.domain.times import day_of, minute_of

SERVICES = 30  # of a group, the last ones
LOOK_BACK = 60  # minutes of arrivals


class Expecting:
    """The present of one hall, looked at once for any number of groups."""

    def __init__(self, tools: Tools, tx: sa.Connection, place: Place) -> None:
        self._store, self._tx, self._place = tools.store, tx, place
        self._now = tools.clock.now()
        self._day = day_of(self._now)
        rows = [one for one in self._store.windows(tx, place.id) if one.open]
        busy = self._store.busy(tx, place.id)
        self._windows = [Window(frozenset(one.groups), one.code in busy) for one in rows]

    def windows(self, group_no: int) -> int:
        """How many are open that serve the group."""
        return sum(group_no in one.groups for one in self._windows)

    def ahead(self, group_no: int, rank: datetime, id: str | None = None) -> int:
        """How many of the group wait before the ticket; before a new one with this rank, if `id` names none."""
        return self._waiting([group_no], rank, id).get(group_no, 0)

    def _waiting(self, groups: Collection[int], rank: datetime, id: str | None) -> dict[int, int]:
        after = to_micros(rank) + (id is None)
        return self._store.waiting(self._tx, self._day, groups, after, id or "")

    def wait(self, group_no: int, rank: datetime, id: str | None = None) -> Wait:
        """Of the ticket, or of a new one with this rank, from now on."""
        schedule = self._schedule(group_no)
        service = service_of(self._store.services(self._tx, group_no, SERVICES), schedule.slot_minutes)
        hours = open_hours(schedule, self._day, closings_of(self._closures, group_no))
        return over_hours(expect(self._line(group_no, rank, id), service), hours, self._now)

    @cached_property
    def _closures(self) -> list[ClosureRow]:
        return self._store.closures(self._tx, self._place.id, self._day)

    def _schedule(self, group_no: int) -> Schedule:
        return next((one.schedule for one in self._place.groups if one.no == group_no), DEFAULT_SCHEDULE)

    def _line(self, group_no: int, rank: datetime, id: str | None) -> Line:
        neighbours = {group_no}.union(*(one.groups for one in self._windows if group_no in one.groups))
        since = to_micros(self._now - timedelta(minutes=LOOK_BACK))
        return Line(
            group=group_no,
            windows=self._windows,
            ahead=self._waiting(neighbours, rank, id),
            booked=self._booked(group_no, rank),
            arrivals=self._store.arrivals(self._tx, group_no, self._day, since) / LOOK_BACK,
            for_minutes=max(0.0, (rank - self._now) / timedelta(minutes=1)),
        )

    def _booked(self, group_no: int, rank: datetime) -> tuple[int, ...]:
        """Minutes until the time of each who is not here yet, and ahead when they come: none that is long over."""
        rule, now = self._place.rule, minute_of(self._now)
        before = rank + timedelta(minutes=rule.lead_minutes)
        if day_of(before) != self._day:
            return ()
        last = minute_of(before) - 1  # of two with the same rank, who is here is ahead
        starts = self._store.coming(self._tx, self._place.id, group_no, self._day, now - rule.late_minutes, last)
        return tuple(start - now for start in starts)
