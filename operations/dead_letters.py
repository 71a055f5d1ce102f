"""What the hall could not read, or refused, of what departments published: looked at, taken again, or given up.

A letter leaves the queue only when it was taken by filing or given up; whatever fails meanwhile leaves it where it is.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pika
import pika.exceptions

from kernel.config import Settings
from kernel.errors import Refusal
from kernel.messaging.calling import ServiceClient
from kernel.messaging.connection import BrokerAway
from kernel.messaging.topology import REJECTED
from operations.department_client import amqp_parameters

_ID = 16  # hex digits
_LOCK = f"{REJECTED}.held"
_LOCKED = 405  # of AMQP: another connection has it
_ORDERLY = 10_000  # letters up to which they are kept in order; to look at more takes too long

# By the code of the refusal. Any other is of a version that did not know the event: install the newer one.
FIXES: Mapping[str, str] = {
    "unreadable_event": "the department publishes it again, as one JSON event with an id and a source; or, where it is"
    " clear what was meant, requeue --body FILE with it put right",
    "identity_missing": "its user must publish with user_id; where it is certain who sent it: requeue --organ ORGAN",
    "identity_mismatch": "it speaks for another organ than its own: settle it with the department, then discard it",
}
_OTHERWISE = "a newer version may know it: install it and requeue; else settle it with the department and discard it"


class NoSuchLetter(Refusal):
    """Nobody is there under that id."""

    code = "no_such_letter"
    status = 404
    zh = "没有编号为 {id} 的死信。"
    en = "There is no dead letter {id} in the queue; see: yichuang dead-letters list"


class LettersHeld(Refusal):
    """Who looks at the queue holds what is in it, so that one at a time sees all of it."""

    code = "letters_held"
    status = 409
    zh = "另一个人正在查看或处理死信，请稍后再试。"
    en = "Somebody else is looking at the dead letters, or settles one; try again when they are done."


class NotRequeued(Refusal):
    """It can't be given to filing as it is."""

    code = "not_requeued"
    status = 409
    zh = "死信 {id} 不能重新提交：{why}。"
    en = "The dead letter {id} can't be taken as it is: {why}."


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A rejected message. `body`: up to 64 KiB of it; bytes that are no text are shown as replacement characters."""

    id: str = ""
    user: str  # who published it, as the broker knows
    routing_key: str
    reason: str  # code of the refusal
    detail: str
    body: str
    cut: bool = field(default=False)  # it was longer

    @property
    def fix(self) -> str:
        """What an operator can do about it."""
        return FIXES.get(self.reason, _OTHERWISE)


class _Queue:
    """The queue, read from its front. What was not removed goes back at the end, in its old order."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._kept: list[int] = []

    def next(self) -> DeadLetter | None:
        method, properties, body = self._channel.basic_get(REJECTED)
        if method is None:
            return None
        self._kept.append(method.delivery_tag)
        return _dead_letter(properties.headers or {}, body)

    def remove(self, count: int = 1) -> None:
        """So many of the last that were given out."""
        for _ in range(count):
            self._channel.basic_ack(self._kept.pop())

    def give_back(self) -> None:
        if not self._kept:
            return
        # What goes back goes behind what is left, so nothing may be left; and one by one, as the broker has its own
        # order for those of a connection that ends.
        while len(self._kept) < _ORDERLY and self.next() is not None:
            pass
        for tag in self._kept:
            self._channel.basic_nack(tag, requeue=True)


@contextmanager
def _queue(uri: str) -> Iterator[_Queue]:
    """The queue, for us alone. Raises LettersHeld or BrokerAway."""
    try:
        with closing(_connected(uri)) as connection:
            channel = connection.channel()
            _hold(channel)
            queue = _Queue(channel)
            try:
                yield queue
            finally:
                queue.give_back()
    except pika.exceptions.AMQPError as error:  # also: there is no such queue
        raise BrokerAway(repr(error)) from error


def _connected(uri: str) -> pika.BlockingConnection:
    try:
        return pika.BlockingConnection(amqp_parameters(uri))
    except OSError as error:
        raise BrokerAway(repr(error)) from error


def _hold(channel: Any) -> None:
    """An exclusive queue is a lock that the broker lets go of with the connection, however that ends."""
    try:
        channel.queue_declare(_LOCK, exclusive=True)
    except pika.exceptions.ChannelClosedByBroker as closed:
        if closed.reply_code != _LOCKED:
            raise
        raise LettersHeld() from None


def read(uri: str, limit: int) -> Iterator[DeadLetter]:
    """The oldest dead letters, at most `limit`. They stay where they are. Raises LettersHeld or BrokerAway."""
    with _queue(uri) as queue:
        yield from islice(iter(queue.next, None), limit)


@contextmanager
def oldest(uri: str, limit: int) -> Iterator[list[DeadLetter]]:
    """The oldest letters, at most `limit`, which are removed if the context ends well. Raises as `read`."""
    with _queue(uri) as queue:
        letters = list(islice(iter(queue.next, None), limit))
        yield letters
        queue.remove(len(letters))


@contextmanager
def taken(uri: str, id: str) -> Iterator[DeadLetter]:
    """The letter with this id, which is removed if the context ends well. The others stay, in their order.

    Raises NoSuchLetter, or as `read`.
    """
    with _queue(uri) as queue:
        while (letter := queue.next()) is not None:
            if letter.id == id:
                yield letter
                queue.remove()
                return
    raise NoSuchLetter(id=id)


def give_to_filing(settings: Settings, letter: DeadLetter, organ: str | None, body: str | None) -> dict[str, Any]:
    """Let filing take it as from its sender, as if it had just come over HTTP; its answer (`Taken`).

    `organ`: who sent it, where the broker does not know. `body`: put right. Raises NotRequeued, filing's own refusal,
    or ServiceDown and ServiceSlow, after which it can be given again: filing takes an event once.
    """
    sender = organ or letter.user
    if not sender:
        raise NotRequeued(id=letter.id, why="nobody knows who sent it; say so with --organ")
    if body is None and letter.cut:
        raise NotRequeued(id=letter.id, why="only its beginning was kept; give all of it with --body")
    client = ServiceClient(settings.amqp_uri, settings.rpc_timeout)
    try:
        principal = {"kind": "department", "account": sender, "organ": sender}
        event = _event(letter, letter.body if body is None else body)
        answer: dict[str, Any] = client.call(
            "filing", "take_department_event", {"principal": principal, "event": event}
        )
        return answer
    finally:
        client.close()


def _event(letter: DeadLetter, text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except ValueError as error:
        raise NotRequeued(id=letter.id, why=f"it is not JSON ({error}); put it right with --body") from None
    if not isinstance(event, dict):
        raise NotRequeued(id=letter.id, why="it is no JSON object; put it right with --body")
    return event


def _dead_letter(headers: Mapping[str, Any], body: bytes) -> DeadLetter:
    told = [str(headers.get(name, "")) for name in ("user_id", "routing_key", "reason", "sha256")]
    digest = hashlib.sha256(json.dumps(told).encode() + body).hexdigest()
    return DeadLetter(
        id=digest[:_ID],
        user=headers.get("user_id", ""),
        routing_key=headers.get("routing_key", ""),
        reason=headers.get("reason", ""),
        detail=headers.get("detail", ""),
        body=body.decode(errors="replace"),
        cut=int(headers.get("size", 0)) > len(body),
    )
