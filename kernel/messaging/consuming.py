"""Entrypoints that call a service's method with batches of messages, or at intervals.

A method that raises loses nothing: its batch comes again, in order, until it is done with it.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from nameko.extensions import Entrypoint

from kernel import logs, tracing
from kernel.database import is_away
from kernel.messaging import topology
from kernel.messaging.connection import LOST, Backoff, BrokerAway, Channel, Listener
from kernel.messaging.messages import Incoming as Incoming

log = logs.get(__name__)


class Inbox:
    """Messages of one queue between the connection's reader and whoever works on them, a batch at a time."""

    def __init__(self, uri: str, queue: str, max_size: int, linger: float) -> None:
        self._max_size = max_size
        self._linger = linger
        self._waiting: deque[tuple[Channel, Incoming]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._failed: Channel | None = None
        self._taken = max_size  # size of the batch before
        self.listener = Listener(
            uri, queue, self._put, declare=topology.declare, lost=self._clear, prefetch=2 * max_size
        )

    def _put(self, channel: Channel, message: Incoming) -> None:
        with self._changed:
            if channel is self._failed:
                return  # read ahead of a connection that we gave up: out of order now, and will come again
            self._waiting.append((channel, message))
            if len(self._waiting) in (1, self._max_size):
                self._changed.notify_all()

    def _clear(self) -> None:
        # They will be delivered again, so working on them now would only put them out of order.
        with self._changed:
            self._waiting.clear()

    def take(self, timeout: float) -> tuple[Channel | None, list[Incoming]]:
        """The next messages, all of one channel; none when none came in `timeout` seconds or the inbox is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout)
            if not self._waiting or self._closed:
                return None, []
            if self._taken > 1:  # they come faster than they are worked off: more in a batch is less work for each
                self._changed.wait_for(lambda: len(self._waiting) >= self._max_size or self._closed, self._linger)
            if not self._waiting:
                return None, []
            size = min(len(self._waiting), self._max_size)
            taken = [self._waiting.popleft() for _ in range(size)]
            self._taken = size
        return taken[0][0], [message for _, message in taken]

    def done(self, channel: Channel, batch: list[Incoming]) -> None:
        """Acknowledge the batch. A lost connection is no error: it will be delivered again."""
        try:
            channel.basic_ack(batch[-1].tag, multiple=True)
        except LOST:
            log.debug("acknowledgement lost", messages=len(batch))

    def failed(self, channel: Channel, pause: float) -> None:
        """Take nothing more of this connection: all that is not acknowledged comes again, after `pause` seconds."""
        with self._changed:
            self._failed = channel
            self._waiting.clear()
        self.listener.restart(pause)

    def start(self) -> None:
        """Begin to listen."""
        self.listener.start()

    def close(self) -> None:
        """Take nothing more; a batch that was taken can still be acknowledged."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Looping(Entrypoint):  # type: ignore[misc]
    """An entrypoint that runs `turn` again and again in a greenlet of its own until the container stops."""

    reports_failures = True

    def __init__(self) -> None:
        super().__init__()
        self.stopping = threading.Event()
        self._loop: Any = None

    def start(self) -> None:
        self._loop = self.container.spawn_managed_thread(self._run, identifier=self.method_name)

    def _run(self) -> None:
        while not self.stopping.is_set():
            self.turn()

    def turn(self) -> None:
        """One round of the loop. Raises nothing."""
        raise NotImplementedError

    def stop(self) -> None:
        self.stopping.set()
        self.wake()
        if self._loop is not None:
            self._loop.wait()

    def kill(self) -> None:
        self.stopping.set()

    def wake(self) -> None:
        """End the waiting of the present round, if it waits for work."""

    def call(self, *args: Any) -> tuple[Any, BaseException | None]:
        """Run the method in a worker, with its dependencies, and wait: its result and what it raised.

        In the trace that is bound here; in a new one where none is.
        """
        finished = threading.Event()
        outcome: list[Any] = [None, None]

        def keep(_worker: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
            outcome[:] = [result, exc_info[1] if exc_info else None]
            finished.set()
            return result, exc_info

        context = {tracing.HEADER: tracing.current()}
        self.container.spawn_worker(self, args, {}, context_data=context, handle_result=keep)
        finished.wait()
        return outcome[0], outcome[1]


class Batches(Looping):
    """See `batches`."""

    def __init__(self, queue: str, max_size: int = 500, linger: float = 0.005) -> None:
        super().__init__()
        self.queue = queue
        self.max_size = max_size
        self.linger = linger

    def setup(self) -> None:
        self.inbox = Inbox(self.container.config["AMQP_URI"], self.queue, self.max_size, self.linger)
        self.backoff = Backoff()

    def start(self) -> None:
        self.inbox.start()
        super().start()

    def turn(self) -> None:
        channel, batch = self.inbox.take(timeout=1)
        if channel is not None:
            with tracing.joined(trace_of(batch)):
                self._hand_over(channel, batch)

    def _hand_over(self, channel: Channel, batch: list[Incoming]) -> None:
        _, error = self.call(batch)
        if error is None:
            self.backoff.reset()
            self.inbox.done(channel, batch)
        else:
            pause = self.backoff.next()
            log.error("batch failed", pause=pause, exc_info=error, **describe(self.queue, batch))
            self.inbox.failed(channel, pause)

    def wake(self) -> None:
        self.inbox.close()

    def stop(self) -> None:
        super().stop()
        self.inbox.listener.stop()

    def kill(self) -> None:
        super().kill()
        self.inbox.close()
        self.inbox.listener.stop()


def batches(queue: str, max_size: int = 500, linger: float = 0.005) -> Callable[[Any], Any]:
    """Entrypoint: the method gets 1 to `max_size` of the queue's messages, in order, as `list[Incoming]`.

    They are acknowledged together when it returns. When it raises, none is: it is logged, and all come again, in order,
    after 0.1 s, then 0.2 s, up to 5 s. `linger` is how many seconds a batch waits for more, unless the one
    before was a single message.
    """
    return Batches.decorator(queue, max_size, linger)  # type: ignore[no-any-return]


class Every(Looping):
    """See `every`."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def setup(self) -> None:
        self.backoff = Backoff(first=self.seconds)

    def turn(self) -> None:
        pause = self.seconds
        with tracing.joined(None):  # what a turn does is a trace of its own
            _, error = self.call()
            if error is None:
                self.backoff.reset()
            else:
                pause = max(self.seconds, self.backoff.next())
                self._report(error, pause)
        self.stopping.wait(pause)

    def _report(self, error: BaseException, pause: float) -> None:
        if isinstance(error, BrokerAway) or is_away(error):
            log.warning("task waits", task=self.method_name, pause=pause, error=str(error))
        else:
            log.error("task failed", task=self.method_name, pause=pause, exc_info=error)


def every(seconds: float) -> Callable[[Any], Any]:
    """Entrypoint: calls the method at start and then `seconds` after it returned; never twice at once.

    What it raises is logged, and it is called again, after longer and longer pauses (up to 5 s) while it keeps failing.
    """
    return Every.decorator(seconds)  # type: ignore[no-any-return]


def trace_of(batch: list[Incoming]) -> str | None:
    """The trace that all these messages are part of; None where they are of several, or of none."""
    came = {message.trace for message in batch}
    return came.pop() if len(came) == 1 else None


def describe(queue: str, batch: list[Incoming]) -> dict[str, Any]:
    """What a log line says about a batch: the queue, and which messages begin and end it."""
    return {
        "queue": queue,
        "messages": len(batch),
        "first": batch[0].properties.get("message_id"),
        "last": batch[-1].properties.get("message_id"),
        "redelivered": batch[0].redelivered,
    }
