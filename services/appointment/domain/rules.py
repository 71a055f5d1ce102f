"""What a hall asks of those who book: days that may be booked, how often, and what follows visits that were missed.

Pure: refuses by raising; who booked what is handed in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from kernel.clock import format_time
from kernel.contracts.appointment_refusals import (
    AlreadyBooked,
    Blocked,
    GivenUpTooOften,
    InThePast,
    LimitReached,
    OutsideWindow,
    TooLate,
)
from kernel.working_days import Limit, due
from services.appointment.domain.times import day_of, instant

REMINDED_FROM = 10 * 60  # of the day before, in minutes since its midnight
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class HallRule:
    """The rules of one hall; the defaults are those of real halls."""

    per_day: int = 1
    per_week: int = 2
    per_month: int = 6
    no_shows: int = 2
    no_show_days: int = 90
    blocked_days: int = 90
    first_day: int = 1
    last_working_day: int = 5
    cancel_before_minutes: int = 120
    hold_seconds: int = 300
    early_minutes: int = 30  # before the visit one can check in
    late_minutes: int = 15  # after its beginning a booking has no priority any more
    late_limit_minutes: int = 120  # after its beginning nobody can check in any more
    lead_minutes: int = 10  # that a booking is ahead of who took a ticket when it begins
    priority_minutes: int = 20  # that the elderly, the disabled and the like are ahead
    elderly_age: int = 65
    park_minutes: int = 10  # until a ticket that was set aside waits again
    offer_minutes: int = 30
    waiting_entries: int = 3
    closure_hold_minutes: int = 1440
    given_up: int = 5  # bookings and holds of a day that a person may give up on that day, and still book
    moves: int = 5  # of one booking


@dataclass(frozen=True)
class Visit:
    """A visit that somebody has booked or holds: when, in minutes since the day's midnight."""

    day: date
    starts: int
    ends: int


def rule_of(document: Mapping[str, Any]) -> HallRule:
    """From the JSON of `kernel.contracts.appointment.HallRule`."""
    return HallRule(**document)


def window(rule: HallRule, today: date) -> tuple[date, date]:
    """The first and the last day that can be booked today. Of an unpublished year the calendar may still change."""
    first = today + timedelta(days=rule.first_day)
    return first, max(first, due(today, Limit(rule.last_working_day)).on)


def check_time(rule: HallRule, visit: Visit, now: datetime) -> None:
    """Raises InThePast or OutsideWindow."""
    if instant(visit.day, visit.starts) <= now:
        raise InThePast
    first, last = window(rule, day_of(now))
    if not first <= visit.day <= last:
        raise OutsideWindow(first=first.isoformat(), last=last.isoformat())


def week_of(day: date) -> tuple[date, date]:
    """Its Monday and its Sunday."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + 6 * _DAY


def month_of(day: date) -> tuple[date, date]:
    """Its month's first and last day."""
    first = day.replace(day=1)
    return first, (first + 31 * _DAY).replace(day=1) - _DAY


def span_of(day: date) -> tuple[date, date]:
    """The days whose bookings count for a visit on `day`."""
    week, month = week_of(day), month_of(day)
    return min(week[0], month[0]), max(week[1], month[1])


def check_limits(rule: HallRule, visit: Visit, others: Iterable[Visit]) -> None:
    """`others`: what the same person has at this hall. Raises AlreadyBooked or LimitReached."""
    counted = list(others)
    same_day = [one for one in counted if one.day == visit.day]
    overlaps = any(one.starts < visit.ends and visit.starts < one.ends for one in same_day)
    if overlaps or (same_day and rule.per_day == 1):
        raise AlreadyBooked(date=visit.day.isoformat())
    periods = {
        "day": ((visit.day, visit.day), rule.per_day),
        "week": (week_of(visit.day), rule.per_week),
        "month": (month_of(visit.day), rule.per_month),
    }
    for name, ((first, last), most) in periods.items():
        if sum(first <= one.day <= last for one in counted) >= most:
            raise LimitReached(name, most, last.isoformat())


def check_given_up(rule: HallRule, count: int) -> None:
    """`count`: what the person has booked or held at this hall today, and given up. Raises GivenUpTooOften.

    A place that is given up is away for a while: nobody empties a day by taking and leaving.
    """
    if count >= rule.given_up:
        raise GivenUpTooOften(most=rule.given_up)


def check_block(until: Iterable[date], today: date) -> None:
    """`until`: the ends of the person's blocks at this hall. Raises Blocked."""
    last = max(until, default=None)
    if last is not None and today < last:
        raise Blocked(until=last.isoformat())


def block_after(rule: HallRule, missed: Iterable[date], day: date) -> date | None:
    """The first day that is free again, if the no-shows on the days `missed`, `day` among them, are enough."""
    since = day - timedelta(days=rule.no_show_days)
    enough = sum(since < one <= day for one in missed) >= rule.no_shows
    return day + timedelta(days=rule.blocked_days + 1) if enough else None


def cancel_before(rule: HallRule, starts_at: datetime) -> datetime:
    """Until when a visit can be cancelled or moved."""
    return starts_at - timedelta(minutes=rule.cancel_before_minutes)


def check_still_time(rule: HallRule, starts_at: datetime, now: datetime) -> None:
    """Raises InThePast or TooLate."""
    if starts_at <= now:
        raise InThePast
    if now > cancel_before(rule, starts_at):
        raise TooLate(format_time(cancel_before(rule, starts_at)))


def remind_at(day: date, now: datetime) -> datetime | None:
    """When to remind of a visit on `day` that is booked now; None for one on the next day: nobody has forgotten it."""
    before = day - _DAY
    return instant(before, REMINDED_FROM) if day_of(now) < before else None
