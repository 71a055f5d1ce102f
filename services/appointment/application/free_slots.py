"""When there is time: the free times of a hall for up to thirty days, and the next ones for somebody who found none.

Reads only. What is free here may be taken a moment later.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from kernel.contracts.appointment_refusals import UnknownHall
from services.appointment.application.tools import Tools
from services.appointment.domain.halls import Group, Hall
from services.appointment.domain.rules import window
from services.appointment.domain.schedule import visit_minutes
from services.appointment.domain.slots import Slot, day_number, group_of, id_range, runs, still_to_come
from services.appointment.domain.times import day_of, hhmm, minute_of

NEXT = 3  # times that somebody is told who found none


class FreeTimes:
    """Handler of `slots`; answers are `kernel.contracts.appointment.FreeSlots`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def show(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """`request`: loaded `kernel.contracts.appointment.SlotsAsked`. Raises UnknownHall, NotBookable."""
        item = request["item"]
        hall = self._hall(request["hall"])
        groups = hall.groups if item is None else hall.groups_for([item])
        first, last = self._days(hall, request["date"], request["days"])
        free = self._free(groups, first, last)
        items = [] if item is None else [item]
        bookable = window(hall.rule, day_of(self._tools.clock.now()))
        return {
            "hall": hall.id,
            "first_day": bookable[0].isoformat(),
            "last_day": bookable[1].isoformat(),
            "groups": [_shown(group, free.get(group.no, []), items, request["people"]) for group in groups],
        }

    def next_times(
        self, hall: str, items: Sequence[str], people: int, day: date, starts: int, group: str | None = None
    ) -> list[dict[str, str]]:
        """Up to three, in the form of `kernel.contracts.appointment.NextTime`: later ones before earlier ones.

        At any group that handles the items; at `group` alone, if one is named.
        """
        found = self._hall(hall)
        groups = found.groups_for(items) if group is None else (found.group(group),)
        first, last = window(found.rule, day_of(self._tools.clock.now()))
        free = self._free(groups, first, last)
        times = {
            (slot.day, slot.start)
            for one in groups
            for slot, _, _ in runs(free.get(one.no, []), visit_minutes(one.schedule, items, people))
        }
        later = sorted(times, key=lambda time: (time < (day, starts), time))
        return [{"date": on.isoformat(), "time": hhmm(start)} for on, start in later[:NEXT]]

    def _hall(self, id: str) -> Hall:
        with self._tools.database.single() as tx:
            hall = self._tools.store.halls(tx, [id]).get(id)
        if hall is None:
            raise UnknownHall(hall=id)
        return hall

    def _days(self, hall: Hall, since: date | None, days: int) -> tuple[date, date]:
        """Those asked for that may be booked."""
        today = day_of(self._tools.clock.now())
        first, last = window(hall.rule, today)
        asked = min(since or today, last + timedelta(days=1))  # beyond the calendar's end there is nothing to add to
        return max(first, asked), min(last, asked + timedelta(days=days - 1))

    def _free(self, groups: Sequence[Group], first: date, last: date) -> dict[int, list[Slot]]:
        """By the number of the group; none in the past."""
        if first > last:
            return {}
        ranges = [id_range(group.no, first, last) for group in groups]
        with self._tools.database.single() as tx:
            slots = self._tools.store.open_slots(tx, ranges)
        now = self._tools.clock.now()
        if first <= day_of(now):
            slots = still_to_come(slots, day_of(now), minute_of(now))
        return {no: list(of_it) for no, of_it in groupby(slots, lambda slot: group_of(slot.id))}


def _by_day(found: Sequence[tuple[Slot, int, int]]) -> Iterator[tuple[date, list[tuple[Slot, int, int]]]]:
    for _, of_it in groupby(found, lambda one: day_number(one[0].id)):
        on_it = list(of_it)
        yield on_it[0][0].day, on_it


def _shown(group: Group, slots: Sequence[Slot], items: Sequence[str], people: int) -> dict[str, Any]:
    minutes = visit_minutes(group.schedule, items, people) if items else people * group.schedule.slot_minutes
    return {
        "group": group.id,
        "name": group.name,
        "minutes": minutes,
        "days": [
            {
                "date": day.isoformat(),
                "times": [{"time": hhmm(slot.start), "ends": hhmm(end), "free": free} for slot, end, free in of_it],
            }
            for day, of_it in _by_day(runs(slots, minutes))
        ],
    }
