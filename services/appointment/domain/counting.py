"""Statistics of a hall: what each fact of a visit or a ticket adds to the counts of a group's day.

Pure. A booking counts on the day that it is for, a ticket on the day on which it was taken.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from kernel.contracts.ticket_facts import (
    TICKET_FACTS,
    TicketCalled,
    TicketClosed,
    TicketFinished,
    TicketIssued,
    TicketMissed,
    TicketTransferred,
)
from kernel.contracts.visit_facts import (
    VISIT_FACTS,
    VisitBooked,
    VisitCancelled,
    VisitCheckedIn,
    VisitFact,
    VisitMoved,
    VisitNoShow,
)
from services.appointment.domain.times import day_of

LONGEST = "wait_longest"  # the one count that is no sum

COUNTS = (
    "booked",
    "cancelled",
    "moved",
    "no_shows",
    "checked_in",
    "walk_ins",
    "called",
    "served",
    "missed",
    "closed",
    "wait_seconds",
    LONGEST,
    "service_seconds",
    "estimates_met",
    "estimate_error_seconds",
)


@dataclass(frozen=True)
class Seen:
    """What of the facts of a stream so far counts for those to come. `low` and `high`: minutes that were expected."""

    group: str = ""
    day: date | None = None
    issued_at: datetime | None = None
    called_at: datetime | None = None
    low: int = 0
    high: int = 0


@dataclass(frozen=True)
class Added:
    """So much more of each count, on a group's day."""

    group: str
    day: date
    counts: Mapping[str, int] = field(default_factory=dict)


Step = tuple[Seen, tuple[Added, ...]]


def count(seen: Seen, fact: VisitFact) -> Step:
    """Facts that count for nothing change nothing. Raises LookupError for one whose beginning was never seen."""
    how = _COUNTED.get(type(fact))
    if how is None:
        return seen, ()
    if seen.day is None and type(fact) not in BEGINNINGS:
        raise LookupError(f"{fact.TYPE} of a stream that never began")
    return how(seen, fact)


def _one(name: str, **more: int) -> Callable[[Seen, Any], Step]:
    return lambda seen, fact: (seen, (_add(seen, {name: 1, **more}),))


def _add(seen: Seen, counts: Mapping[str, int]) -> Added:
    if seen.day is None:
        raise LookupError("a stream that never began")
    return Added(seen.group, seen.day, counts)


def _booked(seen: Seen, fact: Any) -> Step:
    then = replace(seen, group=fact.group, day=day_of(fact.starts_at))
    return then, (_add(then, {"booked": 1}),)


def _moved(seen: Seen, fact: Any) -> Step:
    then = replace(seen, day=day_of(fact.starts_at))
    return then, (_add(seen, {"moved": 1}), _add(then, {"booked": 1}))


def _issued(seen: Seen, fact: Any) -> Step:
    day = day_of(fact.occurred_at)
    then = Seen(fact.group, day, issued_at=fact.occurred_at, low=fact.low, high=fact.high)
    return then, (_add(then, {"walk_ins": 1}),) if fact.kind == "walk_in" else ()


def _called(seen: Seen, fact: Any) -> Step:
    then = replace(seen, called_at=fact.occurred_at)
    if seen.called_at is not None or seen.issued_at is None:
        return then, ()
    wait = max(0, round((fact.occurred_at - seen.issued_at).total_seconds()))  # the clock may be put back meanwhile
    met = seen.low * 60 <= wait <= seen.high * 60
    error = abs(wait - (seen.low + seen.high) * 30)
    counts = {"called": 1, "wait_seconds": wait, LONGEST: wait, "estimates_met": int(met)}
    return then, (_add(then, {**counts, "estimate_error_seconds": error}),)


def _finished(seen: Seen, fact: Any) -> Step:
    began = seen.called_at or fact.occurred_at
    took = max(0, round((fact.occurred_at - began).total_seconds()))
    return seen, (_add(seen, {"served": 1, "service_seconds": took}),)


_COUNTED: Mapping[type[VisitFact], Callable[[Seen, Any], Step]] = {
    VisitBooked: _booked,
    VisitMoved: _moved,
    VisitCancelled: _one("cancelled"),
    VisitNoShow: _one("no_shows"),
    VisitCheckedIn: _one("checked_in"),
    TicketIssued: _issued,
    TicketCalled: _called,
    TicketTransferred: lambda seen, fact: (replace(seen, group=fact.to), ()),
    TicketFinished: _finished,
    TicketMissed: _one("missed"),
    TicketClosed: _one("closed"),
}
BEGINNINGS = frozenset({VisitBooked, TicketIssued})
# A visit that was served is counted by its ticket; the rest changes no count of a day.
IGNORED: frozenset[type[VisitFact]] = frozenset({*VISIT_FACTS.values(), *TICKET_FACTS.values()} - set(_COUNTED))
