"""Appending on SQLite: the same rules in Python, under the write lock that the transaction began with."""

import json
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from kernel.eventlog.drafting import Draft, Row
from kernel.eventlog.events import Appended, Conflict, Duplicate, Outcome, Reused, link
from kernel.eventlog.reading import find_events

_HEAD = "SELECT position, chain FROM log_head"
_VERSIONS = (
    "SELECT s.value, coalesce((SELECT max(stream_version) FROM event WHERE stream = s.value), 0) FROM json_each(?) s"
)
_INSERT = (
    "INSERT INTO event (position, stream, stream_version, source, id, type, version, recorded_at, body, chain)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_MOVE = "UPDATE log_head SET position = ?, chain = ?"

_Known = tuple[int, str, str, str | None]  # position, stream, type, digest of an event on the log


def write(connection: sa.Connection, drafts: Sequence[Draft]) -> list[Outcome]:
    """Append; one outcome per draft. `connection` holds the write lock (`Database.write`)."""
    position, chain = connection.exec_driver_sql(_HEAD).one()
    writing = _Writing(connection, drafts, position)
    outcomes = [writing.take(one) for one in drafts]
    stored = []
    for row in writing.accepted:
        position += 1
        chain = link(chain, position, row.body)
        stored.append((position, *row[:7], row.body, chain))
    if stored:
        connection.exec_driver_sql(_INSERT, stored)
        connection.exec_driver_sql(_MOVE, (position, chain))
    return outcomes


class _Writing:
    """Decides on one draft after the other; each sees those before it."""

    def __init__(self, connection: sa.Connection, drafts: Sequence[Draft], position: int) -> None:
        self._position = position
        self._known = _known(connection, drafts)
        self._versions = _versions(connection, {one.stream for one in drafts})
        self.accepted: list[Row] = []

    def take(self, one: Draft) -> Outcome:
        known = [self._known.get((row.source, row.id)) for row in one.rows]
        for row, there in zip(one.rows, known, strict=True):
            if there is not None and there[1:] != (row.stream, row.type, row.digest):
                return Reused(row.source, row.id)
        positions = [there[0] for there in known if there is not None]
        if len(positions) == len(one.rows):
            return Duplicate(min(positions), max(positions))
        if positions or self._versions[one.stream] != one.expected_version:
            return Conflict(self._versions[one.stream])
        return self._accept(one)

    def _accept(self, one: Draft) -> Appended:
        first = self._position + 1
        for row in one.rows:
            self._position += 1
            self._known[row.source, row.id] = (self._position, row.stream, row.type, row.digest)
        self.accepted += one.rows
        self._versions[one.stream] = one.next_version
        return Appended(first, self._position)


def _known(connection: sa.Connection, drafts: Sequence[Draft]) -> dict[tuple[str, str], _Known]:
    keys = [(row.source, row.id) for one in drafts for row in one.rows]
    found = find_events(connection, keys)
    return {key: (event.position, event.stream, event.type, event.digest) for key, event in found.items()}


def _versions(connection: sa.Connection, streams: Iterable[str]) -> dict[str, int]:
    rows = connection.exec_driver_sql(_VERSIONS, (json.dumps(list(streams)),)).all()
    return {row[0]: row[1] for row in rows}
