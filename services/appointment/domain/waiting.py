"""The waiting list (候补): who waits for a freed time, and what fits whom.

Pure. A place is offered by being held; whether the hold was confirmed or has lapsed is told by its booking.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from services.appointment.domain.booking import State
from services.appointment.domain.rules import Visit
from services.appointment.domain.slots import Slot, id_range, needed_ids
from services.appointment.domain.times import day_of, instant, minute_of

_EVENING, _AWAKE, _MORNING = 21 * 60, 8 * 60, 8 * 60 + 30  # minutes of the day


class Entry(StrEnum):
    """What is kept of an entry's state."""

    WAITING = "waiting"
    OFFERED = "offered"
    LEFT = "left"
    BOOKED = "booked"


@dataclass(frozen=True)
class Wanted:
    """A visit of `minutes`, all of it between `since` and `until`, on any of these days."""

    first_day: date
    last_day: date
    since: int
    until: int
    minutes: int


@dataclass(frozen=True)
class Fit:
    """A time that would do, and its slots."""

    visit: Visit
    slots: tuple[int, ...]


def fits(wanted: Wanted, group: int, length: int, freed: Iterable[int]) -> list[Fit]:
    """The times that take one of the slots `freed`, the earliest first. `length`: minutes of a slot."""
    found = {}
    taken = -(-wanted.minutes // length) * length
    low, high = id_range(group, wanted.first_day, wanted.last_day)
    for slot in (Slot(id, length, 0) for id in freed if low <= id <= high):
        for starts in range(slot.start - taken + length, slot.end, length):
            if wanted.since <= starts and starts + taken <= wanted.until:
                slots = needed_ids(group, slot.day, starts, wanted.minutes, length)
                found[slots[0]] = Fit(Visit(slot.day, starts, starts + taken), slots)
    return [found[first] for first in sorted(found)]


def offered_until(now: datetime, usual: timedelta) -> datetime:
    """Until when what is offered now is held. Nobody loses a place by sleeping: at night, until half past eight."""
    until, minute, day = now + usual, minute_of(now), day_of(now)
    if minute >= _EVENING:
        return max(until, instant(day + timedelta(days=1), _MORNING))
    return max(until, instant(day, _MORNING)) if minute < _AWAKE else until


def state_at(entry: Entry, wanted: Wanted, hold: State | None, now: datetime, held: bool) -> str:
    """As its person sees it. `hold`: the state of the booking that was offered, and whether it is `held` still."""
    if entry is Entry.OFFERED:
        lapsed = hold is State.EXPIRED or (hold is State.HELD and not held)
        return "lapsed" if lapsed else "offered" if hold is State.HELD else "booked"
    over = now >= instant(wanted.last_day, wanted.until - wanted.minutes)
    return "over" if entry is Entry.WAITING and over else str(entry)
