"""Writing a log: positions without gaps, in commit order, each event once, each stream at the version expected.

Never changes or removes an event, and computes nothing between taking a position and the commit that isn't about it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from kernel import tracing
from kernel.clock import Clock
from kernel.database import Database, is_away
from kernel.eventlog import appending_postgresql, appending_sqlite
from kernel.eventlog.drafting import Draft, draft
from kernel.eventlog.events import (
    Append,
    Appended,
    Conflict,
    Duplicate,
    EventIdReused,
    Outcome,
    Reused,
    VersionConflict,
)
from kernel.eventlog.grouping import Grouped
from kernel.eventlog.reading import LogReader

_GROUP = 500  # events that share a commit at most; more only lengthen the wait for the head

_WRITERS: dict[str, Callable[[sa.Connection, Sequence[Draft]], list[Outcome]]] = {
    "postgresql": appending_postgresql.write,
    "sqlite": appending_sqlite.write,
}


class EventLog(LogReader):
    """A log that can be appended to. Safe to share among threads and greenlets, and to open in several processes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database)
        self._clock = clock
        self._write = _WRITERS[database.dialect]
        self._grouped = Grouped[Draft, Outcome](self._commit, _GROUP)

    def append(self, request: Append) -> Appended | Duplicate:
        """Append and commit; callers that wait at the same moment share one commit.

        Duplicate is also what the first append of an event can hear, when the connection broke after its commit.

        Raises VersionConflict (load, decide and append again), EventIdReused, or what `is_away` tells: then it is not
        known whether the events were written, and the same append can be repeated.
        """
        drafted = draft(request, self._clock.now(), tracing.current())
        return _or_raise(request, self._grouped.submit(drafted, len(drafted.rows)))

    def append_all(self, requests: Sequence[Append]) -> list[Outcome]:
        """Append in one transaction, in order. One outcome for each; one that fails does not stop the others.

        Several requests may name the same stream: the second's expected version counts the first. Raises only what
        `is_away` tells: then the same call can be repeated.
        """
        return self._commit(self._drafts(requests))

    def append_within(self, tx: sa.Connection, requests: Sequence[Append]) -> list[Outcome]:
        """As `append_all`, but in the caller's transaction (`Database.write`), as its last statement.

        From here to its commit the caller holds the head, which every other writer of the log waits for.
        """
        return _settled(self._drafts(requests), lambda drafts: self._write(tx, drafts))

    def _drafts(self, requests: Sequence[Append]) -> list[Draft]:
        now, trace = self._clock.now(), tracing.current()
        return [draft(request, now, trace) for request in requests]

    def _commit(self, drafts: Sequence[Draft]) -> list[Outcome]:
        return _settled(drafts, self._once_more_if_away)

    def _once_more_if_away(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Repeated once on a fresh connection: an append that was written after all is found to be a duplicate."""
        try:
            return self._write_alone(drafts)
        except sa.exc.DBAPIError as error:
            if not (is_away(error) and error.connection_invalidated):
                raise
        return self._write_alone(drafts)

    def _write_alone(self, drafts: Sequence[Draft]) -> list[Outcome]:
        # On PostgreSQL the call is a transaction of its own: one round trip, and the head is free again.
        postgresql = self._database.dialect == "postgresql"
        with self._database.single() if postgresql else self._database.write() as connection:
            return self._write(connection, drafts)


def _settled(drafts: Sequence[Draft], write: Callable[[Sequence[Draft]], list[Outcome]]) -> list[Outcome]:
    """The outcomes of all: what can't be written at all never reaches the database."""
    writable = [one for one in drafts if one.reused is None]
    written: Any = iter(write(writable) if writable else ())
    return [one.reused or next(written) for one in drafts]


def _or_raise(request: Append, outcome: Outcome) -> Appended | Duplicate:
    match outcome:
        case Conflict(version):
            raise VersionConflict(request.stream, version)
        case Reused(source, id):
            raise EventIdReused(source=source, id=id)
        case _:
            return outcome
