"""Working days of the mainland (行政许可法 82), with the make-up days and holidays that the State Council published.

Pure: tables, no clock. Of a year that is not published yet it knows the weekends and the holidays of fixed date, and
says so.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import chinese_calendar

FIRST_YEAR, LAST_YEAR = 2004, 2026  # published, as chinesecalendar 1.11 has them
_DAY = timedelta(days=1)
# Statutory holidays (month, day) that fall on the same date every year: 全国年节及纪念日放假办法 as amended in 2024.
# 春节, 清明, 端午 and 中秋 move; with the make-up days they are known once the year is published.
FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})


@dataclass(frozen=True)
class Limit:
    """A time limit: so many days, of one kind."""

    amount: int
    working: bool = True


@dataclass(frozen=True)
class Due:
    """The last day of a limit. Provisional while it leans on a year whose holidays nobody has published."""

    on: date
    provisional: bool = False


def is_published(year: int) -> bool:
    """Whether the holidays of `year` are known."""
    return FIRST_YEAR <= year <= LAST_YEAR


def is_working_day(day: date) -> bool:
    """Whether offices work on `day`; in a year that is not published: Monday to Friday but holidays of fixed date."""
    if is_published(day.year):
        return bool(chinese_calendar.is_workday(day))
    return day.weekday() < 5 and (day.month, day.day) not in FIXED_HOLIDAYS


def is_public_holiday(day: date) -> bool:
    """Whether `day` belongs to a statutory holiday; a plain weekend does not."""
    if is_published(day.year):
        free, name = chinese_calendar.get_holiday_detail(day)
        return bool(free and name is not None)
    return (day.month, day.day) in FIXED_HOLIDAYS


@lru_cache(maxsize=4096)
def due(effective_on: date, limit: Limit) -> Due:
    """The last day of `limit`. Counting starts the day after `effective_on` (民法典 201)."""
    if not limit.working:
        return Due(effective_on + timedelta(days=limit.amount))
    day, left = effective_on, limit.amount
    while left:
        day += _DAY
        left -= is_working_day(day)
    leans_on = range(effective_on.year, day.year + 1)
    return Due(day, provisional=not all(map(is_published, leans_on)))
