"""What the hall could not read, or refused, of what departments published: looked at, and taken away when settled.

Never publishes anything again: only the department may say it once more.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pika

from kernel.messaging.topology import REJECTED
from operations.department_client import amqp_parameters


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A rejected message. `body`: up to 64 KiB of it; bytes that are no text are shown as replacement characters."""

    user: str  # who published it, as the broker knows
    routing_key: str
    reason: str  # code of the refusal
    detail: str
    body: str


def read(uri: str, limit: int, remove: bool = False) -> Iterator[DeadLetter]:
    """The oldest dead letters, at most `limit`. They stay where they are unless `remove`.

    Raises pika's AMQPError or OSError where the broker can't be reached.
    """
    with closing(pika.BlockingConnection(amqp_parameters(uri))) as connection:
        channel = connection.channel()
        for _ in range(limit):
            method, properties, body = channel.basic_get(REJECTED)
            if method is None:
                return
            yield _dead_letter(properties.headers or {}, body)
            # After it was given out: one that could not be printed is not lost. Unacknowledged ones go back when the
            # channel ends, in their old order.
            if remove:
                channel.basic_ack(method.delivery_tag)


def _dead_letter(headers: dict[str, str], body: bytes) -> DeadLetter:
    return DeadLetter(
        user=headers.get("user_id", ""),
        routing_key=headers.get("routing_key", ""),
        reason=headers.get("reason", ""),
        detail=headers.get("detail", ""),
        body=body.decode(errors="replace"),
    )
