"""Answers to departments: a reply for every event, and a copy for the operators of what nobody trustworthy sent.

Returns only when the broker has all of them. An event that had waited is answered from the store, so a crash between
its commit and its reply costs a delay, not the reply.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from kernel import logs, tracing
from kernel.contracts.department import Reference, appended, refused
from kernel.contracts.envelope import CONTENT_TYPE
from kernel.errors import Refusal
from kernel.eventlog import Recorded
from kernel.ids import new_id
from kernel.messaging.messages import Incoming, Outgoing
from kernel.messaging.publishing import BrokerRefuses
from kernel.messaging.topology import DEPARTMENT_REPLIES, REJECTED
from services.filing.application.hearing import Heard, Message, Unheard
from services.filing.application.intake import Intake, Refused, Taken, Verdict, Waits
from services.filing.application.ports import Publishing
from services.filing.application.rows import ReplyRow
from services.filing.application.tools import Tools

_SENT_AT_ONCE = 500  # stored replies
_SHOWN = 64 * 1024  # bytes of a rejected message that operators are shown: as long as any event may be

log = logs.get(__name__)


class Answering:
    """Takes events from the broker or from the gateway, and sees to it that they are answered."""

    def __init__(self, tools: Tools, intake: Intake, publisher: Publishing) -> None:
        self._tools = tools
        self._intake = intake
        self._publisher = publisher

    def take_batch(self, batch: Sequence[Incoming]) -> None:
        """Take messages from the broker; returns when all are committed and answered, so they may be acknowledged."""
        messages = [
            Message(
                body=one.body,
                organ=one.properties.get("user_id"),
                routing_key=one.routing_key,
                traceparent=one.trace or tracing.fresh(),
            )
            for one in batch
        ]
        began, taken = tracing.now(), self._intake.take(messages)
        self._say(taken, began)
        outgoing: list[Outgoing] = []
        rejected: list[Outgoing] = []
        for message, (heard, verdict) in zip(messages, taken, strict=True):
            outgoing += self._reply(heard, verdict)
            if isinstance(heard, Unheard) and heard.reject:
                rejected.append(_rejected(message, heard.refusal))
        self._publisher.publish_batch(outgoing)
        self._show(rejected)
        self.send_stored()

    def _say(self, taken: Sequence[tuple[Heard | Unheard, Verdict]], began: int) -> None:
        traces = [heard.about.traceparent for heard, _ in taken]
        tracing.took("filing take department event", traces, began)
        refused = sum(isinstance(verdict, Refused) for _, verdict in taken)
        log.info("department events taken", events=len(taken), refused=refused, trace_ids=tracing.ids_of(traces))

    def _show(self, rejected: Sequence[Outgoing]) -> None:
        """To the operators. When their queue is full, departments are answered all the same."""
        try:
            self._publisher.publish_batch(rejected)
        except BrokerRefuses:
            log.error(
                "queue of rejected messages is full",
                queue=REJECTED,
                messages=len(rejected),
                first=rejected[0].properties["headers"],
            )

    def take_one(self, body: bytes, organ: str) -> dict[str, Any]:
        """Take one event whose sender the gateway knows. Answers `kernel.contracts.filing.Taken`, or raises why not.

        Publishes nothing: what other events were waiting for it is told by `retry_waiting`, and a broker that is away
        is no reason to say that this one failed, since it is on the log.
        """
        began, taken = (
            tracing.now(),
            self._intake.take([Message(body=body, organ=organ, traceparent=tracing.current())]),
        )
        self._say(taken, began)
        ((_, verdict),) = taken
        match verdict:
            case Refused(refusal):
                raise refusal
            case Taken(position, duplicate):
                return {"status": "appended", "position": position, "duplicate": duplicate}
            case Waits():
                return {"status": "waiting"}

    def retry_waiting(self) -> None:
        """Decide again on what waits, and send what is still to be sent."""
        self._intake.retry_waiting()
        self.send_stored()

    def send_stored(self) -> None:
        """Publish the stored replies and forget them. Two processes may both send one: it keeps its id."""
        with self._tools.database.single() as tx:
            rows = self._tools.store.replies(tx, _SENT_AT_ONCE)
        if not rows:
            return
        positions = self._tools.log.find([(row.source, row.event_id) for row in rows if row.body is None])
        self._publisher.publish_batch([self._stored(row, positions) for row in rows])
        with self._tools.database.write() as tx:
            self._tools.store.drop_replies(tx, [row.id for row in rows])

    def _stored(self, row: ReplyRow, recorded: Mapping[tuple[str, str], Recorded]) -> Outgoing:
        if row.body is not None:
            return _outgoing(row.organ, row.id, row.body, orjson.loads(row.body).get("traceparent"))
        event = recorded[row.source, row.event_id]
        about = Reference(id=row.event_id, source=row.source, subject=row.subject, traceparent=event.traceparent)
        body = appended(row.id, self._tools.clock.now(), about, event.position, False)
        return _outgoing(row.organ, row.id, body, about.traceparent)

    def _reply(self, heard: Heard | Unheard, verdict: Verdict) -> list[Outgoing]:
        """One reply, or none yet, or none at all where nobody is known who could get it."""
        if heard.organ is None or isinstance(verdict, Waits):
            return []
        id_, at = new_id(), self._tools.clock.now()
        if isinstance(verdict, Taken):
            body = appended(id_, at, heard.about, verdict.position, verdict.duplicate)
        else:
            body = refused(id_, at, heard.about, verdict.refusal)
        return [_outgoing(heard.organ, id_, body, heard.about.traceparent)]


def _outgoing(organ: str, id_: str, body: bytes, traceparent: str | None) -> Outgoing:
    return Outgoing(
        exchange=DEPARTMENT_REPLIES,
        routing_key=organ,
        body=body,
        properties={
            "content_type": CONTENT_TYPE,
            "message_id": id_,
            "headers": {tracing.HEADER: traceparent} if traceparent else {},
        },
    )


def _rejected(message: Message, refusal: Refusal) -> Outgoing:
    """The message as it came, its first 64 KiB.

    The headers say who the broker says sent it, how it was addressed, what is wrong, and which message was cut.
    """
    headers = {
        "reason": refusal.code,
        "detail": refusal.sentence("en"),
        "user_id": message.organ or "",
        "routing_key": message.routing_key or "",
        "size": len(message.body),
        "sha256": hashlib.sha256(message.body).hexdigest(),
    }
    return Outgoing(exchange="", routing_key=REJECTED, body=message.body[:_SHOWN], properties={"headers": headers})
