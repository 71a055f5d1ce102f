"""Everything that can be checked without asking anybody: a log by itself, and what is kept of it.

Reads only; `repair` alone writes, and only what comes from a log.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain as chain_from, groupby
from multiprocessing import get_context
from typing import Any, Protocol

from kernel import collector
from kernel.config import Settings
from kernel.database import Database
from kernel.errors import Refusal
from kernel.eventlog.events import Recorded
from kernel.eventlog.heads import SignedHead, Signer
from kernel.eventlog.parity import Finding, Holding, Kept, Lives, Whole, kept_by_consumer, kept_by_holding
from kernel.eventlog.reading import LogReader, StreamRange
from kernel.eventlog.rebuilding import mend as mend_stream, rebuilding
from kernel.eventlog.shadow import Scope
from kernel.eventlog.skipping import Skipped, skipped
from kernel.eventlog.verifying import Broken, Sound, verify
from operations import lives as machines
from operations.consumers import CONSUMERS, LOGS, consumer, following, of_log
from operations.opening import opened
from services.appointment.adapters.parity import BOOKINGS, TICKETS
from services.filing.adapters import parity as serials
from services.notify.adapters.parity import MESSAGES, VISIT_MESSAGES

CHECKED = (*LOGS, "desk")
HOLDINGS: tuple[Holding, ...] = (MESSAGES, VISIT_MESSAGES, BOOKINGS, TICKETS)
_AT_ONCE = 10_000  # events
_LOOK = 0.5  # seconds between looks at how far other processes are
_PROCESSES = 2, 4  # at least, at most: each has nine connections to the database
_ALONE = 20_000  # events from which on other processes are worth their start
_SINGLY = 200  # cases of a consumer that are mended one by one; more are cheaper as a whole
MOST = 10_000  # findings that are kept

Told = Callable[[int, int], None]


class Counting(Protocol):
    """Counts over all events of a log, and holds that against what is kept."""

    def take(self, events: Sequence[Recorded]) -> None: ...

    def end(self) -> Iterator[Finding]: ...


@dataclass(kw_only=True)
class Verdict:
    """On one log. `findings` are at most MOST of `count`."""

    log: str
    chain: Sound | Broken
    findings: list[Finding] = field(default_factory=list)
    count: int = 0
    looked: list[str] = field(default_factory=list)  # at what is kept by these
    behind: dict[str, int] = field(default_factory=dict)  # consumers with the events that they have not read yet
    skipped: dict[str, list[int]] = field(default_factory=dict)  # consumers with the positions that were given up
    parked: dict[str, int] = field(default_factory=dict)  # consumers with how many cases they have set aside

    def add(self, finding: Finding) -> None:
        self.count += 1
        if len(self.findings) < MOST:
            self.findings.append(finding)

    @property
    def sound(self) -> bool:
        return isinstance(self.chain, Sound) and not self.count


class OtherLog(Refusal):
    """A head that was kept is not one of this log's."""

    code = "other_log"
    status = 409
    zh = "日志与保存的日志头不符：{why}。"
    en = "The log is not the one that the head was taken of: {why}."


def check(settings: Settings, log: str, told: Told | None = None, looking: Told | None = None) -> Verdict:
    """Check one log and all that is kept of it. Raises what `is_away` tells.

    `told`: how much of the log was read; `looking`: of how many of its events the lives were looked at.
    """
    with opened(settings, log) as database, ExitStack() as stack, collector.seldom():
        reader = LogReader(database)
        given_up = _given_up(settings, log)
        beside = _beside(settings, log, reader, given_up, stack, looking)
        counting = list(_counting(settings, database, log, stack))
        chain = _chain(reader, counting, told)
        if isinstance(chain, Broken):  # what such a log implies is nobody's measure
            return Verdict(log=log, chain=chain)
        positions = {name: sorted(one.chains) for name, one in given_up.items()}
        verdict = Verdict(log=log, chain=chain, looked=_names(log), skipped=positions)
        verdict.behind, verdict.parked = _standing(settings, log)
        # Who counts is asked before others are waited for.
        for finding in chain_from(*(one.end() for one in counting)):
            verdict.add(finding)
        for finding in beside():
            verdict.add(finding)
    return verdict


def _given_up(settings: Settings, log: str) -> dict[str, Skipped]:
    """By consumer; of those alone that go on without anything."""
    found = {}
    for name in of_log(log):
        with following(settings, name) as one, one.live.single() as connection:
            found[name] = skipped(connection, name)
    return {name: one for name, one in found.items() if one.chains}


def _standing(settings: Settings, log: str) -> tuple[dict[str, int], dict[str, int]]:
    """By consumer: how many events it has not read yet, and how many cases it has set aside; where there are any."""
    behind, parked = dict[str, int](), dict[str, int]()
    for name in of_log(log):
        with following(settings, name) as one:
            lacking = one.reader.head().position - one.follower.checkpoint().position
            cases = len({event.stream for event in one.follower.parked()})
        behind |= {name: lacking} if lacking > 0 else {}
        parked |= {name: cases} if cases else {}
    return behind, parked


def _chain(reader: LogReader, counting: list[Counting], told: Told | None) -> Sound | Broken:
    aim = reader.head().position

    def seen(events: Any) -> None:
        for one in counting:
            one.take(events)
        if told is not None:
            told(events[-1].position, aim)

    return verify(reader, seen=seen)


def _beside(
    settings: Settings,
    log: str,
    reader: LogReader,
    given_up: dict[str, Skipped],
    stack: ExitStack,
    told: Told | None,
) -> Callable[[], list[Finding]]:
    """The lives of a log, to be waited for: of a long one in parts, each in a process that has begun."""
    aim = reader.head().position
    if aim < _ALONE:
        return partial(look_by_stream, settings, log, ("", None), given_up)
    parts = reader.parts(min(_PROCESSES[1], max(_PROCESSES[0], len(os.sched_getaffinity(0)))))
    processes = get_context("spawn")
    looked = processes.Value("q", 0)
    pool = stack.enter_context(ProcessPoolExecutor(len(parts), processes, _count_in, (looked,)))
    looks = [pool.submit(look_by_stream, settings, log, part, given_up) for part in parts]

    def found() -> list[Finding]:
        while wait(looks, _LOOK).not_done:
            if told is not None:
                told(looked.value, aim)
        return [finding for look in looks for finding in look.result()]

    return found


_looked: Any = None  # in a process of a pool: the number of events that all of its processes have looked at


def _count_in(looked: Any) -> None:
    global _looked
    _looked = looked


def _count(events: int) -> None:
    if _looked is not None:
        with _looked.get_lock():
            _looked.value += events


def look_by_stream(settings: Settings, log: str, within: StreamRange, given_up: dict[str, Skipped]) -> list[Finding]:
    """Every life by itself: its state machine, and what is kept of it. Stops behind MOST findings.

    What a consumer has given up somebody has looked at and settled: it is no fault of its life's any more.
    """
    after, last = within
    with opened(settings, log) as database, ExitStack() as stack, collector.seldom():
        reader = LogReader(database)
        kept = list(_kept(settings, log, reader.imported(), stack))
        found: list[Finding] = []
        while some := reader.lives(after, _AT_ONCE, last):
            after = next(reversed(some))
            found += _looked_at(kept, given_up, some)
            _count(sum(map(len, some.values())))
            if len(found) > MOST:
                return found
        return found + [finding for one in kept for finding in one.strays(reader, within)]


def _looked_at(kept: list[Kept], given_up: dict[str, Skipped], some: Lives) -> Iterator[Finding]:
    for stream, events in some.items():
        for step in machines.steps(events):
            if step.fault and not any(skipped.has(step.event) for skipped in given_up.values()):
                why = {"fault": [step.event.type, step.fault]}
                yield Finding(
                    holder="lives", table="event", kind="refused", stream=stream, key=[step.event.position], columns=why
                )
    for one in kept:
        yield from one.look(some)


def _kept(settings: Settings, log: str, imported: int, stack: ExitStack) -> Iterator[Kept]:
    for name in _consumers(log, by_stream=True):
        one = stack.enter_context(following(settings, name))
        yield kept_by_consumer(one.consumer, one.live, one.clock, stack)
    for holding in HOLDINGS:
        if holding.log == log:
            yield kept_by_holding(holding, stack.enter_context(opened(settings, holding.owner)), imported, stack)


def _counting(settings: Settings, database: Database, log: str, stack: ExitStack) -> Iterator[Counting]:
    for name in _consumers(log, by_stream=False):
        one = stack.enter_context(following(settings, name))
        yield Whole(one.consumer, one.live, one.clock, stack)
    if log == "filing":
        yield serials.SerialCounts(database, stack)


def _consumers(log: str, *, by_stream: bool) -> list[str]:
    return [name for name in of_log(log) if consumer(name).by_stream is by_stream]


def _names(log: str) -> list[str]:
    kept = of_log(log)
    held = [holding.name for holding in HOLDINGS if holding.log == log and holding.name not in kept]
    return ["lives", *kept, *held, *([serials.NAME] if log == "filing" else [])]


def against(settings: Settings, head: SignedHead) -> None:
    """Hold a log against a head of it that was kept. Raises OtherLog that says in what they differ."""
    if head.log not in CHECKED:
        raise OtherLog(why=f"there is no log of {head.log}")
    if head.key != Signer(settings.key()).public:
        raise OtherLog(why=f"it was signed by another installation, whose key is {head.key}")
    with opened(settings, head.log) as database:
        why = _unlike(LogReader(database), head)
    if why is not None:
        raise OtherLog(why=why)


def _unlike(reader: LogReader, head: SignedHead) -> str | None:
    first, chain = reader.chain_at(1), reader.chain_at(head.position)
    if head.position == 0:
        return None
    if first is None or first.hex() != head.first:
        return "it begins with another event"
    if chain is None:
        at = reader.head().position
        return f"it ends at position {at}, and the head was taken at {head.position}: its tail was cut off"
    if chain.hex() != head.chain:
        return f"at position {head.position} its chain is another: what is at or before it was written anew"
    return None


def doubting(settings: Settings, log: str) -> dict[str, int]:
    """The consumers of `log` at whose checkpoint its chain is not what they saw there, with the position."""
    found = {}
    for name in of_log(log):
        with following(settings, name) as one:
            if not one.follower.check():
                found[name] = one.follower.checkpoint().position
    return found


def repair(settings: Settings, findings: list[Finding]) -> dict[str, int]:
    """Make again what comes from a log: cases by themselves, or a consumer as a whole. How much was mended, by holder.

    Of what nobody makes from the log (messages, bookings), and of the log itself, nothing is touched.
    """
    mended: dict[str, int] = {}
    tables = {name: {table.name for table in consumer(name).tables} for name in CONSUMERS}
    for name, group in groupby(sorted(findings, key=lambda one: one.holder), key=lambda one: one.holder):
        found = list(group)
        if name == serials.NAME:
            with opened(settings, "filing") as database:
                mended[name] = sum(serials.mend(database, one) for one in found)
        elif name in CONSUMERS:
            mended[name] = _project_again(settings, name, [one for one in found if one.table in tables[name]])
    return {name: count for name, count in mended.items() if count}


def _project_again(settings: Settings, name: str, found: list[Finding]) -> int:
    streams = {one.stream for one in found}
    if not found:
        return 0
    with following(settings, name) as one:
        if None in streams or len(streams) > _SINGLY or not one.consumer.by_stream:
            with rebuilding(one.consumer, one.live, one.log, one.clock) as rebuild:
                rebuild.build(Scope())
                rebuild.swap()
        else:
            for stream in streams:
                mend_stream(one.consumer, one.live, one.reader, one.clock, str(stream))
    return len(found)


def as_dict(finding: Finding) -> dict[str, Any]:
    """For JSON."""
    return asdict(finding)
