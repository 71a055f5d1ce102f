"""A message as handlers see it and as they hand it over, whatever carries it.

Values only: no connection, no channel.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kernel import tracing

_PLACES = ("content_type", "user_id", "message_id", "reply_to", "correlation_id", "expiration", "type")


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A delivered message. `properties` holds those of content_type, user_id, message_id, reply_to, correlation_id,
    expiration and type that were sent, and always `headers` (a dict).
    """

    body: bytes
    properties: dict[str, Any]
    routing_key: str
    redelivered: bool
    tag: Any = field(default=None, repr=False, compare=False)  # the channel's name for the delivery

    @property
    def user_id(self) -> str | None:
        """Who sent it, as the broker checked; None where the sender did not say."""
        return self.properties.get("user_id")

    @property
    def trace(self) -> str | None:
        """The traceparent that came with it; None where none did that can be read."""
        return tracing.read(self.properties["headers"].get(tracing.HEADER))


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A message to publish. `properties` as AMQP names them, `headers` among them; persistent unless told otherwise."""

    exchange: str
    routing_key: str
    body: bytes
    properties: Mapping[str, Any] = field(default_factory=dict)


def incoming(message: Any) -> Incoming:
    """From what a channel delivers (py-amqp's message or the in-memory transport's)."""
    properties = {name: message.properties[name] for name in _PLACES if message.properties.get(name) is not None}
    properties["headers"] = message.headers or {}
    body = message.body
    info = message.delivery_info
    return Incoming(
        body=body.encode() if isinstance(body, str) else bytes(body),
        properties=properties,
        routing_key=info["routing_key"],
        redelivered=bool(info.get("redelivered")),
        tag=info["delivery_tag"],
    )
