"""A hall's queues: when one may check in, and who comes before whom.

Pure. A ticket's place is its rank, an instant: the lowest is called first. Nothing moves a rank further forward than
the hall's rule allows, so that whoever waits is overtaken by those only who came soon after.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from kernel.clock import format_time
from kernel.contracts.appointment_refusals import Closed
from kernel.contracts.hall_day_refusals import TooEarly, TooLateToCheckIn, WrongDay
from kernel.identity_numbers import normalise
from services.appointment.domain.rules import HallRule, Visit
from services.appointment.domain.schedule import Closing, Hours
from services.appointment.domain.times import day_of, instant, minute_of

NO_PRIORITY = "none"
ELDERLY = "elderly"


def _minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def check_in_time(rule: HallRule, starts_at: datetime, hours: Sequence[Hours], now: datetime) -> None:
    """`hours`: of the group that day, without what closures take. Raises WrongDay, TooEarly or TooLateToCheckIn."""
    if day_of(now) != day_of(starts_at):
        raise WrongDay(date=day_of(starts_at).isoformat())
    since = starts_at - _minutes(rule.early_minutes)
    if now < since:
        raise TooEarly(format_time(since))
    until = latest_check_in(rule, starts_at, hours)
    if now > until:
        raise TooLateToCheckIn(format_time(until))


def latest_check_in(rule: HallRule, starts_at: datetime, hours: Sequence[Hours]) -> datetime:
    """Never after closing; a group that has no hours any more that day sees those who booked as if it had."""
    limit = starts_at + _minutes(rule.late_limit_minutes)
    closing = closing_of(day_of(starts_at), hours)
    return limit if closing is None else max(starts_at, min(limit, closing))


def closing_of(day: date, hours: Sequence[Hours]) -> datetime | None:
    """The end of the last hours of the day."""
    return instant(day, max(one.until for one in hours)) if hours else None


def check_not_closed(visit: Visit, closed: bool, closings: Iterable[Closing], now: datetime) -> None:
    """Who has booked a time that the hall keeps may come while it is closed. Raises Closed for those whose it does not.

    `closed`: the booking is known to have lost its time; `closings`: of its group, of which it may not know yet.
    """
    minute, ends = minute_of(now), list(closings)
    lost = closed or any(one.covers(visit.day, visit.starts, visit.ends) for one in ends)
    if lost and any(one.covers(day_of(now), minute, minute + 1) for one in ends):
        raise Closed


def check_walk_in_time(rule: HallRule, hours: Sequence[Hours], now: datetime) -> None:
    """`hours`: without what closures take. From shortly before the first of them until closing. Raises Closed."""
    closing = closing_of(day_of(now), hours)
    if closing is None or now >= closing:
        raise Closed
    if now < instant(day_of(now), min(one.since for one in hours)) - _minutes(rule.early_minutes):
        raise Closed


def rank_of_booking(rule: HallRule, starts_at: datetime, priority: str, now: datetime) -> datetime:
    """On time: ahead of who took a ticket when the visit begins. Late: as one without a booking."""
    late = now > starts_at + _minutes(rule.late_minutes)
    return rank_of_walk_in(rule, priority, now if late else starts_at - _minutes(rule.lead_minutes))


def taken_at(hours: Sequence[Hours], now: datetime) -> datetime:
    """When a ticket counts as taken that is taken now without a booking.

    Before the hall opens, in the morning or after a break, that is just before it does, in the order of those who came:
    nobody who has booked the first time waits for all who stood at the door.
    """
    minute = minute_of(now)
    coming = [one.since for one in hours if one.since > minute]
    if not coming or any(one.since <= minute < one.until for one in hours):
        return now
    opens = instant(day_of(now), min(coming))
    return opens - (opens - now) / 1000


def rank_of_walk_in(rule: HallRule, priority: str, at: datetime) -> datetime:
    """`at`: when the ticket counts as taken."""
    return at if priority == NO_PRIORITY else at - _minutes(rule.priority_minutes)


def priority_of(rule: HallRule, said: str, identity_number: str | None, today: date) -> str:
    """What staff say; else the age that the identity number tells."""
    if said != NO_PRIORITY or identity_number is None:
        return said
    born = normalise(identity_number)[6:14]
    turned = f"{today.year - rule.elderly_age:04}{today.month:02}{today.day:02}"
    return ELDERLY if born <= turned else NO_PRIORITY


def number_of(place: int, count: int) -> str:
    """A012: the twelfth ticket of the hall's first group on a day. `place` counts the hall's groups from 0."""
    letters = ""
    while place >= 0:
        place, digit = divmod(place, 26)
        letters, place = chr(ord("A") + digit) + letters, place - 1
    return f"{letters}{count:03}"
