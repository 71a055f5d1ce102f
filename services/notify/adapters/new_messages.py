"""Writes messages down, due at once: one for each event and channel, whatever is replayed. The database holds to it.

Where a log was restored from an older backup, what it has now comes before what it had: see `lost`.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from kernel.clock import to_micros
from kernel.eventlog import Recorded
from kernel.ids import new_id
from kernel.traditional import to_traditional
from services.notify.adapters.lost import lose, taken_back
from services.notify.domain.message import NewMessage, message_id
from services.notify.domain.words import Rendered

_CREATE = text(
    "INSERT INTO message (id, log, serial, position, chain, source, event_id, type, channel, language, recipient,"
    " subject, text, state, attempts, claim, unsure, due_at, expires_at, traceparent, created_at, updated_at)"
    " VALUES (:id, :log, :serial, :position, :chain, :source, :event_id, :type, :channel, :language, :recipient,"
    " :subject, :text, 'created', 0, 0, false, :now, :expires_at, :traceparent, :now, :now) ON CONFLICT DO NOTHING"
)
_IN_PLACE = text(
    "SELECT id, log, source, event_id, channel, chain FROM message"
    " WHERE log = :log AND position = :position AND channel = :channel"
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
        chain=event.chain,
        source=event.source,
        event_id=event.id,
        type=event.type,
        channel=channel,
        language=language,
        recipient=recipient,
        subject=None if rendered.subject is None else words(rendered.subject),
        text=words(rendered.text),
        expires_at=expires_at,
        happened=to_micros(event.time),
        traceparent=event.traceparent,
    )


def create(tx: Connection, messages: Sequence[NewMessage], now: datetime) -> None:
    """In the caller's transaction, which also moves the checkpoint."""
    rows = [{**asdict(message), "now": to_micros(now)} for message in messages]
    if rows and tx.execute(_CREATE, rows).rowcount < len(rows):
        _settle(tx, rows, now)


def _settle(tx: Connection, rows: list[dict[str, Any]], now: datetime) -> None:
    """Some of `rows` were not made: they are there, or lost; or another event's message has their place or their id."""
    for row in rows:
        found = tx.execute(_IN_PLACE, row).one_or_none()
        if found is not None and _is_of(found, row):
            continue
        lose(tx, [] if found is None else [found], now)
        # A provider knows the id from the event that had it before, and would drop what comes under it.
        if not taken_back(tx, row) and not tx.execute(_CREATE, row).rowcount:
            tx.execute(_CREATE, {**row, "id": new_id()})


def _is_of(found: Any, row: dict[str, Any]) -> bool:
    """Whether a message is of the event that this row is of; older ones keep no chain value."""
    same = (found.source, found.event_id) == (row["source"], row["event_id"])
    return same and found.chain in (None, row["chain"])
