"""The hall's day, looked at: a ticket by its holder, the queue by staff, the display and the waits by everybody.

Reads only, and shows nobody's personal data.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from kernel.clock import from_micros
from kernel.contracts.hall_day_refusals import UnknownTicket
from services.appointment.application.calling import window_state
from services.appointment.application.expecting import Expecting
from services.appointment.application.queue_rows import TicketRow, WindowRow
from services.appointment.application.ticketing import Place, moment, place_of, shown, shown_to_staff
from services.appointment.application.tools import Tools
from services.appointment.domain.halls import Group
from services.appointment.domain.queue import rank_of_walk_in
from services.appointment.domain.tickets import State
from services.appointment.domain.times import day_of

CALLS = 10  # that a display shows

Json = dict[str, Any]


class QueueViews:
    """Handlers of `ticket`, `queue`, `display` and `waits`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def ticket(self, id: str) -> Json:
        """In the form of `kernel.contracts.hall_day.TicketStanding`. Raises UnknownTicket."""
        with self._tools.database.read() as tx:
            row = self._tools.store.ticket(tx, id)
            if row is None:
                raise UnknownTicket
            place = place_of(self._tools, tx, row.hall)
            return {**shown(row, place), **self._standing(tx, row, place)}

    def _standing(self, tx: sa.Connection, row: TicketRow, place: Place) -> Json:
        if row.state is not State.WAITING or row.day != day_of(self._tools.clock.now()):
            return {"ahead": None, "low": None, "high": None}
        expecting = Expecting(self._tools, tx, place)
        rank = from_micros(row.rank)
        wait = expecting.wait(row.group_no, rank, row.id)
        return {"ahead": expecting.ahead(row.group_no, rank, row.id), "low": wait.low, "high": wait.high}

    def queue(self, hall: str) -> Json:
        """In the form of `kernel.contracts.hall_day.Queue`. Raises UnknownHall."""
        with self._tools.database.read() as tx:
            place = place_of(self._tools, tx, hall)
            windows, live = self._windows_and_live(tx, hall)
        states = {state: [row for row in live if row.state is state] for state in (State.WAITING, State.PARKED)}
        return {
            "hall": hall,
            "windows": [window_state(place, one, _at(one, live), _waiting_for(one, live)) for one in windows],
            **{state.value: [shown_to_staff(row, place) for row in rows] for state, rows in states.items()},
        }

    def display(self, hall: str) -> Json:
        """In the form of `kernel.contracts.hall_day.Display`. Raises UnknownHall."""
        with self._tools.database.read() as tx:
            place = place_of(self._tools, tx, hall)
            windows, live = self._windows_and_live(tx, hall)
            calls = self._tools.store.last_calls(tx, hall, day_of(self._tools.clock.now()), CALLS)
            position, groups = self._tools.store.position(tx), place.groups
        count = Counter(row.group_no for row in live if row.state is State.WAITING)
        return {
            "hall": hall,
            "hall_name": place.name,
            "position": position,
            "groups": [{"group": one.id, "name": one.name, "waiting": count[one.no]} for one in groups],
            "windows": [_shown_window(one, _at(one, live)) for one in windows if one.open],
            "calls": [_shown_call(row, place) for row in calls],
        }

    def waits(self, hall: str) -> list[Json]:
        """What somebody who took a ticket now would wait, by group. Raises UnknownHall."""
        with self._tools.database.read() as tx:
            place = place_of(self._tools, tx, hall)
            expecting, now = Expecting(self._tools, tx, place), self._tools.clock.now()
            rank = rank_of_walk_in(place.rule, "none", now)
            return [_shown_wait(expecting, one, rank) for one in place.groups]

    def _windows_and_live(self, tx: sa.Connection, hall: str) -> tuple[list[WindowRow], list[TicketRow]]:
        store = self._tools.store
        return store.windows(tx, hall), store.live_tickets(tx, hall, day_of(self._tools.clock.now()))


def _at(window: WindowRow, live: Sequence[TicketRow]) -> TicketRow | None:
    return next((row for row in live if row.at_window == window.code), None)


def _waiting_for(window: WindowRow, live: Sequence[TicketRow]) -> int:
    return sum(row.state is State.WAITING and row.group_no in window.groups for row in live)


def _shown_window(window: WindowRow, at_it: TicketRow | None) -> Json:
    serving = None if at_it is None else at_it.number
    return {"window": window.code, "name": window.name, "serving": serving}


def _shown_call(row: TicketRow, place: Place) -> Json:
    return {
        "number": row.number,
        "window": row.last_window,
        "group": place.named[row.group_no].id,
        "at": moment(row.called_at),
    }


def _shown_wait(expecting: Expecting, group: Group, rank: datetime) -> Json:
    windows = expecting.windows(group.no)
    wait = expecting.wait(group.no, rank) if windows else None
    return {
        "group": group.id,
        "name": group.name,
        "waiting": expecting.ahead(group.no, rank),
        "windows": windows,
        "low": None if wait is None else wait.low,
        "high": None if wait is None else wait.high,
    }
