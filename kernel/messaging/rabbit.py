"""The AMQP transport as we use it: one greenlet reads a connection, any greenlet may write to it.

Nothing here waits for an answer of the broker while it publishes or acknowledges.
"""

import socket
from collections.abc import Callable
from typing import Any

import amqp
from amqp import spec
from amqp.transport import SSLTransport as SSLSocket, TCPTransport as TCPSocket
from kombu.transport import pyamqp

_READ_AHEAD = 8192  # bytes
_PATIENCE = 30.0  # seconds that a broker may take to accept bytes or to answer a declaration


class Channel(pyamqp.Channel):  # type: ignore[misc]
    """A channel whose sending methods never read."""

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
