"""Working days against the calendars that the State Council published."""

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from kernel.working_days import FIXED_HOLIDAYS, Due, Limit, due, is_public_holiday, is_working_day


@pytest.mark.parametrize(
    ("from_", "days", "to"),
    [
        ("2026-02-09", 20, "2026-03-13"),  # over the Spring Festival, with make-up days
        ("2026-09-18", 5, "2026-09-24"),  # 2026-09-20 is a Sunday that is worked
        ("2026-02-13", 1, "2026-02-14"),  # a Saturday that is worked
        ("2026-11-20", 20, "2026-12-18"),
        ("2026-02-09", 0, "2026-02-09"),
    ],
)
def test_counting_starts_the_day_after(from_: str, days: int, to: str) -> None:
    assert due(date.fromisoformat(from_), Limit(days)) == Due(date.fromisoformat(to))


def test_natural_days_are_simply_days() -> None:
    assert due(date(2026, 2, 9), Limit(60, working=False)) == Due(date(2026, 4, 10))


@pytest.mark.parametrize(
    ("from_", "provisional"), [("2026-12-03", False), ("2026-12-04", True), ("2027-01-04", True), ("2003-12-31", True)]
)
def test_a_date_that_leans_on_an_unpublished_year_is_provisional(from_: str, provisional: bool) -> None:
    assert due(date.fromisoformat(from_), Limit(20)).provisional is provisional


def test_of_an_unpublished_year_the_weekends_are_known() -> None:
    assert due(date(2027, 5, 7), Limit(1)) == Due(date(2027, 5, 10), provisional=True)


@pytest.mark.parametrize(
    ("from_", "to"),
    [
        ("2026-12-31", "2027-01-04"),  # 1 January is a Friday
        ("2028-04-30", "2028-05-03"),  # 1 and 2 May are a Monday and a Tuesday
        ("2029-09-30", "2029-10-04"),  # 1 to 3 October are a Monday to a Wednesday
    ],
)
def test_of_an_unpublished_year_the_holidays_of_fixed_date_are_known(from_: str, to: str) -> None:
    assert due(date.fromisoformat(from_), Limit(1)) == Due(date.fromisoformat(to), provisional=True)


def test_the_year_2026_has_248_working_days() -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    assert sum(map(is_working_day, days)) == 248


@given(st.dates(date(2004, 1, 1), date(2200, 1, 1)), st.integers(1, 120))
def test_a_limit_ends_on_a_working_day_and_counts_each_once(from_: date, days: int) -> None:
    end = due(from_, Limit(days)).on
    between = [from_ + timedelta(days=number) for number in range(1, (end - from_).days + 1)]
    assert is_working_day(end)
    assert sum(map(is_working_day, between)) == days


def test_no_limit_ends_on_a_holiday_of_fixed_date_in_any_year() -> None:
    starts = [date(2026, 12, 1) + timedelta(days=number) for number in range(4000)]
    ends = {due(start, Limit(5)).on for start in starts}
    assert not {end for end in ends if (end.month, end.day) in FIXED_HOLIDAYS}


@pytest.mark.parametrize(
    ("day", "holiday"),
    [
        ("2026-10-03", True),  # a Saturday of the National Day week
        ("2026-10-10", False),  # a Saturday that is worked
        ("2026-10-17", False),  # a plain Saturday
        ("2026-10-19", False),
        ("2027-10-02", True),  # not published, of fixed date
        ("2027-10-09", False),
    ],
)
def test_a_public_holiday_is_more_than_a_weekend(day: str, holiday: bool) -> None:
    assert is_public_holiday(date.fromisoformat(day)) is holiday
