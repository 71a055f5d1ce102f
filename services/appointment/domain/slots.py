"""Slots (号源): a stretch of a group's day with so many places. A slot's id tells its group, day and start.

Pure. So the slots of a group's days are one range of ids, and nobody has to look an id up before locking it.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

_START_BITS, _DAY_BITS = 11, 20  # minutes of a day; days since the year 1
GROUP_BITS = _DAY_BITS + _START_BITS  # below them is what tells day and start
_START_MASK, _DAY_MASK, _MOMENT_MASK = (1 << _START_BITS) - 1, (1 << _DAY_BITS) - 1, (1 << GROUP_BITS) - 1


class Slot(NamedTuple):
    """A slot as it stands: `free` places, none where it is closed."""

    id: int
    minutes: int
    free: int
    closed: bool = False

    @property
    def day(self) -> date:
        return date.fromordinal(self.id >> _START_BITS & _DAY_MASK)

    @property
    def start(self) -> int:
        """Minutes since midnight."""
        return self.id & _START_MASK

    @property
    def end(self) -> int:
        """Minutes since midnight."""
        return self.start + self.minutes


def slot_id(group: int, day: date, start: int) -> int:
    """The id of the slot of the group with this number that begins `start` minutes after the day's midnight."""
    return group << GROUP_BITS | day.toordinal() << _START_BITS | start


def group_of(slot: int) -> int:
    """The number of the slot's group."""
    return slot >> GROUP_BITS


def day_number(slot: int) -> int:
    """The same for all slots of a group on a day, and for no other."""
    return slot >> _START_BITS


def id_range(group: int, first: date, last: date) -> tuple[int, int]:
    """The lowest and the highest id that a slot of the group can have in these days."""
    return slot_id(group, first, 0), slot_id(group, last, _START_MASK)


def needed_ids(group: int, day: date, start: int, minutes: int, slot_minutes: int) -> tuple[int, ...]:
    """The consecutive slots that a visit of `minutes` takes which begins at `start`."""
    count = -(-minutes // slot_minutes)
    starts = range(start, start + count * slot_minutes, slot_minutes)
    return tuple(slot_id(group, day, one) for one in starts if one <= _START_MASK)


def all_of(group: int) -> tuple[int, int]:
    """The lowest and the highest id that any slot of the group can have."""
    return group << GROUP_BITS, (group + 1 << GROUP_BITS) - 1


def still_to_come(slots: Sequence[Slot], day: date, minute: int) -> list[Slot]:
    """Those that have not begun at that minute of the day."""
    now = slot_id(0, day, minute)
    return [slot for slot in slots if slot.id & _MOMENT_MASK > now]


def keep(slots: Sequence[Slot], starts: int, ends: int) -> bool:
    """Whether these, of a booking from `starts` to `ends`, are open and still fill its time."""
    return not any(slot.closed for slot in slots) and sum(slot.minutes for slot in slots) == ends - starts


def runs(slots: Sequence[Slot], minutes: int) -> list[tuple[Slot, int, int]]:
    """Where a visit of `minutes` can begin: the first slot, when the visit ends, and how many such visits fit.

    `slots`: of one group, by id. A visit takes slots that follow each other without a break, on one day.
    """
    if all(slot.minutes >= minutes for slot in slots):  # most visits take one slot
        return [(slot, slot.end, slot.free) for slot in slots if slot.free > 0]
    found = []
    for at, first in enumerate(slots):
        free, length, place = first.free, first.minutes, at
        while free > 0 and length < minutes:
            place += 1
            if place == len(slots) or slots[place].id != first.id + length:  # ids count minutes within a day
                free = 0
            else:
                length, free = length + slots[place].minutes, min(free, slots[place].free)
        if free > 0:
            found.append((first, first.start + length, free))
    return found
