"""Writes messages down, due at once: one for each event and channel, whatever is replayed. The database holds to it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, text

from kernel.clock import to_micros
from services.notify.domain.message import NewMessage

_CREATE = text(
    "INSERT INTO message (id, log, serial, position, source, event_id, type, channel, language, recipient, subject,"
    " text, state, attempts, claim, unsure, due_at, expires_at, created_at, updated_at)"
    " VALUES (:id, :log, :serial, :position, :source, :event_id, :type, :channel, :language, :recipient, :subject,"
    " :text, 'created', 0, 0, false, :now, :expires_at, :now, :now) ON CONFLICT DO NOTHING"
)


def create(tx: Connection, messages: Sequence[NewMessage], now: datetime) -> None:
    """In the caller's transaction, which also moves the checkpoint."""
    if messages:
        tx.execute(_CREATE, [{**asdict(message), "now": to_micros(now)} for message in messages])
