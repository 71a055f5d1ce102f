"""The entrypoint of a service that follows a log: woken by the broker, true to the log.

What the broker loses, doubles or reorders does no harm; without a broker the service goes on, a second behind.
"""

from collections.abc import Callable
from typing import Any

from kernel import logs, tracing
from kernel.database import is_away
from kernel.eventlog.events import Recorded, read_published
from kernel.messaging.connection import Backoff, Channel
from kernel.messaging.consuming import Inbox, Looping, describe, trace_of
from kernel.messaging.messages import Incoming

log = logs.get(__name__)

_IDLE = 1.0  # seconds without a message after which the log itself is looked at
_MAX_SIZE = 500
_LINGER = 0.002  # seconds


class Follows(Looping):
    """See `follows`."""

    def __init__(self, queue: str) -> None:
        super().__init__()
        self.queue = queue
        self._follower: Any = None

    def setup(self) -> None:
        self.inbox = Inbox(self.container.config["AMQP_URI"], self.queue, _MAX_SIZE, _LINGER)
        self.backoff = Backoff()
        self._behind = True  # at the start, and whenever nothing came for a while
        self._under_way: Channel | None = None  # whose messages are being worked on

    def start(self) -> None:
        self.inbox.start()
        super().start()

    def turn(self) -> None:
        try:
            if self._behind:
                self._catch_up()
            else:
                self._take_next()
        except Exception as error:
            # The loop must not end: what a follower raises is a database that is away or a fault that a person has to
            # see, and both are worth another try. Nothing was acknowledged.
            self._report(error)
            self._behind = True
        else:
            self.backoff.reset()

    def _catch_up(self) -> None:
        self.follower.catch_up()
        self._behind = False

    def _take_next(self) -> None:
        channel, batch = self.inbox.take(timeout=_IDLE)
        if channel is None:
            self._behind = not self.stopping.is_set()
            return
        self._under_way = channel
        with tracing.joined(trace_of(batch)):
            self._take(readable(self.queue, batch))
        self.inbox.done(channel, batch)
        self._under_way = None

    def _take(self, events: list[Recorded]) -> None:
        if not events:
            return
        began, traces = tracing.now(), [event.traceparent for event in events]
        self.follower.take(events)
        tracing.took(f"{self.queue} take", traces, began)
        about = {"queue": self.queue, "events": len(events), "last": events[-1].position}
        log.info("events taken", **about, trace_ids=tracing.ids_of(traces))

    @property
    def follower(self) -> Any:
        """What the method returned, asked once."""
        if self._follower is None:
            self._follower, error = self.call()
            if error is not None:
                raise error
        return self._follower

    def _report(self, error: Exception) -> None:
        pause = self.backoff.next()
        if self._under_way is not None:
            self.inbox.failed(self._under_way, pause)
            self._under_way = None
        if is_away(error):
            log.warning("database away", queue=self.queue, pause=pause, error=str(error))
        else:
            log.error("following failed", queue=self.queue, pause=pause, exc_info=error)
        self.stopping.wait(pause)

    def wake(self) -> None:
        self.inbox.close()

    def stop(self) -> None:
        super().stop()
        self.inbox.listener.stop()

    def kill(self) -> None:
        super().kill()
        self.inbox.close()
        self.inbox.listener.stop()


def readable(queue: str, batch: list[Incoming]) -> list[Recorded]:
    """The events in the batch. What is none is logged and left out: the log has the truth, and fills the hole."""
    events = []
    for message in batch:
        try:
            events.append(read_published(message.body))
        except ValueError as error:
            log.error("unreadable message dropped", error=str(error), **describe(queue, [message]))
    return events


def follows(queue: str) -> Callable[[Any], Any]:
    """Entrypoint of a consumer: the method returns the service's `kernel.eventlog.following.Follower`.

        @follows(topology.PROGRESS)
        def follow(self) -> Follower:
            return self.app.follower

    At the start the follower catches up with the log; then each batch from the queue goes to its `take`, and is
    acknowledged when that returns; when nothing came for a second it catches up again. A database that is away is
    tried again, after 0.1 s to 5 s.
    """
    return Follows.decorator(queue)  # type: ignore[no-any-return]
