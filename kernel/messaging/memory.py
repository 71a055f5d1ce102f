"""The broker inside one process: kombu's virtual transport, with queues that wake their consumers at once.

Nothing outlives the process. Messages that were delivered and not acknowledged go back to the head of their queue when
the consumer's connection ends. Arguments of queues (`x-…`) mean nothing here.
"""

import socket
import threading
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from queue import Empty
from typing import Any

from amqp.exceptions import NoConsumers, NotFound, RecoverableConnectionError
from kombu.transport import virtual

DIRECT_REPLY = "amq.rabbitmq.reply-to"  # a name that RabbitMQ gives a private meaning; so do we

Raw = dict[str, Any]  # a message as the virtual transport keeps it


@dataclass
class _Queue:
    auto_delete: bool = False
    ready: deque[Raw] = field(default_factory=deque)
    consumers: list["Channel"] = field(default_factory=list)


class _Broker:
    """What all connections of the process to one virtual host share. Every use holds `lock`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.state = virtual.BrokerState()
        self.queues: dict[str, _Queue] = {}
        self.tags = count(1)

    def put(self, name: str, raw: Raw) -> bool:
        """Whether the queue exists. Wakes one of its consumers, the least recently woken."""
        queue = self.queues.get(name)
        if queue is None:
            return False
        queue.ready.append(raw)
        self.wake(queue)
        return True

    def wake(self, queue: _Queue) -> None:
        if queue.consumers:
            queue.consumers.append(queue.consumers.pop(0))
            queue.consumers[-1].connection.woken.set()

    def take(self, name: str) -> Raw | None:
        """The next message that has not expired."""
        queue = self.queues.get(name)
        while queue is not None and queue.ready:
            raw = queue.ready.popleft()
            if raw["expires"] is None or raw["expires"] > time.monotonic():
                return raw
        return None

    def restore(self, taken: Iterable[tuple[str, Raw]]) -> None:
        """Put messages back where they were taken from, in their order, marked as delivered before."""
        for name, raw in reversed(list(taken)):
            queue = self.queues.get(name)
            if queue is not None:
                raw["redelivered"] = True
                queue.ready.appendleft(raw)
                self.wake(queue)


_brokers: dict[str, _Broker] = defaultdict(_Broker)


class MemoryMessage(virtual.Message):  # type: ignore[misc]
    """A delivered message, with content_type and content_encoding among its properties, as AMQP has them."""

    def __init__(self, payload: Raw, channel: Any = None, **kwargs: Any) -> None:
        super().__init__(payload, channel=channel, **kwargs)
        self.properties.setdefault("content_type", self.content_type)
        self.properties.setdefault("content_encoding", self.content_encoding)
        self.delivery_info: dict[str, Any] = {
            **(self.properties.get("delivery_info") or {}),
            "delivery_tag": self.delivery_tag,
            "redelivered": payload.get("redelivered", False),
        }


class Channel(virtual.Channel):  # type: ignore[misc]
    """A channel of the in-process broker."""

    Message = MemoryMessage
    body_encoding = None
    do_restore = False
    supports_fanout = True

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        self.broker: _Broker = connection.broker
        self.events: defaultdict[str, set[Callable[..., None]]] = defaultdict(set)
        self._handlers: dict[str, tuple[str, bool, Callable[[MemoryMessage], None]]] = {}  # by consumer tag
        self._unacked: OrderedDict[int, tuple[str, Raw]] = OrderedDict()
        self._prefetch = 0
        self._reply_queue = ""

    def _has_queue(self, queue: str, **_: Any) -> bool:
        return queue in self.broker.queues

    def _new_queue(self, queue: str, auto_delete: bool = False, **_: Any) -> None:
        self.broker.queues.setdefault(queue, _Queue(auto_delete=auto_delete))

    def _put_fanout(self, exchange: str, message: Raw, routing_key: str = "", **_: Any) -> None:
        raise NotImplementedError("basic_publish routes all kinds of exchange")

    def _queue_bind(self, *_: Any) -> None:
        """The base class keeps the table of bindings; there is nothing to add."""

    def _get(self, queue: str, timeout: float | None = None) -> Raw:
        raw = self.broker.take(queue)
        if raw is None:
            raise Empty
        return raw

    def _put(self, queue: str, message: Raw, **_: Any) -> None:
        self.broker.put(queue, message)

    def _size(self, queue: str) -> int:
        return len(self.broker.queues[queue].ready) if queue in self.broker.queues else 0

    def _purge(self, queue: str) -> int:
        with self.broker.lock:
            size = self._size(queue)
            if size:
                self.broker.queues[queue].ready.clear()
            return size

    def exchange_declare(self, *args: Any, **kwargs: Any) -> Any:
        with self.broker.lock:
            return super().exchange_declare(*args, **kwargs)

    def queue_declare(self, *args: Any, **kwargs: Any) -> Any:
        with self.broker.lock:
            declared = super().queue_declare(*args, **kwargs)
            return declared._replace(consumer_count=len(self.broker.queues[declared.queue].consumers))

    def queue_bind(self, *args: Any, **kwargs: Any) -> Any:
        with self.broker.lock:
            return super().queue_bind(*args, **kwargs)

    def queue_delete(self, queue: str, if_unused: bool = False, if_empty: bool = False, **_: Any) -> None:
        """Delete the queue and its bindings; nothing happens where there is none."""
        with self.broker.lock:
            known = self.broker.queues.get(queue)
            if known is None or (if_unused and known.consumers) or (if_empty and known.ready):
                return
            del self.broker.queues[queue]
            self.state.queue_bindings_delete(queue)
            for exchange in self.state.exchanges.values():
                exchange["table"] = [entry for entry in exchange["table"] if entry[2] != queue]

    def send(self, body: bytes, exchange: str, routing_key: str, *, mandatory: bool = False, **properties: Any) -> None:
        """Publish; the same signature as the AMQP channel's."""
        headers = properties.pop("headers", None)
        raw = self.prepare_message(body, headers=headers, properties=properties)
        raw["content-type"] = properties.get("content_type")
        self.basic_publish(raw, exchange, routing_key, mandatory=mandatory)

    def confirm_publishing(self, confirmed: Callable[[int, bool], None], refused: Callable[[int, bool], None]) -> bool:
        """Nothing to wait for: what was sent is on its queues."""
        return False

    def basic_publish(self, message: Raw, exchange: str, routing_key: str, mandatory: bool = False, **_: Any) -> None:
        """Put a copy on every queue it is routed to; with none of them and `mandatory`, hand it back."""
        if self.closed:
            raise RecoverableConnectionError("channel is closed")
        with self.broker.lock:
            if exchange and exchange not in self.state.exchanges:
                raise NotFound(f"no exchange {exchange!r}")
            queues = self._lookup(exchange, routing_key) if exchange else [routing_key]
            delivered = [self.broker.put(queue, self._copy(message, exchange, routing_key)) for queue in queues]
        if mandatory and not any(delivered):
            self._hand_back(message, exchange, routing_key)

    def _copy(self, message: Raw, exchange: str, routing_key: str) -> Raw:
        properties = dict(message["properties"])
        expiration = properties.get("expiration")
        if properties.get("reply_to") == DIRECT_REPLY:
            properties["reply_to"] = self._reply_queue
        properties["delivery_info"] = {"exchange": exchange, "routing_key": routing_key}
        properties["delivery_tag"] = None  # given at delivery
        expires = None if expiration is None else time.monotonic() + int(expiration) / 1000
        return {**message, "headers": dict(message["headers"]), "properties": properties, "expires": expires}

    def _hand_back(self, message: Raw, exchange: str, routing_key: str) -> None:
        returned = self.Message({**message, "properties": {"delivery_tag": None, **message["properties"]}}, self)
        for callback in list(self.events["basic_return"]):
            callback(NoConsumers("NO_ROUTE"), exchange, routing_key, returned)

    def basic_qos(self, prefetch_size: int = 0, prefetch_count: int = 0, a_global: bool = False, **_: Any) -> None:
        self._prefetch = prefetch_count

    def basic_consume(
        self, queue: str, no_ack: bool = False, callback: Any = None, consumer_tag: str = "", **_: Any
    ) -> str:
        """Deliver the queue's messages through `callback`, while the connection is drained."""
        consumer_tag = consumer_tag or f"c{next(self.broker.tags)}"
        with self.broker.lock:
            if queue == DIRECT_REPLY:
                queue = self._reply_queue = f"{DIRECT_REPLY}.{next(self.broker.tags)}"
                self.broker.queues[queue] = _Queue(auto_delete=True)
            if queue not in self.broker.queues:
                raise NotFound(f"no queue {queue!r}")
            self._handlers[consumer_tag] = (queue, no_ack, callback)
            self._consumers.add(consumer_tag)
            self.broker.queues[queue].consumers.append(self)
            self.connection.woken.set()
        return consumer_tag

    def basic_cancel(self, consumer_tag: str, **_: Any) -> None:
        """Stop deliveries; the last consumer of an auto-delete queue takes it along."""
        with self.broker.lock:
            queue, _no_ack, _callback = self._handlers.pop(consumer_tag, ("", False, None))
            self._consumers.discard(consumer_tag)
            known = self.broker.queues.get(queue)
            if known is None:
                return
            known.consumers.remove(self)
            if known.ready:
                self.broker.wake(known)
            if known.auto_delete and not known.consumers:
                self.queue_delete(queue)

    cancel_soon = basic_cancel

    def consumes(self, consumer_tag: str) -> bool:
        """Whether deliveries to this consumer may still come."""
        return consumer_tag in self._handlers

    def deliver_one(self) -> bool:
        """Hand one message to a consumer of this channel; whether there was one."""
        with self.broker.lock:
            taken = self._take()
        if taken is None:
            return False
        raw, callback = taken
        callback(self.Message(raw, channel=self))
        return True

    def _take(self) -> tuple[Raw, Callable[[MemoryMessage], None]] | None:
        for tag, (queue, no_ack, callback) in list(self._handlers.items()):
            if self._prefetch and not no_ack and len(self._unacked) >= self._prefetch:
                continue
            raw = self.broker.take(queue)
            if raw is None:
                continue
            self._handlers[tag] = self._handlers.pop(tag)  # the next one's turn
            delivery = next(self.broker.tags)
            raw["properties"]["delivery_tag"] = delivery
            if not no_ack:
                self._unacked[delivery] = (queue, raw)
            return raw, callback
        return None

    def basic_get(self, queue: str, no_ack: bool = False, **_: Any) -> MemoryMessage | None:
        """One message, or None."""
        with self.broker.lock:
            raw = self.broker.take(queue)
            if raw is None:
                return None
            raw["properties"]["delivery_tag"] = delivery = next(self.broker.tags)
            if not no_ack:
                self._unacked[delivery] = (queue, raw)
        return self.Message(raw, channel=self)

    def basic_ack(self, delivery_tag: int, multiple: bool = False, **_: Any) -> None:
        """Forget the message; with `multiple`, those delivered before it on this channel, too."""
        if self.closed:
            raise RecoverableConnectionError("channel is closed")
        with self.broker.lock:
            before = [tag for tag in self._unacked if tag <= delivery_tag] if multiple else [delivery_tag]
            for tag in before:
                self._unacked.pop(tag, None)
            self.connection.woken.set()

    def basic_reject(self, delivery_tag: int, requeue: bool = False, **_: Any) -> None:
        """Forget the message, or put it back."""
        with self.broker.lock:
            taken = self._unacked.pop(delivery_tag, None)
            if taken is not None and requeue:
                self.broker.restore([taken])
            self.connection.woken.set()

    def close(self) -> None:
        """Cancel the consumers and put back what was not acknowledged."""
        with self.broker.lock:
            if self.closed:
                return
            self.broker.restore(self._unacked.values())
            self._unacked.clear()
            for tag in list(self._handlers):
                self.basic_cancel(tag)
            super().close()


class Transport(virtual.Transport):  # type: ignore[misc]
    """A connection to the in-process broker, registered for `memory://`; the path is the virtual host."""

    Channel = Channel
    driver_type = driver_name = "memory"
    implements = virtual.Transport.implements.extend(exchange_type=frozenset(["direct", "topic", "fanout"]))

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self.broker = _brokers[client.virtual_host or "/"]
        self.state = self.broker.state
        self.woken = threading.Event()
        self.broken = False

    def drain_events(self, connection: Any, timeout: float | None = None, **_: Any) -> None:
        """Deliver one message. Raises socket.timeout when none came in time, as sockets do."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            if self.broken:
                raise RecoverableConnectionError("broken off")
            # Cleared before we look: a message that arrives while we look wakes us again.
            self.woken.clear()
            if any(channel.deliver_one() for channel in list(self.channels)):
                return
            left = None if deadline is None else deadline - time.monotonic()
            if (left is not None and left <= 0) or not self.woken.wait(left):
                raise socket.timeout  # noqa: UP041 (the name kombu's callers catch)

    def break_off(self) -> None:
        """End the connection from any greenlet; its reader is told by an exception."""
        self.broken = True
        self.woken.set()

    def driver_version(self) -> str:
        return "N/A"
