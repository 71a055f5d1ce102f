"""Makes a consumer's tables again from its log, beside the live ones, and puts them in their place when told to.

Can be stopped at any moment and goes on where it was. Tells nobody anything: what a shadow's projection would have
sent stays in the shadow, which nobody sends from.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from kernel import collector
from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import Refusal
from kernel.eventlog.comparing import Difference, compare
from kernel.eventlog.consumers import Consumer
from kernel.eventlog.events import GENESIS, Head, link
from kernel.eventlog.following import LONG_PAGE, Follower, LogDamaged
from kernel.eventlog.parking import ParkedEvent, in_a_line
from kernel.eventlog.reading import LogReader
from kernel.eventlog.reading_ahead import reading_ahead
from kernel.eventlog.shadow import Scope, Shadow, held
from kernel.eventlog.skipping import NOTHING, Skipped, skipped, take_back

_NEAR = 1_000  # events behind the head that are left to the swap

Told = Callable[[int, int], None]  # position reached, position aimed at


class NotWhole(Refusal):
    """A shadow of some of the events was to take the place of tables of all of them."""

    code = "shadow_not_whole"
    status = 409
    zh = "{consumer} 的影子只含部分事件，不能替换正式数据。"
    en = (
        "The shadow of {consumer} holds only some of the events, to be looked at; it can't take the live tables' place."
    )


class ShadowParked(Refusal):
    """The shadow could not take events that the live tables have."""

    code = "shadow_parked"
    status = 409
    zh = "{consumer} 的影子中有 {cases} 个办件的事件无法处理。"
    en = (
        "The shadow of {consumer} could not take the events of {cases} cases; the first is at position {position}:"
        " {reason}. Install the version that mends it, swap all the same: --with-parked, or give it up:"
        " --discard."
    )


class OtherLog(Refusal):
    """The live tables come from a log that is not the one there is."""

    code = "other_log"
    status = 409
    zh = "{consumer} 的正式数据来自另一个日志。"
    en = (
        "What {consumer} has read up to position {position} is not what the log holds there: it was rewritten, cut off"
        " or restored. Look at `yichuang verify` first; then, to go on with this log all the same: --new-log."
    )


class NotByCase(Refusal):
    """One case can't be mended in tables that count over all of them."""

    code = "not_by_case"
    status = 400
    zh = "{consumer} 的数据按全部办件统计，无法只重建一件。"
    en = "The tables of {consumer} count over all cases; one can't be rebuilt alone. Rebuild the whole."


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The shadow beside the live tables. Where `live` is not `shadow`, some differences are of what lies between."""

    live: int
    shadow: int
    tables: list[Difference]


class Rebuild:
    """One rebuild, held by this process. Open one with `rebuilding`."""

    def __init__(self, shadow: Shadow, log: LogReader, clock: Clock, with_skipped: bool) -> None:
        self._shadow = shadow
        self._log = log
        self._clock = clock
        self._with_skipped = with_skipped
        self._scope = Scope()
        self._skipped = NOTHING
        self.live = shadow.consumer.follower(shadow.live, log, clock)

    @property
    def place(self) -> str:
        """Where the shadow is, for an operator's own tools."""
        return self._shadow.place

    @property
    def begun(self) -> bool:
        """Whether there is a shadow to go on with."""
        return self._shadow.exists

    def begin(self, scope: Scope) -> int:
        """Make the shadow, or go on with the one that is there; from which position on.

        One that is of another log, of another version of the code, or that left out other events, is made anew: what
        is in it is not what a rebuild would make now. Raises OtherShadow.
        """
        self._scope = scope
        self._skipped = NOTHING if self._with_skipped else _given_up(self._shadow.consumer, self._shadow.live)
        self._shadow.prepare(scope, self._skipped)
        if not self._follower.check():
            self._shadow.drop()
            self._shadow.prepare(scope, self._skipped)
        return self._follower.checkpoint().position

    def build(self, scope: Scope, told: Told | None = None, most: float | None = None) -> Head:
        """Fill the shadow up to the log's head, or as far as `scope` says; how far that is.

        Who would wait for the last event of a log that is being written waits for ever: the last few are a swap's.

        `most`: events a second at most. Raises OtherShadow, LogDamaged, or what `is_away` tells: call it again.
        """
        self.begin(scope)
        pace = _Pace(most)
        at, aim = self._follower.checkpoint(), self._aim()
        while at.position < aim:
            before, at = at, self._follower.advance(min(aim, at.position + pace.step))
            if at == before:
                break
            if told is not None:
                told(at.position, aim)
            pace.keep(at.position - before.position)
            if at.position >= aim and self._aim() - aim > _NEAR:
                aim = self._aim()
        return at

    def compare(self, samples: int = 5, told: Told | None = None) -> Comparison:
        """What is different in the shadow, at the position where the live tables stand now. `told`: rows of it."""
        consumer, scope = self._shadow.consumer, self._scope
        with self._shadow.live.read() as live:
            standing = self.live.checkpoint_in(live).position
            if scope.until is None:
                self._follow_to(standing)
            with self._shadow.database.read() as shadow:
                options = {"samples": samples, "part": not scope.whole, "streams": scope.selection.streams}
                options["told"] = _adding_up(told, shadow, consumer)
                tables = [compare(live, shadow, table, **options) for table in consumer.tables]  # type: ignore[arg-type]
                return Comparison(live=standing, shadow=self._follower.checkpoint_in(shadow).position, tables=tables)

    def parked(self) -> list[ParkedEvent]:
        """What the shadow could not take."""
        return self._follower.parked()

    def swap(self, *, with_parked: bool = False, new_log: bool = False) -> Head:
        """Put the shadow in the live tables' place and remove it. The live consumer goes on by itself, from there.

        `new_log`: also where the live tables come from a log that is no more. A consumer that tells goes back to where
        the logs part, and tells what follows there on the log that there is.

        Raises NotWhole, ShadowParked, OtherLog, TablesInUse, LogDamaged, or what `is_away` tells; then nothing has
        changed.
        """
        consumer = self._shadow.consumer
        if not self._scope.whole:
            raise NotWhole(consumer=consumer.name)
        if not self._follower.check():
            raise LogDamaged(f"the log is no longer the one that {consumer.name} was rebuilt from")
        same = self.live.check()
        if not same and not new_log:
            raise OtherLog(consumer=consumer.name, position=self.live.checkpoint().position)
        # All that takes time is done before anybody has to wait: under the locks, only what comes from now on is taken.
        self._shadow.analyse()
        self._follow_to(self.live.checkpoint().position)
        if not with_parked:
            self._refuse_parked()
        lost = self._lose if consumer.tells and not same else None
        reached = self.live.adopt(self._follower, self._exchange, owed=consumer.tells, lost=lost)
        self._shadow.forget()
        return reached

    def discard(self) -> None:
        """Remove the shadow."""
        self._shadow.drop()

    @property
    def _follower(self) -> Follower:
        return self._shadow.follower(self._log, self._clock, self._scope.selection, self._skipped)

    def _aim(self) -> int:
        if self._scope.until is not None:
            return min(self._scope.until, self._log.head().position)
        if not self._shadow.consumer.tells:
            return self._log.head().position
        # What the live consumer has not taken yet it may owe somebody, and a shadow never goes ahead; unless that was
        # imported, of which nobody here is owed anything.
        return max(self._told(), self._log.imported())

    def _told(self) -> int:
        """How far the live consumer has told of the log that there is, also where it has read another one."""
        at = self.live.checkpoint().position
        memory = self._shadow.consumer.memory
        if memory is None or self.live.check():
            return at
        with self._shadow.live.single() as connection:
            until = memory.until(connection, self._log)
        # Where nothing says what was told, nobody is told of the past: `verify` names what is missing then.
        return min(at, self._log.head().position) if until is None else until

    def _lose(self, tx: sa.Connection, behind: int) -> None:
        memory = self._shadow.consumer.memory
        if memory is not None:
            memory.lose(tx, behind, self._clock.now())

    def _follow_to(self, position: int) -> None:
        """Not further than the shadow may go, where the position is one of another log."""
        follower, last = self._follower, min(position, self._aim())
        while (before := follower.checkpoint()).position < last:
            if follower.advance(last) == before:
                return

    def _refuse_parked(self) -> None:
        parked = self.parked()
        new = {one.stream for one in parked} - {one.stream for one in self.live.parked()}
        first = next((one for one in parked if one.stream in new), None)
        if first is not None:
            reason = in_a_line(first.reason or "")
            name = self._shadow.consumer.name
            raise ShadowParked(consumer=name, cases=len(new), position=first.position, reason=reason)

    def _exchange(self, tx: sa.Connection) -> None:
        """The shadow's tables for the live ones. What is owed of a case is not in its rows yet, as it was before."""
        consumer = self._shadow.consumer
        waiting: dict[str, int] = {}
        if consumer.tells:
            for one in self.live.parked_in(tx):  # with what this same transaction has parked
                waiting.setdefault(one.stream, one.position)
        self._shadow.exchange(tx)
        for stream, first in waiting.items():
            _clear(tx, consumer, stream)
            taken = [event for event in self._skipped.without(self._log.stream(stream)) if event.position < first]
            if taken:
                consumer.rebuilding_projection(self._clock).apply(tx, taken)
        if self._with_skipped:
            take_back(tx, consumer.name)


def _adding_up(told: Told | None, shadow: sa.Connection, consumer: Consumer) -> Callable[[int], None] | None:
    """Tells how many rows of all tables there have been, of how many, when it is given how many more."""
    if told is None:
        return None
    counts = (shadow.exec_driver_sql(f"SELECT count(*) FROM {table.name}") for table in consumer.tables)
    total = sum(count.scalar_one() for count in counts)
    done = 0

    def more(rows: int) -> None:
        nonlocal done
        done += rows
        told(done, total)

    return more


class _Pace:
    """Keeps a loop at `most` events a second."""

    def __init__(self, most: float | None) -> None:
        self._most = most
        self._begun = time.monotonic()
        self._done = 0

    @property
    def step(self) -> int:
        """Events that may be taken at once: those of a second."""
        return LONG_PAGE if self._most is None else max(1, int(self._most))

    def keep(self, events: int) -> None:
        """Wait as long as `events` more should have taken."""
        if self._most is not None:
            self._done += events
            time.sleep(max(0.0, self._begun + self._done / self._most - time.monotonic()))


@contextmanager
def rebuilding(
    consumer: Consumer, live: Database, log: Database, clock: Clock, with_skipped: bool = False
) -> Iterator[Rebuild]:
    """A rebuild of `consumer`, for this process alone. Raises RebuildRuns.

    It leaves out what was skipped; `with_skipped`: it tries that again, and a swap takes the skips back.
    """
    with held(consumer, live) as shadow, reading_ahead(log) as reader, collector.seldom():
        yield Rebuild(shadow, reader, clock, with_skipped)


def mend(
    consumer: Consumer, live: Database, log: LogReader, clock: Clock, stream: str, with_skipped: bool = False
) -> int:
    """Make the rows of one stream again, in place; of how many events.

    Tells nobody anything: what a consumer that tells has parked is still owed and stays parked, to be requeued.
    `with_skipped`: of what was skipped in it, too. Raises NotByCase, or LogDamaged where the log is not the one that
    the consumer has read: what it made of that one may be all there is left of it.
    """
    if not consumer.by_stream:
        raise NotByCase(consumer=consumer.name)

    def clear(tx: sa.Connection) -> None:
        _clear(tx, consumer, stream)
        if with_skipped:
            take_back(tx, consumer.name, stream)

    left_out = NOTHING if with_skipped else _given_up(consumer, live)
    follower = consumer.rebuilder(live, log, clock, skipped=left_out)
    if not follower.check():
        raise LogDamaged(f"what {consumer.name} has read is not what the log holds now: nothing was made again")
    _check_linked(log, stream)
    return follower.mend(stream, clear, consumer.tells)


def _check_linked(log: LogReader, stream: str) -> None:
    """Raises LogDamaged where an event of the stream is not as it was written: its chain value does not follow."""
    events = log.stream(stream)
    chains = {0: GENESIS, **log.chains_at({event.position - 1 for event in events})}
    for event in events:
        before = chains.get(event.position - 1)
        if before is None or link(before, event.position, event.body) != event.chain:
            raise LogDamaged(f"the log is broken at position {event.position}: nothing of {stream} was made again")


def _given_up(consumer: Consumer, live: Database) -> Skipped:
    with live.single() as connection:
        return skipped(connection, consumer.name)


def _clear(tx: sa.Connection, consumer: Consumer, stream: str) -> None:
    for table in consumer.tables:
        tx.execute(sa.text(f"DELETE FROM {table.name} WHERE {table.stream} = :stream"), {"stream": stream})
