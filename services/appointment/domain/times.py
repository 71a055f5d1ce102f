"""Days and times of day as the hall's slots have them: minutes since midnight in China Standard Time. Pure."""

from datetime import date, datetime, time, timedelta
from functools import lru_cache

from kernel.clock import CHINA

DAY_MINUTES = 24 * 60


def minutes_of(text: str) -> int:
    """HH:MM as minutes since midnight; 24:00 is the day's end."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


@lru_cache(maxsize=2000)
def hhmm(minutes: int) -> str:
    """The inverse of `minutes_of`."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def instant(day: date, minutes: int) -> datetime:
    """The moment at which so many minutes of the day have passed; there is no summer time in China."""
    return datetime.combine(day, time(), CHINA) + timedelta(minutes=minutes)


def day_of(moment: datetime) -> date:
    """The day on which it happens, in China."""
    return moment.astimezone(CHINA).date()


def minute_of(moment: datetime) -> int:
    """Minutes since midnight, in China."""
    local = moment.astimezone(CHINA)
    return local.hour * 60 + local.minute
