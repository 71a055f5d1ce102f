"""Writes messages down, due at once: one for each event and channel, whatever is replayed. The database holds to it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, text

from kernel.clock import to_micros
from kernel.eventlog import Recorded
from kernel.traditional import to_traditional
from services.notify.domain.message import NewMessage, message_id
from services.notify.domain.words import Rendered

_CREATE = text(
    "INSERT INTO message (id, log, serial, position, source, event_id, type, channel, language, recipient, subject,"
    " text, state, attempts, claim, unsure, due_at, expires_at, traceparent, created_at, updated_at)"
    " VALUES (:id, :log, :serial, :position, :source, :event_id, :type, :channel, :language, :recipient, :subject,"
    " :text, 'created', 0, 0, false, :now, :expires_at, :traceparent, :now, :now) ON CONFLICT DO NOTHING"
)


def new_message(
    log: str,
    event: Recorded,
    channel: str,
    language: str,
    recipient: str,
    rendered: Rendered,
    expires_at: int | None = None,
) -> NewMessage:
    """The message that tells `event` to `recipient`; in traditional characters where those are wanted."""
    words = to_traditional if language == "zh-Hant" else str
    return NewMessage(
        id=message_id(event.source, event.id, channel),
        log=log,
        serial=event.stream,
        position=event.position,
        source=event.source,
        event_id=event.id,
        type=event.type,
        channel=channel,
        language=language,
        recipient=recipient,
        subject=None if rendered.subject is None else words(rendered.subject),
        text=words(rendered.text),
        expires_at=expires_at,
        traceparent=event.traceparent,
    )


def create(tx: Connection, messages: Sequence[NewMessage], now: datetime) -> None:
    """In the caller's transaction, which also moves the checkpoint."""
    if messages:
        tx.execute(_CREATE, [{**asdict(message), "now": to_micros(now)} for message in messages])
