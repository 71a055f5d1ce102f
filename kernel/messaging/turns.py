"""Turns at one service: so many callers at once, and the others wait for as long as it answers anybody.

A crowd is served one after another; whoever calls a service that hangs is told so as soon as without a crowd.
"""

import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

MOST = 100  # calls of one client under way to one service
PATIENCE = 30.0  # seconds that a call waits at most for its turn among them


class Turns:
    """Safe to share among threads and greenlets. Who was let in gives its turn back; who came first is let in first."""

    def __init__(self, most: int = MOST, clock: Callable[[], float] = monotonic) -> None:
        self._free = most
        self._waiting: deque[threading.Event] = deque()  # one for each, set when its turn has come
        self._guard = threading.Lock()
        self._clock = clock
        self._answered = 0.0  # when the service last was heard of

    def take(self, silence: float, patience: float = PATIENCE) -> bool:
        """False after `patience` seconds, or `silence` seconds in which the service has answered nobody."""
        turn = self._come()
        if turn is None:
            return True
        came, taken = self._clock(), False
        try:
            taken = self._wait(turn, came, silence, patience)
        finally:
            if not taken:
                taken = self._leave(turn)
        return taken

    def answered(self) -> None:
        """The service lives: whoever waits may go on waiting."""
        self._answered = self._clock()

    def give_back(self) -> None:
        """To who has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _come(self) -> threading.Event | None:
        """None: let in at once."""
        with self._guard:
            if self._free > 0:
                self._free -= 1
                return None
            turn = threading.Event()
            self._waiting.append(turn)
            return turn

    def _wait(self, turn: threading.Event, came: float, silence: float, patience: float) -> bool:
        while (left := self._left(came, silence, patience)) > 0:
            if turn.wait(left):
                return True
        return False

    def _left(self, came: float, silence: float, patience: float) -> float:
        now = self._clock()
        return min(came + patience, max(came, self._answered) + silence) - now

    def _leave(self, turn: threading.Event) -> bool:
        """Whether the turn has come all the same, just before it was given up."""
        with self._guard:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return False
            return True
