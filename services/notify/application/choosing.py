"""Which provider a new message starts with. Remembers in memory alone: a restart begins with the first again."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from kernel.clock import Clock


class Choice:
    """The first provider, until it has failed `limit` times running; then the next, for `rest`; then it is tried again.

    Without this, a provider that hangs would hold each new message for its whole time-out, and keep it: what it may
    have taken is given to nobody else.
    """

    def __init__(
        self, names: Sequence[str], clock: Clock, limit: int = 5, rest: timedelta = timedelta(minutes=1)
    ) -> None:
        self._names = tuple(names)
        self._clock = clock
        self._limit = limit
        self._rest = rest
        self._failures = dict.fromkeys(names, 0)
        self._resting: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def first(self) -> str:
        """The provider to begin with now; the first of all when none is well."""
        now = self._clock.now()
        with self._lock:
            well = (name for name in self._names if self._resting.get(name, now) <= now)
            return next(well, self._names[0])

    def note(self, name: str, well: bool) -> None:
        """Take note of how a call went."""
        with self._lock:
            self._failures[name] = 0 if well else self._failures.get(name, 0) + 1
            if well:
                self._resting.pop(name, None)
            elif self._failures[name] >= self._limit:
                self._resting[name] = self._clock.now() + self._rest
