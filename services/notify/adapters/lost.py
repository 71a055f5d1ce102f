"""Messages of a log that is no more, since an older backup of it was restored: kept, sent to nobody, seen by operators.

Should the event of such a message come again, as departments publish theirs again, it is taken back with all that
became of it, and nobody is told twice. Its id alone does not tell an event: a serial is given again, and some ids are
made of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from kernel.clock import to_micros
from kernel.eventlog import LogReader, Recorded
from services.notify.domain.message import message_id

_PAGE = 1000
_SKEW = timedelta(minutes=5) // timedelta(microseconds=1)  # that another's clock may be ahead of ours

_NEWEST = text("SELECT max(position) FROM message WHERE log = :log")
_TOLD = text(
    "SELECT position, source, event_id, created_at, chain FROM message WHERE log = :log AND position < :before"
    " ORDER BY position DESC LIMIT :limit"
)
_BEHIND = text("SELECT id, log, source, event_id, channel FROM message WHERE log = :log AND position > :behind")
# The id of an event stays taken as long as a message of it is lost: so it is seen when the event comes again. What a
# provider has taken may still have its receipt; anything else stands still, and who is sending it has lost it.
_LOSE = text(
    "UPDATE message SET log = :lost, claim = claim + 1, updated_at = :now,"
    " id = CASE WHEN EXISTS (SELECT 1 FROM message AS taken WHERE taken.id = :key) THEN id ELSE :key END,"
    " due_at = CASE WHEN accepted_at IS NULL THEN NULL ELSE due_at END WHERE id = :id"
)
_FIND = text(
    "SELECT id FROM message WHERE serial = :serial AND source = :source AND event_id = :event_id AND channel = :channel"
    " AND log <> :log AND recipient = :recipient AND text = :text AND created_at + :skew >= :happened"
    " ORDER BY created_at DESC LIMIT 1"
)
_TAKE_BACK = text(
    "UPDATE message SET log = :log, position = :position, chain = :chain, updated_at = :now, due_at = CASE"
    " WHEN accepted_at IS NULL AND state IN ('created', 'sending', 'failed_for_now') THEN :now ELSE due_at END"
    " WHERE id = :lost"
)


@dataclass(frozen=True)
class Told:
    """What notify has told of one log."""

    log: str

    def until(self, connection: Connection, log: LogReader) -> int | None:
        """The last position at which `log` has the event that was told of it; None where no message is kept."""
        newest = connection.execute(_NEWEST, {"log": self.log}).scalar_one()
        if newest is None:
            return None
        before = newest + 1
        while rows := connection.execute(_TOLD, {"log": self.log, "before": before, "limit": _PAGE}).all():
            chains = log.chains_at({row.position for row in rows})
            events = log.find({(row.source, row.event_id) for row in rows if row.chain is None})
            for row in rows:
                if _is_of_this_log(row, chains.get(row.position), events.get((row.source, row.event_id))):
                    return int(row.position)
            before = rows[-1].position
        return 0

    def lose(self, tx: Connection, behind: int, now: datetime) -> None:
        """The messages of events behind this position are of a log that is no more."""
        lose(tx, tx.execute(_BEHIND, {"log": self.log, "behind": behind}).all(), now)


def lose(tx: Connection, rows: Iterable[Any], now: datetime) -> None:
    """These messages (id, log, source, event_id, channel) are of a log that is no more."""
    for row in rows:
        key = message_id(row.source, row.event_id, row.channel)
        tx.execute(_LOSE, {"id": row.id, "key": key, "lost": f"lost {row.log} {row.id}", "now": to_micros(now)})


def taken_back(tx: Connection, message: Mapping[str, Any]) -> bool:
    """Whether this message was lost, and is of its log again: the same words to the same person, of what had happened
    when it was made.
    """
    lost = tx.execute(_FIND, {**message, "skew": _SKEW}).scalar_one_or_none()
    if lost is not None:
        tx.execute(_TAKE_BACK, {**message, "lost": lost})
    return lost is not None


def _is_of_this_log(row: Any, chain: bytes | None, event: Recorded | None) -> bool:
    """Whether the message was made of what stands at its position, and not of what has come to the same place since.

    `event`: the one with its id, for a message that was made before messages kept chain values.
    """
    if row.chain is not None:
        return bool(chain == row.chain)
    if event is None or event.position != row.position:
        return False
    return event.recorded <= int(row.created_at) + _SKEW
