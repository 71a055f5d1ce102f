"""Publishing what must not be lost: a batch at a time, and the broker has confirmed all of it when the call returns.

Never waits for a confirmation per message.
"""

import threading
from collections.abc import Sequence
from time import monotonic
from typing import Any

from kernel import logs
from kernel.messaging import topology
from kernel.messaging.connection import LOST, BrokerAway as BrokerAway, Session, open_session
from kernel.messaging.messages import Outgoing as Outgoing

log = logs.get(__name__)

_PERSISTENT = 2


class BrokerRefuses(BrokerAway):
    """The broker is there but refused a message: its queue is full. Others of the batch may have arrived."""


class Publisher:
    """Publishes over one kept connection to the broker at `uri`. Safe to share; batches go one after another."""

    def __init__(self, uri: str, timeout: float = 10.0) -> None:
        self._uri = uri
        self._timeout = timeout
        self._turn = threading.Lock()
        self._outlet: _Outlet | None = None

    def publish_batch(self, messages: Sequence[Outgoing]) -> None:
        """Publish in order; returns when the broker has confirmed all. A message that no queue wants is dropped by it.

        Raises BrokerRefuses when the broker refuses one, BrokerAway after `timeout` seconds or when the connection is
        lost: any part of the batch may have arrived, so publish it again.
        """
        if not messages:
            return
        with self._turn:
            if self._outlet is not None:
                # A kept connection may have died unnoticed; then the batch goes over a new one.
                try:
                    return self._publish(messages)
                except BrokerRefuses:
                    raise
                except BrokerAway:
                    log.debug("kept connection was lost")
            self._publish(messages)

    def _publish(self, messages: Sequence[Outgoing]) -> None:
        try:
            if self._outlet is None:
                self._outlet = _Outlet(self._uri)
            self._outlet.publish(messages, self._timeout)
        except BrokerRefuses:
            self._drop()
            raise
        except (*LOST, BrokerAway) as error:
            self._drop()
            raise BrokerAway(f"not confirmed: {error or type(error).__name__}") from error

    def _drop(self) -> None:
        outlet, self._outlet = self._outlet, None
        if outlet is not None:
            outlet.session.break_off()
            outlet.session.close()

    def close(self) -> None:
        """Disconnect."""
        with self._turn:
            outlet, self._outlet = self._outlet, None
            if outlet is not None:
                outlet.session.close()


class _Outlet:
    """One connection, with a channel in confirm mode."""

    def __init__(self, uri: str) -> None:
        # No heartbeats: between batches nobody reads. A connection that died is noticed by the next batch.
        self.session: Session = open_session(uri, heartbeat=0)
        self._channel: Any = self.session.channel()
        topology.declare(self._channel)
        self._confirms = self._channel.confirm_publishing(self._confirmed, self._refused)
        self._sent = 0  # the number that the broker gives to a message: 1, 2, … on this channel
        self._open: set[int] = set()
        self._nacked = 0

    def publish(self, messages: Sequence[Outgoing], timeout: float) -> None:
        for message in messages:
            self._send(message)
        until = monotonic() + timeout
        while self._open and not self._nacked:
            left = until - monotonic()
            if left <= 0 or not self.session.drain(left):
                raise BrokerAway(f"{len(self._open)} messages not confirmed in {timeout:g} s")
        if self._nacked:
            raise BrokerRefuses("the broker refused a message")

    def _send(self, message: Outgoing) -> None:
        if self._confirms:
            self._sent += 1
            self._open.add(self._sent)
        properties = {"delivery_mode": _PERSISTENT, **message.properties}
        self._channel.send(message.body, message.exchange, message.routing_key, **properties)

    def _confirmed(self, tag: int, multiple: bool) -> None:
        if multiple:
            self._open = {number for number in self._open if number > tag}
        else:
            self._open.discard(tag)

    def _refused(self, _tag: int, _multiple: bool) -> None:
        self._nacked += 1
