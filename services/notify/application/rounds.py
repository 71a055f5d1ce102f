"""A round of sending: workers that attempt, and the caller's thread that claims and saves for them.

What ends while a save is under way goes into the next one, so that a commit serves many messages; a slow provider holds
up its own workers only. Nothing that ended is forgotten when a save fails: `ended` keeps it.
"""

import threading
from collections import deque
from collections.abc import Callable

from kernel import logs, tracing
from services.notify.application.delivering import Delivery
from services.notify.domain.message import Claimed, Result

log = logs.get(__name__)

_LOOK_AGAIN = 0.2  # seconds after which new messages are claimed though others are still being sent

Claim = Callable[[], list[Claimed]]
Save = Callable[[list[Result]], None]


class Round:
    """Runs until nothing is due and nothing is under way."""

    def __init__(self, delivery: Delivery, claim: Claim, save: Save, workers: int) -> None:
        self.ended: list[Result] = []
        self._delivery = delivery
        self._claim = claim
        self._save = save
        self._workers = workers
        self._waiting: deque[Claimed] = deque()
        self._threads: list[threading.Thread] = []
        self._busy = 0
        self._attempts = 0
        self._closed = False
        self._changed = threading.Condition()

    def run(self) -> int:
        """Send what is due; how many attempts were made. Raises what claiming or saving does, once workers are done."""
        try:
            self._lead()
        finally:
            self._close()
            for thread in self._threads:
                thread.join()
        return self._attempts

    def _lead(self) -> None:
        more = True
        while True:
            if more and self._is_low():
                claimed = self._claim()
                self._add(claimed)
                more = bool(claimed)
            if self._over():
                return
            ticked = self._wait(more)
            # What was saved may have held back the next message of its case.
            more = self._flush() or ticked or more

    def _over(self) -> bool:
        with self._changed:
            return not (self._waiting or self._busy or self.ended)

    def _add(self, claimed: list[Claimed]) -> None:
        with self._changed:
            self._waiting.extend(claimed)
            wanted = min(self._workers, len(self._waiting) + self._busy)
            self._changed.notify_all()
        for _ in range(wanted - len(self._threads)):
            thread = threading.Thread(target=self._work, name="notify-sender", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _wait(self, more: bool) -> bool:
        """Until something has ended or more is to be claimed; whether it is time to look for new messages."""
        with self._changed:
            ready = self._changed.wait_for(lambda: self.ended or (more and self._is_low()), _LOOK_AGAIN)
            return not ready

    def _is_low(self) -> bool:
        return len(self._waiting) < self._workers

    def _flush(self) -> bool:
        """Save what has ended; whether anything had."""
        with self._changed:
            count = len(self.ended)
        if count:
            self._save(self.ended[:count])
            with self._changed:
                del self.ended[:count]
        return count > 0

    def _close(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        while (message := self._take()) is not None:
            result = self._attempt(message)
            with self._changed:
                self._busy -= 1
                self._attempts += 1
                if result is not None:
                    self.ended.append(result)
                self._changed.notify_all()

    def _take(self) -> Claimed | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return None
            self._busy += 1
            return self._waiting.popleft()

    def _attempt(self, message: Claimed) -> Result | None:
        try:
            with tracing.joined(message.traceparent):
                return self._delivery.attempt(message)
        except Exception:  # the thread's edge: the claim lapses, and the message is taken up again
            log.exception("attempt broke off", message=message.id, case=message.serial)
            return None
