"""A group's schedule, and the slots of a day that follow from it, from closures and from the calendar.

Pure: nothing here asks what is booked, or the time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from kernel.working_days import is_public_holiday, is_working_day
from services.appointment.domain.times import DAY_MINUTES, hhmm, minutes_of


@dataclass(frozen=True)
class Hours:
    """Open from `since` until `until`, in minutes since midnight."""

    since: int
    until: int


@dataclass(frozen=True)
class Schedule:
    """Weekly hours by ISO weekday, and what a slot is. `window_quota` places of `capacity` are not for booking."""

    weekly: Mapping[int, tuple[Hours, ...]]
    slot_minutes: int
    capacity: int
    window_quota: int = 0
    item_minutes: Mapping[str, int] = field(default_factory=dict)
    open_on_holidays: bool = False

    @property
    def public(self) -> int:
        """Places of a slot that can be booked."""
        return max(0, self.capacity - self.window_quota)


@dataclass(frozen=True)
class Closing:
    """Closed from `first_day` to `last_day`, each day from `since` until `until`."""

    first_day: date
    last_day: date
    since: int = 0
    until: int = DAY_MINUTES

    def covers(self, day: date, start: int, end: int) -> bool:
        """Whether any of that time falls into it."""
        return self.first_day <= day <= self.last_day and start < self.until and end > self.since


@dataclass(frozen=True)
class PlannedSlot:
    """What the schedule makes of a stretch of a day."""

    start: int
    minutes: int
    places: int
    closed: bool


_OFFICE = (Hours(9 * 60, 12 * 60), Hours(14 * 60, 17 * 60))
# Until a hall's staff set another.
DEFAULT_SCHEDULE = Schedule(dict.fromkeys(range(1, 6), _OFFICE), slot_minutes=30, capacity=4, window_quota=1)


def schedule_of(document: Mapping[str, Any]) -> Schedule:
    """From the JSON of `kernel.contracts.appointment.Schedule`."""
    weekly = {
        int(day): tuple(
            sorted((Hours(minutes_of(one["since"]), minutes_of(one["until"])) for one in hours), key=_since)
        )
        for day, hours in document["weekly"].items()
    }
    same = ("slot_minutes", "capacity", "window_quota", "item_minutes", "open_on_holidays")
    return Schedule(weekly, **{name: document[name] for name in same if name in document})


def document_of(schedule: Schedule) -> dict[str, Any]:
    """The inverse of `schedule_of`."""
    weekly = {
        str(day): [{"since": hhmm(one.since), "until": hhmm(one.until)} for one in hours]
        for day, hours in sorted(schedule.weekly.items())
    }
    return {
        "weekly": weekly,
        "slot_minutes": schedule.slot_minutes,
        "capacity": schedule.capacity,
        "window_quota": schedule.window_quota,
        "item_minutes": dict(schedule.item_minutes),
        "open_on_holidays": schedule.open_on_holidays,
    }


def hours_on(schedule: Schedule, day: date) -> tuple[Hours, ...]:
    """When the group is open on `day`: none on a holiday; on a make-up day as on its first weekday with hours."""
    usual = schedule.weekly.get(day.isoweekday(), ())
    if schedule.open_on_holidays and usual:
        return usual
    if day.isoweekday() <= 5:
        return usual if is_working_day(day) else ()
    if is_working_day(day) and not usual:  # a Saturday or Sunday that is worked
        return next((hours for weekday, hours in sorted(schedule.weekly.items()) if hours and weekday <= 5), ())
    return () if is_public_holiday(day) else usual


def open_hours(schedule: Schedule, day: date, closings: Iterable[Closing]) -> tuple[Hours, ...]:
    """When the group is open on `day`, without what closures take of it."""
    hours = hours_on(schedule, day)
    for closing in closings:
        if closing.first_day <= day <= closing.last_day:
            hours = tuple(part for one in hours for part in _outside(one, closing))
    return hours


def _outside(hours: Hours, closing: Closing) -> list[Hours]:
    parts = (Hours(hours.since, min(hours.until, closing.since)), Hours(max(hours.since, closing.until), hours.until))
    return [part for part in parts if part.since < part.until]


def slots_on(schedule: Schedule, day: date, closings: Iterable[Closing] = ()) -> list[PlannedSlot]:
    """The slots of the day in order; what is left of the hours when no whole slot fits any more is no slot."""
    closed_by = [one for one in closings if one.first_day <= day <= one.last_day]
    length = schedule.slot_minutes
    return [
        PlannedSlot(start, length, schedule.public, any(one.covers(day, start, start + length) for one in closed_by))
        for hours in hours_on(schedule, day)
        for start in range(hours.since, hours.until - length + 1, length)
    ]


def visit_minutes(schedule: Schedule, items: Iterable[str], people: int) -> int:
    """How long a visit takes: each item as long as it does, a slot where nothing is said, for each of the people."""
    return people * sum(schedule.item_minutes.get(item, schedule.slot_minutes) for item in items)


def walk_in_contingent(schedule: Schedule, day: date, closings: Iterable[Closing] = ()) -> int:
    """How many people without a booking are served that day."""
    return sum(schedule.window_quota for slot in slots_on(schedule, day, closings) if not slot.closed)


def _since(hours: Hours) -> int:
    return hours.since
