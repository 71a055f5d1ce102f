"""A department's way in over AMQP: publishes its events about cases and collects the hall's answer to each.

Needs pika alone, nothing else of this project: a department may copy this file. Never declares anything of the hall's.

    with DepartmentClient("amqp://CODE:password@hall:5672//", organ="CODE") as hall:
        replies = hall.publish([hall.event("case.step", serial, {"step_name": "审查"})])
"""

import itertools
import json
import queue
import threading
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit

import pika
import pika.exceptions

EVENTS, REPLIES = "department-events", "department-replies"
CONTENT_TYPE = "application/cloudevents+json"
_BACKOFF = (0.1, 0.2, 0.5, 1.0, 2.0)  # seconds before the next connection


class Unreachable(Exception):
    """No connection could be had in time; the message says why."""


class Undeliverable(Exception):
    """The hall's broker has no queue for department events, or may not be written to by this user."""


class Forbidden(Unreachable, Undeliverable):
    """The broker refuses this user: a wrong name or password, or no right to what it needs. Trying again won't help."""


class NoReply(Exception):
    """Not every event was answered in time. Publish the missing ones again, with the same ids: it is safe.

    `replies` are those that came, by id; `missing` the ids without one.
    """

    def __init__(self, replies: Mapping[str, "Reply"], missing: Iterable[str]) -> None:
        self.replies = dict(replies)
        self.missing = tuple(missing)
        super().__init__(f"no reply in time to {len(self.missing)} event(s), first {self.missing[0]}")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the hall says to one event. `code`, `state` and `allowed` are set where it was refused."""

    id: str
    appended: bool
    subject: str = ""
    position: int | None = None  # in the case log
    duplicate: bool = False  # it was on the log already
    code: str = ""
    detail: str = ""  # a sentence, Chinese
    detail_en: str = ""
    state: str = ""  # where the case stands
    allowed: tuple[str, ...] = ()  # types that its state allows
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)  # all of it


def event(
    organ: str, type_: str, serial: str, data: Mapping[str, Any], *, id: str = "", version: int = 1, by: str = ""
) -> dict[str, Any]:
    """A CloudEvent about a case. What `data` lacks is filled in: `occurred_at` (now) and `by`.

    `id` names it for good: publishing it again under the same id never has a second effect.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {
        "specversion": "1.0",
        "id": id or str(uuid.uuid4()),
        "source": f"/departments/{organ}",
        "type": type_,
        "subject": serial,
        "time": data.get("occurred_at", now),
        "datacontenttype": "application/json",
        "dataschema": f"urn:yichuang:{type_}:{version}",
        "data": {"occurred_at": now, "by": by or organ, **data},
    }


class DepartmentClient:
    """Publishes events as one department. One at a time: not to be shared between threads.

    `uri` names the department's own user of the hall's RabbitMQ, which must be its organ code. Connects when first
    needed. After a connection was lost, connects again and publishes what was not answered, under the same ids.
    """

    def __init__(self, uri: str, organ: str) -> None:
        self.organ = organ
        self._parameters = amqp_parameters(uri)
        self._link: _Link | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def event(self, type_: str, serial: str, data: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """A CloudEvent of this department; see the function `event`."""
        return event(self.organ, type_, serial, data or {}, **more)

    def publish(self, events: Sequence[Mapping[str, Any]], timeout: float = 30) -> dict[str, Reply]:
        """Publish all at once and wait for all replies, by id; in the order sent where they concern one case.

        Raises NoReply after `timeout` seconds, Unreachable if there was no connection, Undeliverable.
        """
        deadline = time.monotonic() + timeout
        waiting = {str(each["id"]): each for each in events}
        replies: dict[str, Reply] = {}
        while waiting:
            link = self._connected(deadline)
            link.send(list(waiting.values()))
            self._collect(link, waiting, replies, deadline)
        return replies

    def close(self) -> None:
        """Close the connection; a later `publish` opens another."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _collect(
        self, link: "_Link", waiting: dict[str, Mapping[str, Any]], replies: dict[str, Reply], deadline: float
    ) -> None:
        """Take replies until none is waited for, or until the connection is lost."""
        while waiting:
            happened = link.next(deadline)
            if happened is None:
                raise NoReply(replies, waiting)
            if isinstance(happened, _Lost):
                self._link = None
                return
            if isinstance(happened, _Refused):
                raise (Forbidden if happened.forbidden else Undeliverable)(happened.reason)
            if isinstance(happened, _Nacked) and happened.id in waiting:
                link.send([waiting[happened.id]])
            if isinstance(happened, Reply) and waiting.pop(happened.id, None) is not None:
                replies[happened.id] = happened

    def _connected(self, deadline: float) -> "_Link":
        attempt = 0
        while self._link is None:
            link = _Link(self._parameters, self.organ)
            happened = link.next(deadline)
            if isinstance(happened, _Ready):
                self._link = link
                break
            link.close()
            reason = happened.reason if isinstance(happened, (_Lost, _Refused)) else "no answer"
            pause = _BACKOFF[min(attempt, len(_BACKOFF) - 1)]
            attempt += 1
            if isinstance(happened, _Refused) and happened.forbidden:
                raise Forbidden(reason)
            if isinstance(happened, _Refused) or time.monotonic() + pause > deadline:
                raise Unreachable(reason)
            time.sleep(pause)
        return self._link


def amqp_parameters(uri: str) -> pika.URLParameters:
    """pika's form of a broker's URI, whichever way its virtual host is written."""
    parts = urlsplit(uri)
    # kombu and nameko write the virtual host "/" as "//", pika as "/%2F"; both are taken.
    vhost = quote(unquote(parts.path[1:]) or "/", safe="")
    query = f"?{parts.query}" if parts.query else ""
    return pika.URLParameters(f"{parts.scheme}://{parts.netloc}/{vhost}{query}")


@dataclass(frozen=True)
class _Ready:
    """The connection is open and replies can be taken."""


@dataclass(frozen=True)
class _Lost:
    reason: str


@dataclass(frozen=True)
class _Refused:
    """The broker says no, and would again. `forbidden`: because of who asks."""

    reason: str
    forbidden: bool = False


@dataclass(frozen=True)
class _Nacked:
    """The broker could not take this one; it may take it the next time."""

    id: str


_Happened = _Ready | _Lost | _Refused | _Nacked | Reply


class _Link:
    """One connection with its channel and reply queue, served by a thread of its own. What happens is queued."""

    def __init__(self, parameters: pika.URLParameters, organ: str) -> None:
        self._user = parameters.credentials.username
        self._organ = organ
        self._happened: queue.SimpleQueue[_Happened] = queue.SimpleQueue()
        self._unconfirmed: dict[int, str] = {}
        self._published = 0
        self._channel: Any = None
        self._connection = pika.SelectConnection(
            parameters,
            on_open_callback=self._opened,
            on_open_error_callback=self._not_opened,
            on_close_callback=self._closed,
        )
        # Serves heartbeats, too, while nobody publishes.
        threading.Thread(target=self._connection.ioloop.start, name=f"department-{organ}", daemon=True).start()

    def next(self, deadline: float) -> _Happened | None:
        """What happened next; None once the deadline (monotonic) has passed."""
        try:
            return self._happened.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return None

    def send(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Publish, without waiting. What is lost with the connection is reported as lost, all of it at once."""
        self._connection.ioloop.add_callback_threadsafe(lambda: self._publish(events))

    def close(self) -> None:
        """Close in good order; back at once."""
        self._connection.ioloop.add_callback_threadsafe(self._close)

    def _close(self) -> None:
        if self._connection.is_closing or self._connection.is_closed:
            self._connection.ioloop.stop()
        else:
            self._connection.close()

    def _publish(self, events: Sequence[Mapping[str, Any]]) -> None:
        if not self._channel.is_open:
            return  # said already: lost
        for each in events:
            self._published += 1
            self._unconfirmed[self._published] = str(each["id"])
            self._channel.basic_publish(
                exchange=EVENTS,
                routing_key=f"{self._organ}.{each['type']}",
                body=json.dumps(each, ensure_ascii=False).encode(),
                properties=pika.BasicProperties(
                    content_type=CONTENT_TYPE, delivery_mode=2, message_id=str(each["id"]), user_id=self._user
                ),
                mandatory=True,
            )

    def _opened(self, connection: Any) -> None:
        connection.channel(on_open_callback=self._channel_opened)

    def _channel_opened(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(self._channel_closed)
        channel.add_on_return_callback(self._returned)
        channel.confirm_delivery(self._confirmed)
        # Ours alone, gone with the connection: a reply that is lost with it comes again when the event is repeated.
        name = f"department.{self._organ}.{uuid.uuid4().hex}"
        channel.queue_declare(name, exclusive=True, auto_delete=True, callback=lambda _: self._bind(name))

    def _bind(self, name: str) -> None:
        self._channel.queue_bind(name, REPLIES, routing_key=self._organ, callback=lambda _: self._consume(name))

    def _consume(self, name: str) -> None:
        self._channel.basic_consume(
            name, self._replied, auto_ack=True, exclusive=True, callback=lambda _: self._happened.put(_Ready())
        )

    def _replied(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        self._happened.put(_reply(json.loads(body)))

    def _confirmed(self, frame: Any) -> None:
        tag, several = frame.method.delivery_tag, frame.method.multiple
        tags = list(itertools.takewhile(lambda each: each <= tag, self._unconfirmed)) if several else [tag]
        ids = [self._unconfirmed.pop(each) for each in tags if each in self._unconfirmed]
        if isinstance(frame.method, pika.spec.Basic.Nack):
            for each in ids:
                self._happened.put(_Nacked(each))

    def _returned(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        self._happened.put(_Refused(f"{method.reply_text}: no queue takes {method.routing_key}"))

    def _channel_closed(self, channel: Any, reason: Any) -> None:
        # 403: no right to this exchange or queue; 404: no such exchange; 406: the user_id is not the user.
        code = reason.reply_code if isinstance(reason, pika.exceptions.ChannelClosedByBroker) else 0
        refused = _Refused(getattr(reason, "reply_text", ""), forbidden=code in (403, 406))
        self._happened.put(refused if code in (403, 404, 406) else _Lost(str(reason)))
        self._close()

    def _not_opened(self, connection: Any, error: Any) -> None:
        wrong = (pika.exceptions.ProbableAuthenticationError, pika.exceptions.ProbableAccessDeniedError)
        causes = [error, *getattr(error, "args", ())]
        refused = any(isinstance(cause, wrong) for cause in causes)
        self._happened.put(_Refused(repr(error), forbidden=True) if refused else _Lost(repr(error)))
        connection.ioloop.stop()

    def _closed(self, connection: Any, reason: Any) -> None:
        self._happened.put(_Lost(str(reason)))
        connection.ioloop.stop()


def _reply(envelope: Mapping[str, Any]) -> Reply:
    data = envelope["data"]
    return Reply(
        id=data.get("id") or "",  # none where the event could not even be read
        appended=envelope["type"] == "event.appended",
        subject=data.get("subject") or "",
        position=data.get("position"),
        duplicate=bool(data.get("duplicate")),
        code=data.get("code") or "",
        detail=data.get("detail") or "",
        detail_en=data.get("detail_en") or "",
        state=data.get("state") or "",
        allowed=tuple(data.get("allowed") or ()),
        data=data,
    )
