"""Group commit: callers that wait at the same moment share one commit.

The first to come leads and commits alone; whoever arrives meanwhile waits, and leaves together next. Never makes a
caller wait for a timer: with one caller there is no delay.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from kernel.database import is_away

T = TypeVar("T")
R = TypeVar("R")


class _Seat(Generic[T, R]):
    """One caller's place in the queue. `asleep` is let go of once: when its result is there, or when it is to lead."""

    __slots__ = ("asleep", "error", "item", "leads", "result", "size")

    def __init__(self, item: T, size: int) -> None:
        self.item = item
        self.size = size
        self.asleep = threading.Lock()  # several times cheaper than an Event, which shows with many callers
        self.asleep.acquire()
        self.leads = False
        self.result: R | None = None
        self.error: BaseException | None = None


class Grouped(Generic[T, R]):
    """Calls `commit` with the items of all callers that wait, in the order in which they came, one group at a time."""

    def __init__(self, commit: Callable[[Sequence[T]], Sequence[R]], most: int) -> None:
        """`most`: the sum of sizes up to which callers are put into one group (one caller may exceed it)."""
        self._commit = commit
        self._most = most
        self._lock = threading.Lock()
        self._queue: list[_Seat[T, R]] = []
        self._busy = False  # somebody leads, or has been told to
        self._crowded = False  # the last group was more than its leader

    def submit(self, item: T, size: int) -> R:
        """Commit `item` with others; its own result. Raises what the commit raised for it."""
        seat = _Seat[T, R](item, size)
        with self._lock:
            self._queue.append(seat)
            seat.leads = not self._busy
            self._busy = True
        if not seat.leads:
            self._wait(seat)
        if seat.leads:
            self._lead(seat)
        if seat.error is not None:
            raise seat.error
        return seat.result  # type: ignore[return-value]

    def _wait(self, seat: _Seat[T, R]) -> None:
        try:
            seat.asleep.acquire()
        except BaseException:  # the caller is being killed; those behind it must not wait for a leader that never comes
            with self._lock:
                if seat in self._queue:
                    self._queue.remove(seat)
                if seat.leads:
                    self._pass_on()
            raise

    def _lead(self, seat: _Seat[T, R]) -> None:
        group: list[_Seat[T, R]] = []
        try:
            if self._crowded:
                self._gather()
            with self._lock:
                group = self._take()
            self._crowded = len(group) > 1
            self._commit_group(group)
        except BaseException as error:  # killed in the middle: nobody may wait for a result for ever
            self._give_up(seat, group, error)
            raise
        finally:
            with self._lock:
                self._pass_on()
            for other in group:
                if other is not seat:
                    other.asleep.release()

    def _give_up(self, seat: _Seat[T, R], group: list[_Seat[T, R]], error: BaseException) -> None:
        with self._lock:
            if seat in self._queue:
                self._queue.remove(seat)
        for other in group:
            other.error = other.error or error

    def _gather(self) -> None:
        """Those whom the last group set free are about to come back: let them run for as long as some do."""
        before = 0
        while before < len(self._queue) < self._most:
            before = len(self._queue)
            time.sleep(0)

    def _take(self) -> list[_Seat[T, R]]:
        """The leader's group: from the front of the queue, as many as fit."""
        total = 0
        for count, seat in enumerate(self._queue):
            total += seat.size
            if total > self._most and count:
                group, self._queue = self._queue[:count], self._queue[count:]
                return group
        group, self._queue = self._queue, []
        return group

    def _pass_on(self) -> None:
        """Hand the lead to the one who waits longest. A leader serves one group only, so that it gets away itself."""
        self._busy = bool(self._queue)
        if self._busy:
            self._queue[0].leads = True
            self._queue[0].asleep.release()

    def _commit_group(self, group: list[_Seat[T, R]]) -> None:
        try:
            for seat, result in zip(group, self._commit([seat.item for seat in group]), strict=True):
                seat.result = result
        except Exception as error:  # handed to the callers it belongs to, who raise it
            if len(group) == 1 or is_away(error):
                for seat in group:
                    seat.error = error
            else:  # one of them is bad: each on its own, so that the others don't pay for it
                for seat in group:
                    self._commit_group([seat])
