"""Answering other services: `@rpc(schema)` makes a method callable; `ServiceClient` and `Services` call it.

A method's failure is answered and logged; it never ends the container, and the request is never run twice for it.
"""

from collections.abc import Callable
from typing import Any

import orjson
from marshmallow import RAISE, Schema, ValidationError
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, SharedExtension

from kernel import logs, tracing
from kernel.database import is_away
from kernel.errors import InvalidInput, Refusal, ServiceDown
from kernel.ids import new_id
from kernel.messaging.calling import ServiceClient, Services, request_queue
from kernel.messaging.connection import LOST, Channel, Listener
from kernel.messaging.messages import Incoming

__all__ = ["Rpc", "ServiceClient", "Services", "rpc"]

log = logs.get(__name__)

_OTHERS = 8  # workers for batches and timers of the same container


class RpcServer(SharedExtension):  # type: ignore[misc]
    """Takes the requests of one container and hands each to its method's entrypoint."""

    def __init__(self) -> None:
        super().__init__()
        self.methods: dict[str, Rpc] = {}
        self._listener: Listener | None = None
        self._quieted = False

    def setup(self) -> None:
        self._listener = Listener(
            self.container.config["AMQP_URI"],
            request_queue(self.container.service_name),
            self._take,
            declare=self._declare,
            # As many as can run at once, some workers left to other entrypoints: so each starts when it arrives, other
            # processes get what is beyond, and what waits for longer than its caller does expires at the broker.
            prefetch=max(1, self.container.max_workers - _OTHERS),
            longest_pause=1.0,
        )

    def start(self) -> None:
        if self._listener is not None:
            self._listener.start()

    def quiet(self) -> None:
        """Take no more requests; those that run are still answered."""
        if self._listener is not None and not self._quieted:
            self._quieted = True
            self._listener.quiet()

    def stop(self) -> None:
        """Disconnect."""
        if self._listener is not None:
            self._listener.stop()

    kill = stop

    def _declare(self, channel: Channel) -> None:
        # Gone with its last consumer, so that a caller learns at once that nobody answers.
        channel.queue_declare(request_queue(self.container.service_name), durable=False, auto_delete=True)

    def _take(self, channel: Channel, message: Incoming) -> None:
        name = message.properties.get("type", "")
        request = _Request(channel, message, f"{self.container.service_name}.{name}")
        method = self.methods.get(name)
        if method is None:
            request.fail(LookupError(f"no method {name!r}"))
        else:
            method.run(request)


class _Request:
    """A request under way: answered once, over the connection it came by."""

    def __init__(self, channel: Channel, message: Incoming, target: str) -> None:
        self._channel = channel
        self._message = message
        self._target = target
        self.trace = tracing.read(message.properties["headers"].get(tracing.HEADER))

    @property
    def payload(self) -> Any:
        return orjson.loads(self._message.body)

    def answer(self, result: Any) -> None:
        try:
            self._reply(orjson.dumps({"result": result}))
        except TypeError as error:  # the method returned what JSON can't say
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Answer with what was raised: a refusal crosses unchanged, anything else by a number in the log."""
        refusal = _refusal(error, self._target.partition(".")[0])
        if refusal is not None:
            self._reply(orjson.dumps({"refusal": refusal.to_wire()}))
            return
        error_id = new_id()
        log.error("method failed", method=self._target, error_id=error_id, exc_info=error)
        self._reply(orjson.dumps({"fault": {"error_id": error_id, "service": self._target.partition(".")[0]}}))

    def give_back(self) -> None:
        """Let another process have it."""
        try:
            self._channel.basic_reject(self._message.tag, requeue=True)
        except LOST:
            log.debug("request came with a connection that is lost", method=self._target)

    def _reply(self, body: bytes) -> None:
        about = self._message.properties
        try:
            if "reply_to" in about:
                self._channel.send(
                    body,
                    "",
                    about["reply_to"],
                    correlation_id=about.get("correlation_id", ""),
                    delivery_mode=1,
                    content_type="application/json",
                )
            self._channel.basic_ack(self._message.tag)
        except LOST:
            log.warning("answer lost with its connection", method=self._target)


def _refusal(error: BaseException, service: str) -> Refusal | None:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, ValidationError):
        return InvalidInput.from_messages(error.messages)
    return ServiceDown(service=service) if is_away(error) else None


class Rpc(Entrypoint):  # type: ignore[misc]
    """See `rpc`."""

    server = RpcServer()
    reports_failures = True
    span_kind = tracing.SERVER

    def __init__(self, schema: Schema | type[Schema] | None = None) -> None:
        super().__init__()
        self.schema = schema() if isinstance(schema, type) else schema

    def setup(self) -> None:
        self.server.methods[self.method_name] = self

    def stop(self) -> None:
        self.server.quiet()

    def run(self, request: _Request) -> None:
        """Start a worker for the request, or answer it when it does not fit the schema."""
        try:
            payload = self._load(request.payload)
        except (ValidationError, InvalidInput, ValueError) as error:
            request.fail(error)
            return
        self._spawn(request, payload)

    def _load(self, payload: Any) -> Any:
        if not isinstance(payload, dict):
            raise InvalidInput(errors=[{"field": "", "message": "Not a JSON object."}])
        return payload if self.schema is None else self.schema.load(payload, unknown=RAISE)

    def _spawn(self, request: _Request, payload: Any) -> None:
        def answer(_worker: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
            if exc_info is None:
                request.answer(result)
            else:
                request.fail(exc_info[1])
            return result, exc_info

        try:
            self.container.spawn_worker(
                self, (payload,), {}, context_data={tracing.HEADER: request.trace}, handle_result=answer
            )
        except ContainerBeingKilled:
            request.give_back()


def rpc(schema: Schema | type[Schema] | None = None) -> Callable[[Any], Any]:
    """Entrypoint: `@rpc(schema)` above `def method(self, request: dict) -> JSON`.

    The request is what the schema loads; fields it does not know are InvalidInput. A Refusal that the method raises
    crosses unchanged; a database that is away becomes ServiceDown; anything else is logged with an error id, which is
    all that the caller is told.
    """
    return Rpc.decorator(schema)  # type: ignore[no-any-return]
