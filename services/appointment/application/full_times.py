"""Times that were found full a moment ago, with the next free ones: what a crowd is told from memory.

Never older than half a second, and never says that there is time: that only the tables can.
"""

import threading
from datetime import date, datetime, timedelta

from services.appointment.application.free_slots import FreeTimes
from services.appointment.application.tools import Tools

LIFE = timedelta(seconds=0.5)
_ROOM = 2000

Wanted = tuple[str, tuple[str, ...], int, date, int]  # hall, items, people, day, minutes since midnight
Times = list[dict[str, str]]  # `kernel.contracts.appointment.NextTime`


class FullTimes:
    """Of one process."""

    def __init__(self, tools: Tools, free: FreeTimes) -> None:
        self._tools = tools
        self._free = free
        self._found: dict[Wanted, tuple[datetime, Times]] = {}
        self._turn = threading.Lock()

    def told(self, wanted: Wanted) -> Times | None:
        """The next free times, where it is known that this one is full."""
        at, times = self._found.get(wanted, (None, []))
        if at is None or not timedelta() <= self._tools.clock.now() - at < LIFE:
            return None
        return times

    def find(self, wanted: Wanted) -> Times:
        """The next free times of somebody who has just found this one full. Raises what `next_times` raises."""
        with self._turn:  # the first of a crowd looks, the others take what it found
            times = self.told(wanted)
            if times is None:
                now = self._tools.clock.now()
                times = self._free.next_times(*wanted)
                self._keep(wanted, now, times)
        return times

    def _keep(self, wanted: Wanted, now: datetime, times: Times) -> None:
        if len(self._found) >= _ROOM:
            self._found = {}
        self._found[wanted] = (now, times)
