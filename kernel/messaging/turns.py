"""Turns at one service: so many callers at once, and the others wait for as long as it answers anybody.

A crowd is served one after another; whoever calls a service that hangs is told so as soon as without a crowd.
"""

import threading
from collections.abc import Callable
from time import monotonic

MOST = 100  # calls of one client under way to one service
PATIENCE = 30.0  # seconds that a call waits at most for its turn among them


class Turns:
    """Safe to share among threads and greenlets. Who was let in gives its turn back."""

    def __init__(self, most: int = MOST, clock: Callable[[], float] = monotonic) -> None:
        self._free = threading.Semaphore(most)
        self._clock = clock
        self._answered = 0.0  # when the service last was heard of

    def take(self, silence: float, patience: float = PATIENCE) -> bool:
        """False after `patience` seconds, or `silence` seconds in which the service has answered nobody."""
        came = self._clock()
        while not self._free.acquire(blocking=False):
            now = self._clock()
            left = min(came + patience, max(came, self._answered) + silence) - now
            if left <= 0:
                return False
            if self._free.acquire(timeout=left):
                return True
        return True

    def answered(self) -> None:
        """The service lives: whoever waits may go on waiting."""
        self._answered = self._clock()

    def give_back(self) -> None:
        self._free.release()
