"""How long somebody who takes a ticket now will wait: a range that holds in about four cases of five.

Pure. Who is ahead, who is being served, and how long the last ones took are handed in.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.appointment.domain.schedule import Hours
from services.appointment.domain.times import day_of, instant

Z = 1.2816  # of a normal distribution, 80 % lie within so many deviations
PRIOR = 3  # services that the schedule's length of a slot counts for
SPREAD = 0.6  # of its length, where nothing else is known
COMES = 0.9  # of those who have booked, so many come …
COMES_LATE = 0.5  # … and of those who are late by now
LATE = 10  # minutes after their time by which all of these have come
SLACK = 1.5  # minutes: from a free window to the call, and other small things
LONGEST = 10_000  # minutes that are told at most


@dataclass(frozen=True)
class Service:
    """How long a group serves somebody, in minutes: mean, standard deviation, and on how many it rests."""

    mean: float
    deviation: float
    count: int


@dataclass(frozen=True)
class Window:
    """An open window: the groups it serves, and whether somebody is there."""

    groups: frozenset[int]
    busy: bool


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a group's queue looks like to somebody with a rank. Counts are tickets, by the group whose they are.

    `ahead`: waiting with a lower rank. `booked`: minutes until the times of those who are not here yet, and ahead when
    they come. `arrivals`: a minute, `for_minutes` from now on, of others who will be ahead.
    """

    group: int
    windows: Sequence[Window]
    ahead: Mapping[int, int]
    booked: Sequence[float] = ()
    arrivals: float = 0.0
    for_minutes: float = 0.0


@dataclass(frozen=True)
class Wait:
    """Minutes, from when the group is open."""

    low: int
    high: int


def service_of(minutes: Sequence[float], slot_minutes: int) -> Service:
    """From the last services of a group; the schedule's slot stands for some that nobody has seen."""
    took = [max(0.0, one) for one in minutes]  # the clock may have been put back meanwhile
    count = len(took) + PRIOR
    mean = (sum(took) + PRIOR * slot_minutes) / count
    # What was seen counts by its distance from the mean; the prior by the spread that such services have.
    squares = sum((one - mean) ** 2 for one in took) + PRIOR * (SPREAD * mean) ** 2
    return Service(mean, math.sqrt(squares / count), count)


def expect(line: Line, service: Service) -> Wait:
    """Whoever is ahead is served first by the windows that serve the group, and so is who comes meanwhile and is."""
    ours = [window for window in line.windows if line.group in window.groups]
    servers = float(max(1, len(ours)))
    idle = sum(not window.busy for window in ours)
    before = _ahead(line, ours)
    rounds = max(0.0, before + 1 - idle) if ours else before
    mean, variance = _time_of(rounds, servers, service, bool(ours))
    more = _meanwhile(line, service, servers, mean)
    mean += more * service.mean / servers
    variance += more * (service.mean / servers) ** 2
    spread = Z * math.sqrt(variance + SLACK**2)
    return Wait(_whole(math.floor(mean - spread)), _whole(math.ceil(mean + spread)))


def _whole(minutes: int) -> int:
    return min(LONGEST, max(0, minutes))


def _ahead(line: Line, ours: Sequence[Window]) -> float:
    """Those of other groups come to our windows in so far as they have no others."""
    total = 0.0
    for group, count in line.ahead.items():
        theirs = [window for window in line.windows if group in window.groups]
        share = sum(window in ours for window in theirs) / len(theirs) if theirs else 0.0
        total += count if group == line.group else count * share
    return total


def _time_of(rounds: float, servers: float, service: Service, busy: bool) -> tuple[float, float]:
    """Mean and variance of the time until so many of the services under way and ahead have ended."""
    if rounds <= 0:
        return 0.0, 0.0
    first = (1 + (service.deviation / service.mean) ** 2) / 2 if busy else 1.0  # one is under way already
    whole = rounds - 1 + min(1.0, first)
    per_server = service.deviation / servers
    # The mean itself is only as sure as the number of services that it rests on.
    unsure = rounds / servers * service.deviation / math.sqrt(service.count)
    return whole * service.mean / servers, rounds * per_server**2 + unsure**2


def _meanwhile(line: Line, service: Service, servers: float, mean: float) -> float:
    """How many come meanwhile and are ahead: the longer the wait, the more, and each makes it longer."""
    more = 0.0
    for _ in range(8):
        wait = mean + more * service.mean / servers
        more = line.arrivals * min(wait, line.for_minutes) + sum(_comes(until, wait) for until in line.booked)
    return more


def _comes(until: float, wait: float) -> float:
    """How likely somebody whose time is `until` minutes from now comes within the wait."""
    share = min(1.0, wait / max(1.0, until + LATE))
    return share * (COMES if until >= 0 else COMES_LATE)


def over_hours(wait: Wait, hours: Sequence[Hours], now: datetime) -> Wait:
    """The same wait by the clock: it begins with the group's hours, and stands still over a break or a closure."""
    return Wait(_by_clock(wait.low, hours, now), _by_clock(wait.high, hours, now))


def _by_clock(minutes: int, hours: Sequence[Hours], now: datetime) -> int:
    day, left = day_of(now), timedelta(minutes=minutes)
    for one in hours:
        since, until = max(now, instant(day, one.since)), instant(day, one.until)
        if since < until and left < until - since:
            return min(LONGEST, math.ceil((since + left - now) / timedelta(minutes=1)))
        left -= max(timedelta(), until - since)
    return minutes
