"""The life of one booking (预约), from its first fact to its end.

Pure: `decide` may refuse, `evolve` never does. A hold is no fact: nothing has happened yet, and it goes by itself.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from kernel.contracts.appointment_refusals import InThePast, MovedTooOften, NotInThatState
from kernel.contracts.visit_facts import (
    VisitAppealDismissed,
    VisitBlocked,
    VisitBooked,
    VisitCancelled,
    VisitCheckedIn,
    VisitClosed,
    VisitExcused,
    VisitFact,
    VisitMoved,
    VisitNoShow,
    VisitOffered,
    VisitReminded,
    VisitReopened,
    VisitServed,
    VisitUnblocked,
)
from services.appointment.domain.rules import HallRule, check_still_time


class State(StrEnum):
    """Where a booking stands by its facts. HELD and EXPIRED are of a hold: no fact tells of them."""

    NEW = "new"
    HELD = "held"
    EXPIRED = "expired"
    BOOKED = "booked"
    CHECKED_IN = "checked_in"
    SERVED = "served"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


TRANSITIONS: Mapping[State, Mapping[type[VisitFact], State]] = {
    State.NEW: {VisitBooked: State.BOOKED},
    State.BOOKED: {
        VisitMoved: State.BOOKED,
        VisitClosed: State.BOOKED,
        VisitReopened: State.BOOKED,
        VisitReminded: State.BOOKED,
        VisitCancelled: State.CANCELLED,
        VisitCheckedIn: State.CHECKED_IN,
        VisitNoShow: State.NO_SHOW,
    },
    # Whoever checked in from elsewhere, and did not come when called, has missed the visit all the same.
    State.CHECKED_IN: {VisitServed: State.SERVED, VisitNoShow: State.NO_SHOW},
    State.SERVED: {},
    State.CANCELLED: {},
    State.NO_SHOW: {
        VisitBlocked: State.NO_SHOW,
        VisitExcused: State.NO_SHOW,
        VisitUnblocked: State.NO_SHOW,
        VisitAppealDismissed: State.NO_SHOW,
    },
}
# In streams of their own, not of a booking.
ELSEWHERE: frozenset[type[VisitFact]] = frozenset({VisitOffered})
# Places that somebody has: limits count these, and their slots are taken.
LIVE = frozenset({State.HELD, State.BOOKED, State.CHECKED_IN, State.SERVED})
COUNTED = LIVE | {State.NO_SHOW}


@dataclass(frozen=True, kw_only=True)
class Booking:
    """What its facts tell of it, as far as it matters to what may be said next."""

    number: str
    version: int = 0  # facts so far
    state: State = State.NEW
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    closed: bool = False  # the hall cannot keep its time
    moves: int = 0  # by the visitor, and not because it was closed
    excused: bool = False


def decide(booking: Booking, said: VisitFact, rule: HallRule) -> VisitFact:
    """`said`, if it may be said of the booking now. Raises NotInThatState, TooLate, InThePast or MovedTooOften."""
    fits = _FITS.get(type(said), _always)
    if type(said) not in TRANSITIONS.get(booking.state, {}) or not fits(booking):
        raise NotInThatState(str(booking.state))
    # Whoever the hall has closed out may leave at any hour.
    if booking.starts_at is not None and not booking.closed:
        _check_leaving(rule, booking, booking.starts_at, said)
    return said


def _check_leaving(rule: HallRule, booking: Booking, starts_at: datetime, said: VisitFact) -> None:
    """Staff cancel until the visit begins; what was missed after that they may excuse."""
    cause = said.cause if isinstance(said, VisitCancelled) else None
    if isinstance(said, VisitMoved) or cause == "visitor":
        check_still_time(rule, starts_at, said.occurred_at)
    if cause == "staff" and starts_at <= said.occurred_at:
        raise InThePast
    if isinstance(said, VisitMoved) and booking.moves >= rule.moves:
        raise MovedTooOften(most=rule.moves)


def _always(_: Booking) -> bool:
    return True


# Beside the state. Nobody misses a visit that the hall has closed.
_FITS: Mapping[type[VisitFact], Callable[[Booking], bool]] = {
    VisitClosed: lambda booking: not booking.closed,
    VisitReopened: lambda booking: booking.closed,
    VisitReminded: lambda booking: not booking.closed,
    VisitNoShow: lambda booking: not booking.closed,
    VisitExcused: lambda booking: not booking.excused,
}


def evolve(booking: Booking, fact: VisitFact) -> Booking:
    """The booking after `fact`. Facts on the log are true: nothing is refused here."""
    state = TRANSITIONS.get(booking.state, {}).get(type(fact), booking.state)
    moved = replace(booking, state=state, version=booking.version + 1)
    change = _CHANGES.get(type(fact))
    return moved if change is None else change(moved, fact)


def rebuild(number: str, facts: Iterable[VisitFact]) -> Booking:
    """The booking that the log alone tells of."""
    booking = Booking(number=number)
    for fact in facts:
        booking = evolve(booking, fact)
    return booking


def _book(booking: Booking, fact: Any) -> Booking:
    return replace(booking, starts_at=fact.starts_at, ends_at=fact.ends_at)


def _move(booking: Booking, fact: Any) -> Booking:
    moves = booking.moves + (not booking.closed)
    return replace(booking, starts_at=fact.starts_at, ends_at=fact.ends_at, closed=False, moves=moves)


_CHANGES: dict[type[VisitFact], Callable[[Booking, Any], Booking]] = {
    VisitBooked: _book,
    VisitMoved: _move,
    VisitClosed: lambda booking, fact: replace(booking, closed=True),
    VisitReopened: lambda booking, fact: replace(booking, closed=False),
    VisitExcused: lambda booking, fact: replace(booking, excused=True),
}
