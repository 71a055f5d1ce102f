"""How many messages wait in a queue, and how many processes take from it. Asked by AMQP alone; changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from amqp.exceptions import ChannelError
from kombu.exceptions import ChannelError as KombuChannelError

from kernel.messaging.connection import LOST, BrokerAway, Session, connect


@dataclass(frozen=True)
class Depth:
    """`messages`: those that nobody has been given yet."""

    messages: int
    consumers: int


def depths(uri: str, queues: Sequence[str]) -> dict[str, Depth | None]:
    """Each queue's, None for one that is not there. Raises BrokerAway."""
    try:
        with connect(uri) as session:
            return {queue: _depth(session, queue) for queue in queues}
    except LOST as error:
        raise BrokerAway(f"{type(error).__name__}: {error}") from error


def _depth(session: Session, queue: str) -> Depth | None:
    # A channel for each: the broker closes the one on which it is asked for a queue that it does not have.
    channel = session.channel()
    try:
        declared = channel.queue_declare(queue, passive=True)
    except (ChannelError, KombuChannelError):
        return None
    channel.close()
    return Depth(declared.message_count, declared.consumer_count)
