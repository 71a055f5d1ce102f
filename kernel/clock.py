"""Time, handed in. Domain code never asks a clock; handlers ask the one they were given.

All instants are aware. People read them in China Standard Time.
"""

import time
from datetime import datetime, timedelta, timezone
from typing import Protocol

CHINA = timezone(timedelta(hours=8), "CST")
_EPOCH = datetime(1970, 1, 1, 8, tzinfo=CHINA)


class Clock(Protocol):
    """Says what time it is."""

    def now(self) -> datetime:
        """The present instant, aware, in China Standard Time."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), CHINA)


class FrozenClock:
    """A clock for tests: stands still until it is told to move."""

    def __init__(self, at: str | datetime) -> None:
        self._now = parse_time(at) if isinstance(at, str) else at

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move forward (or back) by `by`."""
        self._now += by


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time with an offset, of the years 1900 to 2200. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if not 1900 <= moment.year <= 2200:
        raise ValueError(f"year out of range: {text}")
    if moment.tzinfo is None:
        raise ValueError(f"time without an offset: {text}")
    return moment


def format_time(moment: datetime) -> str:
    """RFC 3339 in China Standard Time, to the microsecond where there are any."""
    return moment.astimezone(CHINA).isoformat()


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970, the form in which databases keep instants."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(micros: int) -> datetime:
    """The inverse of `to_micros`, in China Standard Time."""
    return _EPOCH + timedelta(microseconds=micros)


def seconds_since(moment: datetime | None, now: datetime) -> float:
    """The age of something that may not be there: 0 then."""
    return 0.0 if moment is None else max(0.0, (now - moment).total_seconds())
