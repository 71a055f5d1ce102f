"""Department events that wait, and replies still to be sent, in tables."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from services.filing.adapters.sql import as_list, each_of
from services.filing.application.ports import Key
from services.filing.application.rows import ReplyRow, WaitingRow

_COLUMNS = "source, id, serial, organ, body, deadline, traceparent"
_FIRST = sa.text("SELECT serial FROM waiting_event GROUP BY serial ORDER BY MIN(deadline) LIMIT :limit")
_ADD = sa.text(
    f"INSERT INTO waiting_event ({_COLUMNS}) VALUES (:source, :id, :serial, :organ, :body, :deadline, :traceparent)"
    " ON CONFLICT (source, id) DO NOTHING"
)
_TAKE = sa.text("DELETE FROM waiting_event WHERE source = :source AND id = :id")
_ADD_REPLY = sa.text(
    "INSERT INTO pending_reply (id, organ, source, event_id, subject, body)"
    " VALUES (:id, :organ, :source, :event_id, :subject, :body)"
)
_REPLIES = sa.text("SELECT id, organ, source, event_id, subject, body FROM pending_reply ORDER BY id LIMIT :limit")
_DROP_REPLY = sa.text("DELETE FROM pending_reply WHERE id = :id")


class IntakeTables:
    """What `application.ports.IntakeStore` promises."""

    def waiting(self, tx: sa.Connection, serials: Collection[str], keys: Collection[Key]) -> list[WaitingRow]:
        # Source and id hold no control characters, so a tab between them makes one unmistakable name of the two.
        query = (
            f"SELECT {_COLUMNS} FROM waiting_event WHERE serial IN ({each_of(tx, 'serials')})"
            f" UNION SELECT {_COLUMNS} FROM waiting_event WHERE source IN ({each_of(tx, 'sources')})"
            f" AND id IN ({each_of(tx, 'ids')}) ORDER BY deadline, source, id"
        )
        sources, ids = {key[0] for key in keys}, {key[1] for key in keys}
        bound = {"serials": as_list(serials), "sources": as_list(sources), "ids": as_list(ids)}
        rows = tx.execute(sa.text(query), bound).mappings()
        return [WaitingRow(**{**row, "body": bytes(row["body"])}) for row in rows]

    def waiting_serials(self, tx: sa.Connection, limit: int) -> list[str]:
        return list(tx.execute(_FIRST, {"limit": limit}).scalars())

    def exchange_waiting(self, tx: sa.Connection, out: Sequence[Key], put: Sequence[WaitingRow]) -> bool:
        changes: dict[Key, tuple[Any, dict[str, Any]]] = {key: (_TAKE, {"source": key[0], "id": key[1]}) for key in out}
        changes |= {(row.source, row.id): (_ADD, vars(row)) for row in put}
        # All in one order, so that two who change the same ones cannot each wait for the other.
        changed = [tx.execute(*changes[key]).rowcount for key in sorted(changes)]
        return all(changed)

    def add_replies(self, tx: sa.Connection, rows: Sequence[ReplyRow]) -> None:
        if rows:
            tx.execute(_ADD_REPLY, [vars(row) for row in rows])

    def replies(self, tx: sa.Connection, limit: int) -> list[ReplyRow]:
        rows = tx.execute(_REPLIES, {"limit": limit}).mappings()
        return [ReplyRow(**{**row, "body": row["body"] and bytes(row["body"])}) for row in rows]

    def drop_replies(self, tx: sa.Connection, ids: Sequence[str]) -> None:
        if ids:
            tx.execute(_DROP_REPLY, [{"id": id_} for id_ in ids])
