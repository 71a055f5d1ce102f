"""Calling other services: many calls at once over one connection, each answered, refused or given up in time.

Nothing is confirmed or stored: a call that is lost is a time-out of its caller's, never a message that waits.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping
from itertools import count
from time import monotonic
from typing import Any

import orjson
from nameko.extensions import DependencyProvider

from kernel import tracing
from kernel.errors import RemoteFault, RemoteRefusal, ServiceDown, ServiceSlow
from kernel.messaging.connection import LOST, BrokerAway, Channel, Listener
from kernel.messaging.messages import Incoming
from kernel.messaging.turns import PATIENCE, Turns

_DIRECT_REPLY = "amq.rabbitmq.reply-to"  # RabbitMQ sends replies straight to the connection that asked
_DOWN: dict[str, Any] = {}  # stands for the answer when the broker hands a request back
_CUT: dict[str, Any] = {}  # stands for the answer when the connection is lost under way


def request_queue(service: str) -> str:
    """The queue from which the processes of a service take requests; it exists while one of them listens."""
    return f"rpc.{service}"


class _Call:
    """One question under way. Waiting is taking a lock that the reader releases: cheap in threads and greenlets."""

    __slots__ = ("_answered", "answer")

    def __init__(self) -> None:
        self.answer: Any = None
        self._answered = threading.Lock()
        self._answered.acquire()

    def finish(self, answer: Any) -> None:
        self.answer = answer
        self._answered.release()

    def wait(self, timeout: float) -> bool:
        return self._answered.acquire(timeout=timeout)


class ServiceClient:
    """Calls services through the broker at `uri`. Safe to share among threads and greenlets; `close` it at the end."""

    def __init__(self, uri: str, timeout: float = 5.0) -> None:
        self._timeout = timeout
        self._calls: dict[str, _Call] = {}
        self._numbers = count(1)
        self._turns: defaultdict[str, Turns] = defaultdict(Turns)
        self._starting = threading.Lock()
        self._started = False
        self._listener = Listener(
            uri,
            _DIRECT_REPLY,
            self._take_answer,
            returned=lambda message: self._finish(message, _DOWN),
            lost=self._cut_all,
            no_ack=True,
            longest_pause=1.0,
        )

    def start(self) -> None:
        """Connect; the first call does it otherwise."""
        with self._starting:
            if not self._started:
                self._started = True
                self._listener.start()

    def close(self) -> None:
        """Disconnect; calls under way end as if they had taken too long."""
        if self._started:
            self._listener.stop()

    def call(
        self,
        service: str,
        method: str,
        payload: Mapping[str, Any],
        timeout: float | None = None,
    ) -> Any:
        """Ask `service` to run `method` with `payload` (a JSON object) and return its answer (JSON).

        In a crowd a call waits for its turn, and its time runs from then: whom a service can answer soon is not given
        up because of all who came at the same moment. Whoever names a `timeout` waits no longer than that for its turn.
        Raises RemoteRefusal (it said no), ServiceDown (no process of it listens, or the broker is away: at once),
        ServiceSlow (no answer in `timeout` seconds; it may still happen), RemoteFault (it failed). The trace that the
        caller is part of goes along.
        """
        if not self._started:
            self.start()
        seconds = self._timeout if timeout is None else timeout
        turns, body = self._turns[service], orjson.dumps(payload)
        if not turns.take(seconds, PATIENCE if timeout is None else timeout):
            raise ServiceSlow(service=service)
        try:
            answer = self._exchange(service, method, body, seconds)
            if answer is _DOWN:
                raise ServiceDown(service=service)
            if answer is None or answer is _CUT:
                raise ServiceSlow(service=service)
            turns.answered()
        finally:
            turns.give_back()
        return _unpacked(answer)

    def _exchange(self, service: str, method: str, body: bytes, seconds: float) -> Any:
        number = str(next(self._numbers))
        call = self._calls[number] = _Call()
        until = monotonic() + seconds
        try:
            channel = self._channel(service, seconds)
            channel.send(
                body,
                "",
                request_queue(service),
                mandatory=True,
                reply_to=_DIRECT_REPLY,
                correlation_id=number,
                type=method,
                expiration=str(int(seconds * 1000)),
                delivery_mode=1,
                content_type="application/json",
                headers=_headers(),
            )
            call.wait(max(until - monotonic(), 0))
        except LOST as error:
            raise ServiceDown(service=service) from error
        finally:
            del self._calls[number]
        return call.answer

    def _channel(self, service: str, seconds: float) -> Channel:
        try:
            return self._listener.channel(seconds)
        except BrokerAway as error:
            raise ServiceDown(service=service) from error

    def _take_answer(self, _channel: Channel, message: Incoming) -> None:
        self._finish(message, orjson.loads(message.body))

    def _finish(self, message: Incoming, answer: Any) -> None:
        call = self._calls.get(message.properties.get("correlation_id", ""))
        if call is not None and call.answer is None:
            call.finish(answer)

    def _cut_all(self) -> None:
        for call in list(self._calls.values()):
            if call.answer is None:
                call.finish(_CUT)


def _unpacked(answer: dict[str, Any]) -> Any:
    if "refusal" in answer:
        raise RemoteRefusal(answer["refusal"])
    if "fault" in answer:
        raise RemoteFault(**answer["fault"])
    return answer["result"]


def _headers() -> dict[str, str]:
    traceparent = tracing.current()
    return {} if traceparent is None else {tracing.HEADER: traceparent}


class Services(DependencyProvider):  # type: ignore[misc]
    """`services = Services()` on a service class: `self.services.call("progress", "case", {...})`."""

    client: ServiceClient

    def setup(self) -> None:
        settings = self.container.config["settings"]
        self.client = ServiceClient(self.container.config["AMQP_URI"], settings.rpc_timeout)

    def start(self) -> None:
        self.client.start()

    def get_dependency(self, worker_ctx: Any) -> ServiceClient:
        """The same client for every worker."""
        return self.client

    def stop(self) -> None:
        self.client.close()

    def kill(self) -> None:
        self.client.close()
