"""The entrypoint of whoever keeps a copy of what others change: every process hears every event of an exchange.

Says when nothing is heard, so that a copy is never trusted while it may be stale. Keeps nothing for who is away.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from kernel import logs
from kernel.eventlog.events import Recorded, read_published
from kernel.ids import new_id
from kernel.messaging import topology
from kernel.messaging.connection import Backoff, Channel, Listener
from kernel.messaging.consuming import Looping, describe
from kernel.messaging.messages import Incoming

log = logs.get(__name__)

News = tuple[Recorded | None, bool]  # what a hearer is told: an event, or None; and whether it hears what comes next

BOUND: News = (None, True)
LOST: News = (None, False)


class Subscription(Listener):
    """Listens with a queue of its own, which exists for as long as its connection.

    `bound()` is called by the reader when all that is published from now on will come, before any of it.
    """

    def __init__(
        self, uri: str, name: str, exchange: str, binding: str, bound: Callable[[], None], **options: Any
    ) -> None:
        super().__init__(uri, name, no_ack=True, **options)
        self._name, self._exchange, self._binding, self._bound = name, exchange, binding, bound

    def _consume(self, channel: Channel) -> None:
        # Another name for every connection: the broker may not have noticed yet that the one before is gone, and
        # would not let us have its exclusive queue.
        self._queue = f"{self._name}.{new_id()}"
        topology.declare(channel)
        channel.queue_declare(self._queue, durable=False, exclusive=True, auto_delete=True)
        channel.queue_bind(self._queue, self._exchange, self._binding)
        self._bound()
        super()._consume(channel)


class Hearing:
    """News between the connection's reader and who is told, in order. `name` is the first part of the queue's."""

    def __init__(self, uri: str, name: str, exchange: str, binding: str = "#") -> None:
        self._name = name
        self._waiting: deque[News] = deque()
        self._changed = threading.Condition()
        self._connected = False
        self._closed = False
        self.listener = Subscription(
            uri, name, exchange, binding, self._bound, deliver=self._put, lost=self._lost, longest_pause=1.0
        )

    def take(self, timeout: float) -> News | None:
        """What comes next; None when nothing came in `timeout` seconds or the hearing is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout)
            return None if self._closed or not self._waiting else self._waiting.popleft()

    def begin_anew(self) -> None:
        """Tell what a lost connection and a new one would tell: for somebody who missed an event."""
        with self._changed:
            self._waiting.clear()
            self._waiting.append(LOST)
            if self._connected:
                self._waiting.append(BOUND)
            self._changed.notify_all()

    def close(self) -> None:
        """Tell nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _bound(self) -> None:
        self._tell(BOUND, connected=True)

    def _lost(self) -> None:
        if self._connected:  # not after every attempt to connect that fails
            self._tell(LOST, connected=False)

    def _put(self, _channel: Channel, message: Incoming) -> None:
        try:
            event = read_published(message.body)
        except ValueError as error:
            log.error("unreadable message dropped", error=str(error), **describe(self._name, [message]))
            self.begin_anew()  # it may have told of a change
        else:
            self._tell((event, True), connected=True)

    def _tell(self, news: News, connected: bool) -> None:
        with self._changed:
            self._connected = connected
            self._waiting.append(news)
            self._changed.notify_all()


class Hears(Looping):
    """See `hears`."""

    def __init__(self, exchange: str, binding: str = "#") -> None:
        super().__init__()
        self.exchange = exchange
        self.binding = binding

    def setup(self) -> None:
        name = f"{self.container.service_name}.{self.method_name}"
        self.hearing = Hearing(self.container.config["AMQP_URI"], name, self.exchange, self.binding)
        self.backoff = Backoff()

    def start(self) -> None:
        self.hearing.listener.start()
        super().start()

    def turn(self) -> None:
        news = self.hearing.take(timeout=1)
        if news is None:
            return
        _, error = self.call(*news)
        if error is None:
            self.backoff.reset()
        else:
            pause = self.backoff.next()
            log.error("hearing failed", method=self.method_name, exchange=self.exchange, pause=pause, exc_info=error)
            self.hearing.begin_anew()
            self.stopping.wait(pause)

    def wake(self) -> None:
        self.hearing.close()

    def stop(self) -> None:
        super().stop()
        self.hearing.listener.stop()

    def kill(self) -> None:
        super().kill()
        self.hearing.close()
        self.hearing.listener.stop()


def hears(exchange: str, binding: str = "#") -> Callable[[Any], Any]:
    """Entrypoint: every process that has it hears every event of an exchange of a log.

        @hears(topology.CATALOG_EVENTS)
        def heard(self, event: Recorded | None, connected: bool) -> None:

    Called in order, never twice at once: with (None, True) when all that is published from now on will be heard, with
    (event, True) for each, with (None, False) when the connection is lost: what is published until the next
    (None, True) is missed. When the method raises, it is logged, and told (None, False) and (None, True) after a pause:
    it must then take everything for changed. A broker that falls silent is noticed within twice
    `connection.HEARTBEAT` seconds.
    """
    return Hears.decorator(exchange, binding)  # type: ignore[no-any-return]
