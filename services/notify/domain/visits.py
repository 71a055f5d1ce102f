"""What a message about a visit must know of it, and until when there is any sense in sending it. Pure.

A message never outlives what it tells: no reminder after the visit has begun, no offer after its time is given away.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from kernel.clock import CHINA
from kernel.contracts import visit_facts as facts
from kernel.contracts.visit_contact import recipient_of
from kernel.contracts.visit_facts import VisitFact

NEWS = timedelta(days=7)  # for so long one wants to hear what came of a visit that was missed

# What a message of the second kind says is no longer true once one of the first kind is there.
_CHANGES = (facts.VisitMoved.TYPE, facts.VisitClosed.TYPE, facts.VisitReopened.TYPE)
OVERTAKING = (*_CHANGES, facts.VisitCancelled.TYPE)
OVERTAKEN = (*_CHANGES, facts.VisitBooked.TYPE, facts.VisitReminded.TYPE)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A booking, or an entry on the waiting list: whom to tell about it, what to call it, and when it is."""

    number: str
    recipient: str
    language: str
    hall_name: str
    group_name: str
    starts_at: datetime
    ends_at: datetime
    cancel_before: datetime | None = None


def evolve(number: str, visit: Visit | None, fact: VisitFact) -> Visit | None:
    """The visit after `fact`. None while nothing is known of it: then its first fact has not been seen."""
    if isinstance(fact, facts.VisitBooked | facts.VisitOffered):
        return _told_of(number, fact)
    if visit is not None and isinstance(fact, facts.VisitMoved):
        return replace(visit, starts_at=fact.starts_at, ends_at=fact.ends_at, cancel_before=fact.cancel_before)
    return visit


def _told_of(number: str, fact: facts.VisitBooked | facts.VisitOffered) -> Visit:
    return Visit(
        number=number,
        recipient=recipient_of(fact.account, number),
        language=fact.language,
        hall_name=fact.hall_name,
        group_name=fact.group_name,
        starts_at=fact.starts_at,
        ends_at=fact.ends_at,
        cancel_before=fact.cancel_before if isinstance(fact, facts.VisitBooked) else None,
    )


def _end_of_day(visit: Visit) -> datetime:
    return _midnight(visit.starts_at.astimezone(CHINA).date() + timedelta(days=1))


def _midnight(day: date) -> datetime:
    """The moment at which the day begins in China."""
    return datetime.combine(day, time(), CHINA)


# When a message about each fact is no longer sent. A test asserts that none that is told is missing.
EXPIRY: dict[type[VisitFact], Callable[[Any, Visit], datetime]] = {
    facts.VisitBooked: lambda fact, visit: visit.ends_at,
    facts.VisitMoved: lambda fact, visit: visit.ends_at,
    facts.VisitCancelled: lambda fact, visit: _end_of_day(visit),
    facts.VisitClosed: lambda fact, visit: _end_of_day(visit),
    facts.VisitReopened: lambda fact, visit: visit.ends_at,
    facts.VisitOffered: lambda fact, visit: fact.held_until,
    facts.VisitReminded: lambda fact, visit: fact.starts_at,
    facts.VisitNoShow: lambda fact, visit: fact.occurred_at + NEWS,
    facts.VisitBlocked: lambda fact, visit: _midnight(fact.until),
    facts.VisitExcused: lambda fact, visit: fact.occurred_at + NEWS,
    facts.VisitUnblocked: lambda fact, visit: fact.occurred_at + NEWS,
    facts.VisitAppealDismissed: lambda fact, visit: _midnight(fact.until),
}


def expires_at(fact: VisitFact, visit: Visit) -> datetime:
    """When the message that tells `fact` is over. `visit`: as it is after the fact."""
    return EXPIRY[type(fact)](fact, visit)
