"""What a consumer of a log is made of: enough to rebuild, compare and mend its tables without its service.

Pure data. Each service describes its own consumers in its bootstrap; the operators' tools read nothing else of them.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from kernel.clock import Clock
from kernel.database import Database
from kernel.eventlog.following import LONG_PAGE, Follower, Projection
from kernel.eventlog.reading import LogReader
from kernel.eventlog.selecting import EVERYTHING, Selection
from kernel.eventlog.skipping import NOTHING, Skipped

_KERNEL = Path(__file__).parent.parent


@dataclass(frozen=True)
class Table:
    """A table that a projection alone writes. `stream`: the column with the stream whose row it is, if it has one."""

    name: str
    stream: str | None = None


class Memory(Protocol):
    """What a consumer that tells has told, for when its log is restored from an older backup. On its own database."""

    def until(self, connection: sa.Connection, log: LogReader) -> int | None:
        """The last position of `log` at which it has the event that was told. None: nothing is there to judge by."""
        ...

    def lose(self, tx: sa.Connection, behind: int, now: datetime) -> None:
        """What was told, or was to be, of events behind this position is of a log that is no more."""
        ...


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """A follower's name, where its tables are, whose log it follows, and what makes its projection."""

    name: str  # of its checkpoint
    owner: str  # of its tables
    log: str  # owner of the log
    migrations: Path  # that make its tables, among others; beside them is its service's code
    tables: tuple[Table, ...]
    projection: Callable[[Clock], Projection]
    # Of one whose projection leaves more than its tables, as messages to send: makes the tables and nothing else.
    # Rebuilds use it, so that they tell nobody anything. Each row of such a consumer's belongs to one stream.
    quiet: Callable[[Clock], Projection] | None = None
    memory: Memory | None = None  # of such a one

    @property
    def by_stream(self) -> bool:
        """Whether each row belongs to one stream, so that a single one can be mended."""
        return all(table.stream is not None for table in self.tables)

    @property
    def tells(self) -> bool:
        """Whether it leaves more than its tables. What the live one has parked, or not taken yet, it still owes."""
        return self.quiet is not None

    @property
    def version(self) -> str:
        """Of the code that decides what its rows are: another digest wherever a file of its service's or ours differs.

        A number that somebody has to raise would stay what it is where a fault is mended in place.
        """
        digest = hashlib.sha256()
        for code in (self.migrations.parent, _KERNEL):
            for file in sorted(code.rglob("*.py")):
                digest.update(f"{file.relative_to(code)} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
        return digest.hexdigest()

    def rebuilding_projection(self, clock: Clock) -> Projection:
        """What makes the tables and nothing else."""
        return (self.quiet or self.projection)(clock)

    def rebuilder(
        self,
        database: Database,
        reader: LogReader,
        clock: Clock,
        selection: Selection = EVERYTHING,
        skipped: Skipped = NOTHING,
    ) -> Follower:
        """What makes the tables again, of the events that `selection` has and `skipped` has not, and tells nobody."""
        projection = skipped.of(selection.of(self.rebuilding_projection(clock)))
        return Follower(projection, database, reader, clock, LONG_PAGE)

    def follower(self, database: Database, reader: LogReader, clock: Clock) -> Follower:
        """The consumer itself, on its owner's tables or on others like them."""
        quiet = None if self.quiet is None else self.quiet(clock)
        return Follower(self.projection(clock), database, reader, clock, quiet=quiet)
