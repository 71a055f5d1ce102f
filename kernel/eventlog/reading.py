"""Reading a log: by position, by stream, by time, by event id. Needs no right but to read.

Never sees a gap: positions are given in commit order, so what is behind the last position read is complete.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from kernel.clock import to_micros
from kernel.database import Database
from kernel.eventlog.events import Head, Recorded
from kernel.eventlog.tables import event, log_head

StreamRange = tuple[str, str | None]  # the streams behind the first name, up to and with the last; None: to the end

_SAMPLES = 16  # of a range that is to be found
_CHUNK = 10_000  # names in one statement; both databases allow some 30,000

_HEAD = sa.select(log_head.c.position, log_head.c.chain)
_IMPORTED = sa.text("SELECT imported FROM log_head")
_EVENTS = sa.select(event)
_AFTER = _EVENTS.where(event.c.position > sa.bindparam("after")).order_by(event.c.position).limit(sa.bindparam("limit"))
_STREAM = _EVENTS.where(event.c.stream == sa.bindparam("stream")).order_by(event.c.stream_version)
_STREAMS = _EVENTS.where(event.c.stream.in_(sa.bindparam("streams", expanding=True))).order_by(event.c.position)
_KNOWN = sa.select(event.c.stream).where(event.c.stream.in_(sa.bindparam("streams", expanding=True))).distinct()
_CHAINS = sa.select(event.c.position, event.c.chain).where(
    event.c.position.in_(sa.bindparam("positions", expanding=True))
)
_LIVES = (
    _EVENTS.where(event.c.stream > sa.bindparam("after"))
    .order_by(event.c.stream, event.c.stream_version)
    .limit(sa.bindparam("limit"))
)
_LIVES_TO = _LIVES.where(event.c.stream <= sa.bindparam("last"))
_CHAIN = sa.select(event.c.chain).where(event.c.position == sa.bindparam("position"))
_LAST_BY = (
    sa.select(event.c.position)
    .where(event.c.recorded_at <= sa.bindparam("time"))
    .order_by(event.c.recorded_at.desc(), event.c.position.desc())
    .limit(1)
)

_FIND = {
    "postgresql": sa.text(
        "SELECT event.* FROM json_array_elements(CAST(:keys AS json)) k"
        " JOIN event ON event.source = k ->> 0 AND event.id = k ->> 1"
    ).columns(*event.c),
    "sqlite": sa.text(
        "SELECT event.* FROM json_each(:keys) k"
        " JOIN event ON event.source = json_extract(k.value, '$[0]') AND event.id = json_extract(k.value, '$[1]')"
    ).columns(*event.c),
}


class LogReader:
    """The read side of a log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def head(self) -> Head:
        """The last position and the chain value there."""
        return Head(*self._rows(_HEAD)[0])

    def imported(self) -> int:
        """Up to which position the log came from elsewhere, and was told there; 0 where it began here.

        It is set with the events that it is of: ask behind having read them.
        """
        return int(self._rows(_IMPORTED)[0][0])

    def read(self, after: int, limit: int = 1000) -> list[Recorded]:
        """The events behind position `after`, in order, at most `limit`."""
        return self._events(_AFTER, after=after, limit=limit)

    def stream(self, stream: str) -> list[Recorded]:
        """All events of one stream, in order."""
        return self._events(_STREAM, stream=stream)

    def streams(self, streams: Collection[str]) -> dict[str, list[Recorded]]:
        """All events of each of these streams, in order; an empty list for one that has none."""
        found: dict[str, list[Recorded]] = {stream: [] for stream in streams}
        for chunk in _chunks(list(found)):
            for one in self._events(_STREAMS, streams=chunk):
                found[one.stream].append(one)
        return found

    def find(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Recorded]:
        """Those of the events named by (source, id) that are on the log."""
        with self._database.single() as connection:
            return find_events(connection, keys)

    def chain_at(self, position: int) -> bytes | None:
        """The chain value at `position`; None where there is no event."""
        rows = self._rows(_CHAIN, position=position)
        return rows[0][0] if rows else None

    def lives(self, after: str, limit: int, last: str | None = None) -> dict[str, list[Recorded]]:
        """The next streams behind `after`, by name, each with all its events; of some `limit` events in all.

        None behind `last`, where that is given. Empty at the end.
        """
        found: dict[str, list[Recorded]] = {}
        if last is None:
            page = self._events(_LIVES, after=after, limit=limit)
        else:
            page = self._events(_LIVES_TO, after=after, limit=limit, last=last)
        for one in page:
            found.setdefault(one.stream, []).append(one)
        if len(page) == limit:  # the last one may go on behind the page
            last, _ = found.popitem()
            if not found:
                return {last: self.stream(last)}
        return found

    def parts(self, count: int) -> list[StreamRange]:
        """All possible streams in at most `count` ranges, by name, with some as many events each."""
        last = self.head().position
        sampled = (self.read(last * number // (count * _SAMPLES), 1) for number in range(1, count * _SAMPLES))
        names = sorted(event.stream for page in sampled for event in page)
        cuts = sorted({names[number * len(names) // count] for number in range(1, count)}) if names else []
        return list(zip(["", *cuts], [*cuts, None], strict=True))

    def unknown(self, streams: Collection[str]) -> list[str]:
        """Those of `streams` that have no event."""
        known: set[str] = set()
        for chunk in _chunks(list(streams)):
            known.update(row[0] for row in self._rows(_KNOWN, streams=chunk))
        return [stream for stream in streams if stream not in known]

    def chains_at(self, positions: Collection[int]) -> dict[int, bytes]:
        """The chain values at those of `positions` where there is an event."""
        found: dict[int, bytes] = {}
        for chunk in _chunks(list(positions)):
            found.update({row[0]: row[1] for row in self._rows(_CHAINS, positions=chunk)})
        return found

    def position_at(self, time: datetime) -> int:
        """The last position recorded by `time`; 0 if none was."""
        rows = self._rows(_LAST_BY, time=to_micros(time))
        return int(rows[0][0]) if rows else 0

    def _events(self, statement: Any, **parameters: Any) -> list[Recorded]:
        return [_recorded(*row) for row in self._rows(statement, **parameters)]

    def _rows(self, statement: Any, **parameters: Any) -> Sequence[Any]:
        with self._database.single() as connection:
            return connection.execute(statement, parameters).all()


def find_events(connection: sa.Connection, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Recorded]:
    """`LogReader.find` on a connection of the caller's."""
    found = {}
    for chunk in _chunks(list(set(keys))):
        for row in connection.execute(_FIND[connection.dialect.name], {"keys": json.dumps(chunk)}):
            one = _recorded(*row)
            found[one.source, one.id] = one
    return found


def _recorded(
    position: int,
    stream: str,
    stream_version: int,
    source: str,
    id: str,
    type: str,
    version: int,
    recorded_at: int,
    body: str,
    chain: bytes,
) -> Recorded:
    one = object.__new__(Recorded)  # that it is frozen makes its `__init__` twice as dear: a tenth of a rebuild
    one.__dict__.update(
        position=position,
        stream=stream,
        stream_version=stream_version,
        source=source,
        id=id,
        type=type,
        version=version,
        recorded=recorded_at,
        body=body,
        chain=chain,
    )
    return one


def _chunks(names: list[Any]) -> Iterator[list[Any]]:
    rest = iter(names)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
