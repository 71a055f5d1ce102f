"""Sends what is due: claims messages, attempts several at a time, saves how it went, until nothing is due.

Nothing is sent inside a transaction. A process that is killed leaves its claims behind; when their lease is over the
next one sends those messages again, to the same provider under the same key.
"""

from kernel import logs
from kernel.clock import Clock
from services.notify.application.delivering import Delivery, Patience
from services.notify.application.ports import Messages
from services.notify.application.rounds import Round
from services.notify.domain.message import Claimed, Result

log = logs.get(__name__)

WORKERS = 8
CLAIM = 64  # messages claimed at once
ROUND = 2_000  # messages after which a round ends, so that a service that is asked to stop does


class Sender:
    """Several of them, in several processes, may work on the same tables. Its own methods are for one thread."""

    def __init__(
        self, messages: Messages, delivery: Delivery, clock: Clock, patience: Patience, workers: int = WORKERS
    ) -> None:
        self._messages = messages
        self._delivery = delivery
        self._clock = clock
        self._patience = patience
        self._workers = workers
        self._unsaved: list[Result] = []
        self._left = 0

    def run_once(self) -> int:
        """Send what is due; how many attempts were made.

        Raises what `is_away` tells. What was sent by then is saved first thing the next time.
        """
        self._save([])
        self._give_up_on_receipts()
        self._left = ROUND
        one = Round(self._delivery, self._claim, self._save, self._workers)
        try:
            return one.run()
        finally:
            self._unsaved += one.ended

    def _claim(self) -> list[Claimed]:
        if self._left <= 0:
            return []
        now, patience = self._clock.now(), self._patience
        limit = min(CLAIM, self._left)
        claimed = self._messages.claim(now, limit, now + patience.lease, now + patience.hold, self._delivery.first())
        self._left -= len(claimed)
        return claimed

    def _save(self, results: list[Result]) -> None:
        if self._unsaved or results:
            self._messages.save([*self._unsaved, *results], self._clock.now())
            self._unsaved = []

    def _give_up_on_receipts(self) -> None:
        for message, serial in self._messages.give_up_on_receipts(self._clock.now()):
            log.error("message failed for good", message=message, case=serial, reason="no_receipt")
