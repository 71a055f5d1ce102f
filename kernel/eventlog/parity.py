"""What a log implies against what is kept of it: every row of it, found missing, unexpected or different.

Makes the implied rows with the projections themselves, in a scratch database that is thrown away. Changes nothing.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from kernel.clock import Clock
from kernel.database import Database, migrate, open_url
from kernel.database.away import away_beneath
from kernel.errors import Park
from kernel.eventlog.comparing import compare, plain, shown
from kernel.eventlog.consumers import Consumer, Table
from kernel.eventlog.events import Recorded
from kernel.eventlog.following import Projection
from kernel.eventlog.reading import LogReader, StreamRange
from kernel.eventlog.skipping import NOTHING, Skipped, skipped

Row = tuple[Any, ...]
Lives = Mapping[str, Sequence[Recorded]]  # the events of some streams, each whole

_IDLE_SECONDS = 3_600
_SCRATCH = "scratch.sqlite3"


@dataclass(frozen=True, kw_only=True)
class Holding:
    """Rows that an owner keeps, beside the tables of projections, and that the log alone implies.

    The first of `columns` holds the stream; the first `width` of them tell rows apart. `follower` is whose checkpoint
    says how far the log has been read; None: the rows are written in the log's own transactions.

    Nobody makes such rows of what was imported: there they may be missing.
    """

    name: str
    owner: str
    log: str
    table: str
    columns: tuple[str, ...]
    width: int
    implied: Callable[[Sequence[Recorded]], Iterable[Row]]  # of the events of one stream, in order
    follower: str | None = None
    where: str = "true"  # which of the table's rows
    position: int | None = None  # which of `columns` has the position of the event that a row is of; None: of many


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A row that is not as the log implies. `columns`: [what is kept, what is implied] by name."""

    holder: str
    table: str
    kind: str  # missing, unexpected, different, refused
    stream: str | None
    key: list[Any]
    columns: dict[str, list[Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        told = ", ".join(f"{name} is {kept!r}, implied {implied!r}" for name, (kept, implied) in self.columns.items())
        return f"{self.holder}: {self.table} {self.key}: {self.kind}{': ' if told else ''}{told}"


class _Held:
    """Rows of a table as a snapshot has them, by stream."""

    def __init__(self, connection: sa.Connection, table: str, columns: Sequence[str], where: str) -> None:
        self._connection = connection
        self._from = f"FROM {table} WHERE {where}"
        self._stream = columns[0]
        self._bytewise = ' COLLATE "C"' if connection.dialect.name == "postgresql" else ""
        types = {column["name"]: column["type"] for column in sa.inspect(connection).get_columns(table)}
        dated = any(isinstance(types[name], sa.Date) for name in columns)
        self._plain: Callable[[Any], Row] = plain if dated else tuple  # a look at each value of a million rows shows
        among = "= ANY(:s)" if connection.dialect.name == "postgresql" else "IN (SELECT value FROM json_each(:s))"
        self._rows = sa.text(f"SELECT {', '.join(columns)} {self._from} AND {columns[0]} {among}")
        self.seen = 0

    def of(self, streams: Sequence[str]) -> list[Row]:
        rows = self._connection.execute(self._rows, {"s": self._given(streams)}).all()
        found = [self._plain(row) for row in rows]
        self.seen += len(found)
        return found

    def strays(self, reader: LogReader, within: StreamRange) -> Iterator[str]:
        """Streams of rows that were never asked for, as the log has no event of them."""
        after, last = within
        name = f"{self._stream}{self._bytewise}"
        there, bound = self._from, {}
        if after:  # else from the very first
            there, bound = f"{there} AND {name} > :after", {"after": after}
        if last is not None:
            there, bound = f"{there} AND {name} <= :last", {**bound, "last": last}
        if self._connection.execute(sa.text(f"SELECT count(*) {there}"), bound).scalar_one() == self.seen:
            return
        query = sa.text(f"SELECT DISTINCT {self._stream} {there}")
        streamed = self._connection.execute(query, bound, execution_options={"stream_results": True})
        for part in streamed.scalars().partitions(1000):
            yield from reader.unknown(part)

    def _given(self, streams: Sequence[str]) -> Any:
        return list(streams) if self._connection.dialect.name == "postgresql" else orjson.dumps(streams).decode()


@dataclass(frozen=True)
class _Shape:
    """A table whose rows belong to a stream each. `imported`: see `Holding`; of consumers' tables nothing may miss."""

    table: str
    columns: tuple[str, ...]  # the stream first
    key: tuple[int, ...]  # which of them tell rows apart
    held: _Held
    position: int | None = None
    imported: int = 0

    def may_miss(self, key: Row, events: Sequence[Recorded]) -> bool:
        """A row, where `events` are its stream's."""
        return (events[0].position if self.position is None else key[self.position]) <= self.imported


Implied = Callable[[Lives], tuple[list[list[Row]], list[Finding]]]  # rows by table; the streams that have none


@dataclass(frozen=True, kw_only=True)
class _Taken:
    """Which events a holder has taken: up to its checkpoint, before what it has parked, without what it has skipped."""

    until: int
    parked: Mapping[str, int] = field(default_factory=dict)  # the first position, by stream
    skipped: Skipped = NOTHING

    def of_life(self, stream: str, events: Sequence[Recorded]) -> Sequence[Recorded]:
        """Those of one stream."""
        events, last = self.skipped.without(events), self._last(stream)
        if not events or events[-1].position <= last:
            return events
        return [event for event in events if event.position <= last]

    def of_page(self, events: Sequence[Recorded]) -> Sequence[Recorded]:
        """Those of many streams, by position."""
        events = self.skipped.without(events)
        if not self.parked and events and events[-1].position <= self.until:
            return events
        return [event for event in events if event.position <= self._last(event.stream)]

    def _last(self, stream: str) -> int:
        return min(self.until, self.parked.get(stream, self.until + 1) - 1)


class Kept:
    """Rows of one holder that belong to a stream each, looked at a few streams at a time."""

    def __init__(self, name: str, taken: _Taken, shapes: Sequence[_Shape], implied: Implied) -> None:
        self.name = name
        self._taken = taken
        self._shapes = shapes
        self._implied = implied

    def look(self, lives: Lives) -> Iterator[Finding]:
        """What is wrong with the rows of these streams."""
        taken = {stream: self._taken.of_life(stream, events) for stream, events in lives.items()}
        implied, refused = self._implied(taken)
        yield from refused
        for shape, rows in zip(self._shapes, implied, strict=True):
            held = shape.held.of(list(taken))
            if set(held) != set(rows):  # in what order the databases give them is nobody's business
                for one in _differences(self.name, shape, held, rows):
                    if one.kind != "missing" or not shape.may_miss(tuple(one.key), lives[str(one.stream)]):
                        yield one

    def strays(self, reader: LogReader, within: StreamRange) -> Iterator[Finding]:
        """At the end: rows of streams in this range that the log has no event of. All that it has were looked at."""
        for shape in self._shapes:
            for stream in shape.held.strays(reader, within):
                yield Finding(holder=self.name, table=shape.table, kind="unexpected", stream=stream, key=[stream])


def _differences(holder: str, shape: _Shape, held: list[Row], implied: list[Row]) -> Iterator[Finding]:
    kept, wanted = _by_key(shape, held), _by_key(shape, implied)
    for key in [*wanted, *(key for key in kept if key not in wanted)]:
        mine, new = kept.get(key), wanted.get(key)
        if mine == new:
            continue
        kind = "missing" if mine is None else "unexpected" if new is None else "different"
        columns = {}
        if mine is not None and new is not None:
            pairs = zip(shape.columns, mine, new, strict=True)
            columns = {name: [shown(old), shown(now)] for name, old, now in pairs if old != now}
        stream = (new or mine or ("",))[0]
        yield Finding(holder=holder, table=shape.table, kind=kind, stream=stream, key=list(key), columns=columns)


def _by_key(shape: _Shape, rows: list[Row]) -> dict[Row, Row]:
    return {tuple(row[place] for place in shape.key): row for row in rows}


@contextmanager
def patient(database: Database) -> Iterator[sa.Connection]:
    """A snapshot that may lie idle for long, while the log is read. It holds nobody up."""
    with database.read() as connection:
        if database.dialect == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = '{_IDLE_SECONDS}s'")
        yield connection


@contextmanager
def scratch(consumer: Consumer) -> Iterator[Database]:
    """An empty database with the consumer's tables, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="yichuang-") as directory:
        (Path(directory) / _SCRATCH).write_bytes(_migrated(consumer.owner, consumer.migrations))
        with _hurried(Path(directory), consumer.owner) as database:
            yield database


@cache
def _migrated(owner: str, migrations: Path) -> bytes:
    """The file of an empty database, made once: a check of everything needs a dozen of them."""
    with tempfile.TemporaryDirectory(prefix="yichuang-") as directory:
        with _hurried(Path(directory), owner) as database:
            migrate(database, migrations)
            with database.single() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return (Path(directory) / _SCRATCH).read_bytes()


@contextmanager
def _hurried(directory: Path, owner: str) -> Iterator[Database]:
    """One that never waits for the disk."""
    database = open_url(f"sqlite:///{directory}/{_SCRATCH}", owner)
    sa.event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    try:
        yield database
    finally:
        database.close()


class _Remade:
    """Makes the implied rows of a consumer whose rows belong to a stream each, with its own projection."""

    def __init__(self, consumer: Consumer, shapes: Sequence[_Shape], database: Database, clock: Clock) -> None:
        self._consumer = consumer
        self._shapes = shapes
        self._database = database
        self._projection = consumer.rebuilding_projection(clock)

    def rows(self, taken: Lives) -> tuple[list[list[Row]], list[Finding]]:
        with self._database.write() as tx:
            for shape in self._shapes:
                tx.exec_driver_sql(f"DELETE FROM {shape.table}")
            faults = _apply(tx, self._projection, [event for events in taken.values() for event in events])
            refused = [_refused(self._consumer.name, self._shapes[0].table, *fault) for fault in faults]
            return [self._made(tx, shape) for shape in self._shapes], refused

    def _made(self, tx: sa.Connection, shape: _Shape) -> list[Row]:
        rows = tx.exec_driver_sql(f"SELECT {', '.join(shape.columns)} FROM {shape.table}").all()
        return [tuple(row) for row in rows]


_Fault = tuple[str, Exception]  # a stream with an event that can't be taken, and why


def _apply(tx: sa.Connection, projection: Projection, events: Sequence[Recorded]) -> Iterator[_Fault]:
    """Apply all but those of streams that can't be taken; which these are."""
    if not events:
        return
    try:
        with tx.begin_nested():
            projection.apply(tx, events)
    except Exception as error:  # whatever it is, it is the finding of the one stream that has it
        away = away_beneath(error)
        if away is not None:
            raise away from None
        yield from _apart(tx, projection, events, error)


def _apart(tx: sa.Connection, projection: Projection, events: Sequence[Recorded], error: Exception) -> Iterator[_Fault]:
    streams = list(dict.fromkeys(event.stream for event in events))
    if len(streams) == 1:
        yield streams[0], error
        return
    first = set(streams[: len(streams) // 2])
    yield from _apply(tx, projection, [event for event in events if event.stream in first])
    yield from _apply(tx, projection, [event for event in events if event.stream not in first])


def _refused(holder: str, table: str, stream: str, error: Exception) -> Finding:
    reason = str(error).partition("\n")[0]
    # That of a missing member is its bare name, which says nothing by itself.
    why = {"reason": [None, reason if isinstance(error, Park) else f"{type(error).__name__}: {reason}"]}
    return Finding(holder=holder, table=table, kind="refused", stream=stream, key=[stream], columns=why)


def kept_by_consumer(consumer: Consumer, live: Database, clock: Clock, stack: ExitStack) -> Kept:
    """What a consumer by streams keeps now. Its snapshot and its scratch last as long as `stack`."""
    snapshot = stack.enter_context(patient(live))
    shapes = [_shape_of(snapshot, table) for table in consumer.tables]
    made = _Remade(consumer, shapes, stack.enter_context(scratch(consumer)), clock)
    return Kept(consumer.name, _taken(snapshot, consumer.name), shapes, made.rows)


def _shape_of(snapshot: sa.Connection, table: Table) -> _Shape:
    inspector = sa.inspect(snapshot)
    names = [str(column["name"]) for column in inspector.get_columns(table.name)]
    stream = str(table.stream)
    columns = (stream, *(name for name in names if name != stream))
    key = inspector.get_pk_constraint(table.name)["constrained_columns"]
    return _Shape(table.name, columns, tuple(map(columns.index, key)), _Held(snapshot, table.name, columns, "true"))


def kept_by_holding(holding: Holding, database: Database, imported: int, stack: ExitStack) -> Kept:
    """What an owner keeps of a log now. Its snapshot lasts as long as `stack`. `imported`: `LogReader.imported`."""
    snapshot = stack.enter_context(patient(database))
    held = _Held(snapshot, holding.table, holding.columns, holding.where)
    key = tuple(range(holding.width))
    shape = _Shape(holding.table, holding.columns, key, held, holding.position, imported)

    def implied(taken: Lives) -> tuple[list[list[Row]], list[Finding]]:
        rows: list[Row] = []
        refused = []
        for stream, events in taken.items():
            try:
                rows += list(holding.implied(events))
            except Exception as error:  # whatever it is, it is the finding of this stream
                refused.append(_refused(holding.name, holding.table, stream, error))
        return [rows], refused

    if holding.follower is None:
        head = int(snapshot.exec_driver_sql("SELECT position FROM log_head").scalar_one())
        return Kept(holding.name, _Taken(until=head), [shape], implied)
    return Kept(holding.name, _taken(snapshot, holding.follower), [shape], implied)


def _taken(snapshot: sa.Connection, consumer: str) -> _Taken:
    return _Taken(
        until=_reached(snapshot, consumer),
        parked=_parked(snapshot, consumer),
        skipped=skipped(snapshot, consumer),
    )


def _reached(snapshot: sa.Connection, consumer: str) -> int:
    query = sa.text("SELECT coalesce(max(position), 0) FROM checkpoint WHERE consumer = :consumer")
    return int(snapshot.execute(query, {"consumer": consumer}).scalar_one())


def _parked(snapshot: sa.Connection, consumer: str) -> dict[str, int]:
    """The first position that is parked, by stream."""
    query = sa.text("SELECT stream, min(position) FROM parked WHERE consumer = :consumer GROUP BY stream")
    return {row[0]: row[1] for row in snapshot.execute(query, {"consumer": consumer})}


class Whole:
    """Rows of a consumer that counts over all streams: made again from all events and compared at the end."""

    def __init__(self, consumer: Consumer, live: Database, clock: Clock, stack: ExitStack) -> None:
        self._consumer = consumer
        self._snapshot = stack.enter_context(patient(live))
        self._made = stack.enter_context(scratch(consumer))
        self._projection = consumer.rebuilding_projection(clock)
        self._taken = _taken(self._snapshot, consumer.name)
        self._refused: dict[str, Finding] = {}

    def take(self, events: Sequence[Recorded]) -> None:
        """The next events of the log. After one that can't be taken, none of its stream is."""
        taken = self._taken.of_page(events)
        if self._refused:
            taken = [event for event in taken if event.stream not in self._refused]
        if not taken:
            return
        with self._made.write() as tx:
            for stream, error in _apply(tx, self._projection, taken):
                table = self._consumer.tables[0].name
                self._refused[stream] = _refused(self._consumer.name, table, stream, error)

    def end(self) -> Iterator[Finding]:
        """What is wrong with the rows."""
        yield from self._refused.values()
        with self._made.read() as made:
            for table in self._consumer.tables:
                found = compare(self._snapshot, made, table, samples=1000)
                kinds = {"added": "missing", "gone": "unexpected", "changed": "different"}
                for sample in found.samples:
                    yield Finding(
                        holder=self._consumer.name,
                        table=table.name,
                        kind=kinds[sample["kind"]],
                        stream=None,
                        key=list(sample["key"].values()),
                        columns=sample.get("columns", {}),
                    )
