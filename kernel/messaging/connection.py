"""Connections to the broker: made with a time-out, kept alive by heartbeats, made again when they are lost.

One reader per connection; what is written may come from anywhere.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Protocol

import amqp
import kombu

from kernel import logs
from kernel.messaging import rabbit
from kernel.messaging.messages import Incoming, incoming

log = logs.get(__name__)

HEARTBEAT = 10  # seconds; a peer that is silent for twice as long is gone
CONNECT_TIMEOUT = 3.0  # seconds
_TICK = 0.5  # seconds between looks at the heartbeat and at whether to stop
_CONSUMER = "consumer"

# What a lost connection raises. py-amqp trips over its own cleared attributes when it is closed under a writer.
LOST = (amqp.AMQPError, OSError, AttributeError)


class BrokerAway(Exception):
    """The broker can't be reached or did not confirm. What was sent may have arrived: send it again."""


class Channel(Protocol):
    """What our channels share, whatever carries the messages."""

    events: Any

    def send(self, body: bytes, exchange: str, routing_key: str, *, mandatory: bool = False, **properties: Any) -> None:
        """Publish; never waits for the broker's answer."""

    def cancel_soon(self, consumer_tag: str) -> None:
        """Ask for no more deliveries."""

    def consumes(self, consumer_tag: str) -> bool:
        """Whether deliveries may still come."""

    def basic_ack(self, delivery_tag: Any, multiple: bool = False) -> Any:
        """Acknowledge one delivery, or all up to it."""

    def basic_reject(self, delivery_tag: Any, requeue: bool) -> Any:
        """Put a delivery back, or drop it."""

    def exchange_declare(self, exchange: str, type: str, **options: Any) -> Any:
        """Make an exchange unless it is there."""

    def queue_declare(self, queue: str, **options: Any) -> Any:
        """Make a queue unless it is there."""

    def queue_bind(self, queue: str, exchange: str, routing_key: str) -> Any:
        """Route from an exchange to a queue."""

    def basic_qos(self, prefetch_size: int, prefetch_count: int, a_global: bool) -> Any:
        """How many deliveries may be unacknowledged."""

    def basic_consume(self, queue: str, **options: Any) -> Any:
        """Start deliveries."""


class Session:
    """One connection, from `connect`. Only its reader calls anything but `break_off`."""

    def __init__(self, transport: Any, raw: Any) -> None:
        self._transport = transport
        self._raw = raw

    def channel(self) -> Any:
        """A new channel."""
        return self._transport.create_channel(self._raw)

    def drain(self, timeout: float) -> bool:
        """Handle what comes next; False when nothing came in `timeout` seconds."""
        try:
            self._transport.drain_events(self._raw, timeout=timeout)
        except TimeoutError:
            return False
        return True

    def tick(self) -> None:
        """Send a heartbeat when it is time, and raise if the broker's are missing. Call about once a second."""
        if self._transport.implements.heartbeats:
            self._transport.heartbeat_check(self._raw)

    def break_off(self) -> None:
        """End it without a word, from any greenlet: the reader gets an error, unacknowledged messages go back."""
        self._raw.break_off()

    def close(self) -> None:
        """Say goodbye, if the broker still listens."""
        try:
            self._transport.close_connection(self._raw)
        except LOST:
            log.debug("connection was lost before it was closed")


@contextmanager
def connect(uri: str, heartbeat: int = HEARTBEAT) -> Iterator[Session]:
    """A connection for the length of a `with`. Raises what is in LOST."""
    session = open_session(uri, heartbeat)
    try:
        yield session
    finally:
        session.close()


def open_session(uri: str, heartbeat: int = HEARTBEAT) -> Session:
    """A connection that the caller closes. Raises what is in LOST."""
    client = kombu.Connection(uri, heartbeat=heartbeat, connect_timeout=CONNECT_TIMEOUT)
    client.heartbeat = int(client.heartbeat)  # the address may ask for another (?heartbeat=5), read as a fraction
    transport = _transport_class(uri)(client)
    return Session(transport, transport.establish_connection())


def _transport_class(uri: str) -> Any:
    scheme = uri.partition(":")[0]
    if scheme == "amqps":
        return rabbit.SSLTransport
    return rabbit.Transport if scheme == "amqp" else kombu.Connection(uri).get_transport_cls()


class Backoff:
    """Waiting times that double from `first` to `last` seconds until `reset`."""

    def __init__(self, first: float = 0.1, last: float = 5.0) -> None:
        self._first = self._next = first
        self._last = last

    def next(self) -> float:
        """The next waiting time."""
        current, self._next = self._next, min(self._next * 2, self._last)
        return current

    def reset(self) -> None:
        """Start again, after a success."""
        self._next = self._first


def _nothing(*_: Any) -> None:
    """For callbacks that nobody asked for."""


class Listener:
    """Consumes one queue for as long as it runs, over one connection after another.

    `deliver(channel, message)` and `returned(message)` are called by the reader and must not wait; `lost()` is called
    when a connection ends: what was delivered over it and not acknowledged will be delivered again.
    """

    def __init__(
        self,
        uri: str,
        queue: str,
        deliver: Callable[[Channel, Incoming], None],
        *,
        declare: Callable[[Channel], None] = _nothing,
        returned: Callable[[Incoming], None] = _nothing,
        lost: Callable[[], None] = _nothing,
        prefetch: int = 0,
        no_ack: bool = False,
        longest_pause: float = 5.0,
        heartbeat: int = HEARTBEAT,
    ) -> None:
        self._uri = uri
        self._queue = queue
        self._deliver = deliver
        self._declare = declare
        self._returned = returned
        self._lost = lost
        self._prefetch = prefetch
        self._no_ack = no_ack
        self._heartbeat = heartbeat
        self._backoff = Backoff(last=longest_pause)
        self._changed = threading.Condition()
        self._session: Session | None = None
        self._channel: Channel | None = None
        self._trying = True  # the outcome of an attempt to connect is not known yet
        self._pause: float | None = None
        self._away = False  # and said so in the log
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"listen {queue}", daemon=True)

    def start(self) -> None:
        """Begin, in a thread (or greenlet) of its own."""
        self._thread.start()

    def channel(self, timeout: float) -> Channel:
        """The channel of the present connection. Raises BrokerAway: at once when there is none and none is being made,
        or after `timeout` seconds.
        """
        if self._channel is None:
            with self._changed:
                self._changed.wait_for(lambda: not self._trying, timeout)
        channel = self._channel
        if channel is None:
            raise BrokerAway(f"no connection for {self._queue}")
        return channel

    def restart(self, pause: float) -> None:
        """Drop the connection, so that all that is unacknowledged comes again, in order, after `pause` seconds."""
        self._pause = pause
        session = self._session
        if session is not None:
            session.break_off()

    def quiet(self, timeout: float = 2.0) -> None:
        """Take no more deliveries; acknowledgements and replies still go out. Waits until the broker agreed."""
        channel = self._channel
        if channel is None:
            return
        with self._changed:
            try:
                channel.cancel_soon(_CONSUMER)
            except LOST:
                return
            self._changed.wait_for(lambda: self._channel is not channel or not channel.consumes(_CONSUMER), timeout)

    def stop(self) -> None:
        """End it and wait until it has ended."""
        self._stopping.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._live()
            except Exception as error:
                # The reader must outlive whatever happens to a connection; a fault in a callback costs the connection,
                # so that its message is delivered again.
                self._report(error)
            self._forget()
            if not self._stopping.is_set():
                self._stopping.wait(self._backoff.next() if self._pause is None else self._pause)
                self._pause = None
                self._trying = True

    def _live(self) -> None:
        with connect(self._uri, self._heartbeat) as session:
            channel = session.channel()
            self._declare(channel)
            self._consume(channel)
            self._session = session
            self._announce(channel)
            self._backoff.reset()
            if self._away:
                self._away = False
                log.info("broker is back", queue=self._queue)
            self._read(session, channel)

    def _consume(self, channel: Channel) -> None:
        channel.events["basic_return"].add(lambda *about: self._returned(incoming_returned(about[-1])))
        if self._prefetch:
            channel.basic_qos(0, self._prefetch, False)
        channel.basic_consume(
            self._queue,
            consumer_tag=_CONSUMER,
            no_ack=self._no_ack,
            callback=lambda message: self._deliver(channel, incoming(message)),
        )

    def _read(self, session: Session, channel: Channel) -> None:
        ticked = monotonic()
        consuming = True
        while not self._stopping.is_set():
            session.drain(_TICK)
            if consuming and not channel.consumes(_CONSUMER):
                consuming = False
                self._announce(channel)
            if monotonic() - ticked >= _TICK:
                ticked = monotonic()
                session.tick()

    def _announce(self, channel: Channel | None) -> None:
        with self._changed:
            self._channel = channel
            self._trying = False
            self._changed.notify_all()

    def _forget(self) -> None:
        self._session = None
        self._announce(None)
        self._lost()

    def _report(self, error: Exception) -> None:
        if self._stopping.is_set() or self._pause is not None:
            return
        if not isinstance(error, LOST):
            log.error("reading the broker failed", queue=self._queue, exc_info=error)
        elif not self._away:  # once, not at every attempt
            self._away = True
            log.warning("broker connection lost", queue=self._queue, error=str(error) or type(error).__name__)


def incoming_returned(message: Any) -> Incoming:
    """A message that the broker handed back because no queue takes it."""
    message.delivery_info = {"routing_key": "", "delivery_tag": None}
    return incoming(message)
