"""Exactly-once consumption of a log: effects and checkpoint are one transaction.

Whatever the broker repeats, reorders or loses, each event takes effect once, in order. A bad event never stops the
others and is never lost: its stream is parked, with what follows, until an operator requeues it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from kernel import logs, tracing
from kernel.clock import Clock
from kernel.database import Database
from kernel.database.away import away_beneath
from kernel.errors import Park, Refusal
from kernel.eventlog.events import GENESIS, Head, Recorded, run_behind
from kernel.eventlog.parking import Lag, ParkedEvent, Parking, in_a_line
from kernel.eventlog.reading import LogReader

log = logs.get(__name__)

PAGE = 2000  # events per transaction while catching up
LONG_PAGE = 10_000  # the same where nobody waits for the rows: the more events of a case at once, the fewer writes

_AT = "SELECT position, chain FROM checkpoint WHERE consumer = :consumer"
_BEGIN = sa.text(
    "INSERT INTO checkpoint (consumer, position, chain) VALUES (:consumer, 0, :chain) ON CONFLICT (consumer) DO NOTHING"
)
_MOVE = sa.text("UPDATE checkpoint SET position = :position, chain = :chain WHERE consumer = :consumer")


class LogDamaged(Exception):
    """The log does not go on from where this consumer is: an event is missing, or it was rewritten.

    Nothing is taken from such a log. `verify` names the place; an operator decides.
    """


class NotOnLog(Refusal):
    """What a consumer has parked can't be taken: the log has no such event."""

    code = "not_on_log"
    status = 409
    zh = "{consumer} 搁置的 {stream} 的事件 {position} 已不在日志中。"
    en = (
        "The event at position {position} that {consumer} has parked of {stream} is not on the log: it was restored,"
        " or written anew. Look at `yichuang verify`; then have {consumer} go on with the log that there is, by"
        " `yichuang replay {consumer} --swap --new-log`, or give the event up: `yichuang parked skip`."
    )


class Projection(Protocol):
    """What a consumer does with events."""

    name: str  # of its checkpoint; never changes

    def apply(self, tx: sa.Connection, events: Sequence[Recorded]) -> None:
        """Write the effects of `events`, in order, through `tx` and nothing else.

        Raise `Park` for one that can't be taken. Called again with fewer events to find out which one it is, so it
        must keep nothing from a call that raised.
        """
        ...


class Follower:
    """Feeds one projection from one log. Any number of processes may follow under the same name."""

    def __init__(
        self,
        projection: Projection,
        database: Database,
        reader: LogReader,
        clock: Clock,
        page: int = PAGE,
        quiet: Projection | None = None,
    ) -> None:
        """`database` holds the projection's tables and our checkpoint; `reader` reads the log, wherever it is.

        `page`: events per transaction at most, where it reads by itself. `quiet`: of a projection that tells, what
        takes the events that were imported, of which people were told where they come from.
        """
        self._projection = projection
        self._quiet = quiet
        self._database = database
        self._reader = reader
        self._page = page
        self._parking = Parking(projection.name, clock)
        # The row lock: a second process of this consumer waits here, then finds the events behind the checkpoint.
        self._lock = sa.text(_AT + (" FOR UPDATE" if database.dialect == "postgresql" else ""))

    def take(self, events: Sequence[Recorded]) -> None:
        """Take what the broker brought: any order, with repeats and holes. Returns when all of it is committed.

        Raises what `is_away` tells: then nothing may be acknowledged and the same events be given again; or LogDamaged.
        """
        if events:
            ordered = sorted(events, key=lambda event: event.position)
            last = ordered[-1].position
            if self._advance(ordered).position < last:  # a hole, or an event that doesn't fit the chain
                self._read_to(last)

    def catch_up(self) -> int:
        """Read the log to its head. Returns how many events were applied or parked. Raises as `take`."""
        return self._read_to(None)

    def advance(self, until: int) -> Head:
        """Read at most a page, and nothing behind position `until`; the new checkpoint. Raises as `take`."""
        at = self.checkpoint()
        page = self._reader.read(at.position, min(self._page, until - at.position)) if at.position < until else []
        if not page:
            return at
        reached = self._advance(page)
        if reached.position <= at.position:
            raise LogDamaged(self._nothing_follows(at.position))
        return reached

    def checkpoint(self) -> Head:
        """The last position taken and the chain value there, as we saw it then."""
        with self._database.single() as connection:
            return self.checkpoint_in(connection)

    def checkpoint_in(self, connection: sa.Connection) -> Head:
        """The same, as a transaction of the caller's sees it."""
        row = connection.execute(sa.text(_AT), {"consumer": self._projection.name}).one_or_none()
        return Head(row[0], bytes(row[1])) if row else Head(0, GENESIS)

    def check(self) -> bool:
        """Whether the log at our checkpoint is still the one that we saw. False: it was rewritten, or cut off."""
        seen = self.checkpoint()
        return seen.position == 0 or self._reader.chain_at(seen.position) == seen.chain

    def lag(self) -> Lag:
        """How far this consumer is behind the log."""
        at = self.checkpoint().position
        waiting = self._reader.read(at, 1)
        with self._database.single() as connection:
            parked = self._parking.count(connection)
        return Lag(
            consumer=self._projection.name,
            checkpoint=at,
            head=self._reader.head().position,
            oldest_unprocessed=waiting[0].recorded_at if waiting else None,
            parked=parked,
        )

    def parked(self) -> list[ParkedEvent]:
        """The events set aside, by position: the bad ones with the reason, and those that wait behind them."""
        with self._database.single() as connection:
            return self.parked_in(connection)

    def parked_in(self, connection: sa.Connection) -> list[ParkedEvent]:
        """The same, as a transaction of the caller's sees it."""
        return self._parking.all(connection)

    def requeue(self, stream: str) -> None:
        """Take the parked events of `stream` again, in order. What fails again is parked again, with what follows.

        Raises NotOnLog, and leaves them parked, where the log lacks one of them.
        """
        known = {event.position: event for event in self._reader.stream(stream)}
        with self._database.write() as tx:
            self._locked(tx)  # nobody parks or requeues meanwhile
            positions = self._parking.release(tx, stream)
            gone = next((position for position in positions if position not in known), None)
            if gone is not None:
                raise NotOnLog(consumer=self._projection.name, stream=stream, position=gone)
            # Whoever requeues is told what failed again by the command; the log has it since it was parked first.
            self._apply(tx, [known[position] for position in positions])

    def skip(self, stream: str) -> ParkedEvent | None:
        """Give up the first parked event of `stream` and take those behind it again; the one that was given up.

        None, and nothing done, where nothing of it is parked. What was made of the stream goes on without that event,
        and so does whoever makes it again: what can't follow then is parked again. What the log lacks is given up with
        it: nobody could take it.
        """
        known = {event.position: event for event in self._reader.stream(stream)}
        with self._database.write() as tx:
            self._locked(tx)
            first = next((one for one in self._parking.all(tx) if one.stream == stream), None)
            rest = [position for position in self._parking.release(tx, stream) if first and position > first.position]
            if first is not None and first.position in known:
                self._parking.skip(tx, known[first.position])
            self._apply(tx, [known[position] for position in rest if position in known])
        return first

    def adopt(
        self,
        other: "Follower",
        exchange: Callable[[sa.Connection], None],
        owed: bool,
        lost: Callable[[sa.Connection, int], None] | None = None,
    ) -> Head:
        """Go on from tables that `other` has filled: `exchange` puts them in the place of ours. One transaction.

        What we had taken and `other` has not is taken by `other` before the commit, so that nobody sees a step back.
        `owed`: what we have not taken yet is taken into our tables first, and what we have parked stays parked: it
        has effects that lie in no table of ours. Returns the new checkpoint. Raises as `take`; then nothing is changed.

        `lost`: what we have read behind `other`'s checkpoint is of a log that is no more. We go back to there, and take
        what stands on the log now as news; `lost` does away with such effects, what we have parked of it is forgotten.
        """
        ahead, parked = other.checkpoint(), other.parked()
        with self._database.write() as tx:
            before = self._locked(tx)
            bad: list[tuple[Recorded, str]] = []
            if lost is not None:
                before = ahead
                self._parking.forget(tx, behind=ahead.position)
                lost(tx, ahead.position)
            elif owed:
                before, bad = self._apply_to(tx, before, ahead.position)
            else:
                self._parking.clear(tx)
            exchange(tx)
            self._parking.adopt(tx, parked)
            reached, more = other._apply_to(tx, ahead, before.position)
            self._move(tx, reached)
        for event, reason in bad + more:
            self._say(event, reason)
        return reached

    def mend(self, stream: str, clear: Callable[[sa.Connection], None], owed: bool) -> int:
        """Take all events of `stream` again that we have taken, in one transaction. `clear` removes what came of them.

        Returns how many events these were; none of them is parked now that can be taken. `owed`: what is parked stays
        parked, as it has effects that are not made here.
        """
        known = self._reader.stream(stream)
        with self._database.write() as tx:
            at = self._locked(tx)
            clear(tx)
            kept = self._parking.first(tx, stream) if owed else None
            if kept is None:
                self._parking.release(tx, stream)
            last = at.position if kept is None else kept - 1
            events = [event for event in known if event.position <= last]
            bad = self._apply_halved(tx, self._projection, events, set())  # what is kept stands behind all of these
        for event, reason in bad:
            self._say(event, reason)
        return len(events)

    def _read_to(self, last: int | None) -> int:
        at = self.checkpoint().position
        taken = 0
        while last is None or at < last:
            page = self._reader.read(at, self._page)
            if not page:
                break
            before, at = at, self._advance(page).position
            if at == before:  # another process would have moved it on, a rebuild back
                raise LogDamaged(self._nothing_follows(at))
            taken += max(0, at - before)
        return taken

    def _advance(self, ordered: Sequence[Recorded]) -> Head:
        """Apply those of `ordered` that follow the checkpoint without a hole; the new checkpoint."""
        with self._database.write() as tx:
            at = self._locked(tx)
            run = run_behind(at, ordered)
            if not run:
                return at
            bad = self._apply(tx, run)
            reached = Head(run[-1].position, run[-1].chain)
            self._move(tx, reached)
        # Not before the commit: what is rolled back is taken again, and would be said again.
        for event, reason in bad:
            self._say(event, reason)
        return reached

    def _apply_to(self, tx: sa.Connection, at: Head, last: int) -> tuple[Head, list[tuple[Recorded, str]]]:
        """Apply what lies behind `at` up to `last`, in a transaction of the caller's; how far that was, and the bad."""
        bad: list[tuple[Recorded, str]] = []
        while page := self._reader.read(at.position, min(self._page, last - at.position)) if at.position < last else []:
            run = run_behind(at, page)
            if len(run) < len(page):
                raise LogDamaged(self._nothing_follows(at.position + len(run)))
            bad += self._apply(tx, run)
            at = Head(run[-1].position, run[-1].chain)
        return at, bad

    def _nothing_follows(self, position: int) -> str:
        return f"{self._projection.name}: nothing on the log follows position {position} as we saw it"

    def _locked(self, tx: sa.Connection) -> Head:
        row = tx.execute(self._lock, {"consumer": self._projection.name}).one_or_none()
        if row is None:
            tx.execute(_BEGIN, {"consumer": self._projection.name, "chain": GENESIS})
            row = tx.execute(self._lock, {"consumer": self._projection.name}).one()
        return Head(row[0], bytes(row[1]))

    def _move(self, tx: sa.Connection, to: Head) -> None:
        tx.execute(_MOVE, {"consumer": self._projection.name, "position": to.position, "chain": to.chain})

    def _say(self, event: Recorded, reason: str) -> None:
        about = {"consumer": self._projection.name, "case": event.stream, "position": event.position}
        # The first line only: a driver's error goes on with the statement and all its values.
        why = in_a_line(reason)
        with tracing.joined(event.traceparent):
            log.error("case parked", **about, type=event.type, reason=why, do="yichuang parked list")

    def _apply(self, tx: sa.Connection, events: Sequence[Recorded]) -> list[tuple[Recorded, str]]:
        """Apply all but those of parked streams, which are parked behind; find the bad ones by halving.

        Returns the bad ones with the reason: the first of each stream that is parked now and was not before.
        """
        blocked = self._parking.streams(tx)
        bad: list[tuple[Recorded, str]] = []
        for projection, some in self._parts(events):
            self._parking.wait(tx, [event for event in some if event.stream in blocked])
            free = [event for event in some if event.stream not in blocked]
            bad += self._apply_halved(tx, projection, free, blocked)
        return bad

    def _parts(self, events: Sequence[Recorded]) -> Iterator[tuple[Projection, Sequence[Recorded]]]:
        """What takes which of them."""
        # Asked before any of them is tried: a log that can't say it has us wait, and is no fault of theirs.
        imported = 0 if self._quiet is None else self._reader.imported()
        if self._quiet is not None and imported:
            yield self._quiet, [event for event in events if event.position <= imported]
        yield self._projection, [event for event in events if event.position > imported]

    def _apply_halved(
        self, tx: sa.Connection, projection: Projection, events: Sequence[Recorded], blocked: set[str]
    ) -> list[tuple[Recorded, str]]:
        fault = _fault(tx, projection, events) if events else None
        if fault is None:
            return []
        if len(events) == 1:
            blocked.add(events[0].stream)
            self._parking.park(tx, events[0], _reason(fault))
            return [(events[0], _reason(fault))]
        middle = len(events) // 2
        bad = self._apply_halved(tx, projection, events[:middle], blocked)
        # The first half may just have parked a stream that goes on in the second.
        self._parking.wait(tx, [event for event in events[middle:] if event.stream in blocked])
        rest = [event for event in events[middle:] if event.stream not in blocked]
        return bad + self._apply_halved(tx, projection, rest, blocked)


def _fault(tx: sa.Connection, projection: Projection, events: Sequence[Recorded]) -> Exception | None:
    """Why the projection can't take these, if it can't; then nothing of them is done."""
    try:
        with tx.begin_nested():
            projection.apply(tx, events)
    except Exception as error:  # whatever one event does to a projection, the others must go on
        away = away_beneath(error)
        if away is not None:
            raise away from None
        return error
    return None


def _reason(fault: Exception) -> str:
    return str(fault) if isinstance(fault, Park) else f"{type(fault).__name__}: {fault}"


def create_follower_tables(op: Any) -> None:
    """Make the tables `checkpoint` and `parked`. `op`: alembic's operations, as a migration has them."""
    big = sa.BigInteger()
    op.create_table(
        "checkpoint",
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("position", big, nullable=False),
        sa.Column("chain", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "parked",
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("position", big, primary_key=True),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("parked_at", big, nullable=False),  # microseconds since 1970
    )
    op.create_index("parked_stream", "parked", ["consumer", "stream", "position"])
