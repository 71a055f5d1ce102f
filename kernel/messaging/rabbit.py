"""The AMQP transport as we use it: one greenlet reads a connection, any greenlet may write to it.

Nothing here waits for an answer of the broker while it publishes or acknowledges, and no message is so malformed that
it ends the connection: it would come again over the next one, and hold up its queue for ever.
"""

import socket
import struct
from collections.abc import Callable
from typing import Any

import amqp
from amqp import spec
from amqp.serialization import PROPERTY_CLASSES, decode_properties_basic
from amqp.transport import SSLTransport as SSLSocket, TCPTransport as TCPSocket
from kombu.transport import pyamqp

_READ_AHEAD = 8192  # bytes
_PATIENCE = 30.0  # seconds that a broker may take to accept bytes or to answer a declaration
_DELIVERY_TAG = 9  # bytes: the tag of a delivery, and whether it was delivered before

# What the library raises over properties that RabbitMQ lets pass: text that is not UTF-8, times beyond the calendar,
# tables within tables without end, kinds of value that it does not know.
_UNREADABLE = (ValueError, ArithmeticError, LookupError, OSError, RecursionError, struct.error, amqp.AMQPError)


def _decode_properties(buf: Any, offset: int) -> tuple[dict[str, Any], int]:
    """The properties of a message; none of them where one cannot be read, so that nobody is taken for its sender."""
    try:
        properties, end = decode_properties_basic(buf, offset)
    except _UNREADABLE:
        return {}, len(buf)
    return properties, end


PROPERTY_CLASSES[spec.Basic.CLASS_ID] = _decode_properties


def _readable(delivery: Any) -> Any:
    """The arguments of a basic.deliver, with question marks in a routing key that is not UTF-8."""
    start = 4 + 1 + delivery[4] + _DELIVERY_TAG  # behind the method's number and the consumer's tag: the exchange
    start += 1 + delivery[start]
    end = start + 1 + delivery[start]
    key = bytes(delivery[start + 1 : end])
    try:
        key.decode()
    except UnicodeDecodeError:
        plain = bytes(byte if byte < 128 else ord("?") for byte in key)
        return b"".join((delivery[: start + 1], plain, delivery[end:]))
    return delivery


class Channel(pyamqp.Channel):  # type: ignore[misc]
    """A channel whose sending methods never read."""

    def dispatch_method(self, method_sig: tuple[int, int], payload: Any, content: Any) -> Any:
        """Handle what came in, a delivery with any routing key included."""
        if method_sig == spec.Basic.Deliver:
            payload = _readable(payload)
        return super().dispatch_method(method_sig, payload, content)

    def send(self, body: bytes, exchange: str, routing_key: str, *, mandatory: bool = False, **properties: Any) -> None:
        """Publish. The library's own basic_publish looks for frames first and would take them from the reader."""
        if self.connection is None:
            raise amqp.RecoverableConnectionError("channel is closed")
        headers = properties.pop("headers", None)
        message = amqp.Message(body, application_headers=headers, **properties)
        self.send_method(spec.Basic.Publish, "Bssbb", (0, exchange, routing_key, mandatory, False), message)

    def confirm_publishing(self, confirmed: Callable[[int, bool], None], refused: Callable[[int, bool], None]) -> bool:
        """Have the broker tell of each message whether it is safe; callbacks get (number, and all before it)."""
        self.events["basic_ack"].add(confirmed)
        self.events["basic_nack"].add(refused)
        self.confirm_select()
        return True

    def cancel_soon(self, consumer_tag: str) -> None:
        """Ask for no more deliveries; the reader sees the consumer gone from `callbacks` when the broker agrees."""
        if self.connection is not None:
            self.send_method(spec.Basic.Cancel, "sb", (consumer_tag, False))

    def consumes(self, consumer_tag: str) -> bool:
        """Whether deliveries to this consumer may still come."""
        return consumer_tag in self.callbacks


class _TCPSocket(TCPSocket):  # type: ignore[misc]
    """Reads ahead, since a message is nine short reads of the library, each of them a system call otherwise.

    Writes through a duplicate, so that the reader's short time-outs never cut a writer's message in two.
    """

    def _setup_transport(self) -> None:
        super()._setup_transport()
        # Never None: that would switch the duplicate, which shares the file, to blocking.
        self.sock.settimeout(_PATIENCE)
        receive = self.sock.recv
        self._quick_recv = lambda size: receive(max(size, _READ_AHEAD))
        self._writing = self.sock.dup()
        self._writing.settimeout(_PATIENCE)
        self._write = self._writing.sendall

    def close(self) -> None:
        super().close()
        if hasattr(self, "_writing"):
            self._writing.close()


class Connection(pyamqp.Connection):  # type: ignore[misc]
    """A connection to RabbitMQ."""

    Channel = Channel

    def Transport(self, host: str, connect_timeout: float, ssl: Any = False, *timeouts: Any, **options: Any) -> Any:  # noqa: N802
        """The socket, by the library's name for it; `timeouts` are for reading and writing, which we set ourselves."""
        kind = SSLSocket if ssl else _TCPSocket
        return kind(host, connect_timeout=connect_timeout, ssl=ssl, **options)

    def break_off(self) -> None:
        """End it from any greenlet without a word, which wakes the reader: all that is unacked is redelivered."""
        if self._transport is not None and self._transport.sock is not None:
            try:
                self._transport.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is gone already


class Transport(pyamqp.Transport):  # type: ignore[misc]
    """Chosen by `connection.connect` for amqp:// addresses."""

    Connection = Connection


class SSLTransport(pyamqp.SSLTransport):  # type: ignore[misc]
    """The same for amqps://."""

    Connection = Connection
