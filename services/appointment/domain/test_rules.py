"""A hall's rules: days that may be booked, limits, blocks, and until when a visit can be given up."""

from datetime import date, datetime, timedelta

import pytest

from kernel.clock import parse_time
from kernel.contracts.appointment_refusals import (
    AlreadyBooked,
    Blocked,
    InThePast,
    LimitReached,
    OutsideWindow,
    TooLate,
)
from kernel.errors import Refusal
from services.appointment.domain.rules import (
    HallRule,
    Visit,
    block_after,
    check_block,
    check_limits,
    check_still_time,
    check_time,
    month_of,
    span_of,
    week_of,
    window,
)

RULE = HallRule()
NOW = parse_time("2026-02-09T09:00:00+08:00")  # a Monday


def visit(day: str, starts: int = 600) -> Visit:
    return Visit(date.fromisoformat(day), starts, starts + 30)


def test_the_window_is_counted_in_working_days() -> None:
    assert window(RULE, date(2026, 2, 9)) == (date(2026, 2, 10), date(2026, 2, 14))  # the Saturday is worked
    assert window(RULE, date(2026, 2, 13)) == (date(2026, 2, 14), date(2026, 2, 27))  # over the Spring Festival
    assert window(HallRule(first_day=3, last_working_day=0), date(2026, 2, 9)) == (date(2026, 2, 12),) * 2


@pytest.mark.parametrize(
    ("day", "refusal"),
    [
        ("2026-02-09", OutsideWindow),
        ("2026-02-10", None),
        ("2026-02-14", None),
        ("2026-02-15", OutsideWindow),
        ("2026-02-08", InThePast),
    ],
)
def test_a_day_outside_the_window_is_refused(day: str, refusal: type[Refusal] | None) -> None:
    if refusal is None:
        check_time(RULE, visit(day), NOW)
    else:
        with pytest.raises(refusal):
            check_time(RULE, visit(day), NOW)


@pytest.mark.parametrize(("starts", "past"), [(539, True), (540, True), (541, False)])
def test_where_the_same_day_may_be_booked_a_time_that_has_passed_may_not(starts: int, past: bool) -> None:
    rule = HallRule(first_day=0)
    if past:
        with pytest.raises(InThePast):
            check_time(rule, visit("2026-02-09", starts), NOW)
    else:
        check_time(rule, visit("2026-02-09", starts), NOW)


def test_periods_are_the_calendars() -> None:
    assert week_of(date(2026, 3, 1)) == (date(2026, 2, 23), date(2026, 3, 1))
    assert month_of(date(2026, 12, 31)) == (date(2026, 12, 1), date(2026, 12, 31))
    assert span_of(date(2026, 3, 1)) == (date(2026, 2, 23), date(2026, 3, 31))


def test_one_a_day() -> None:
    check_limits(RULE, visit("2026-02-10"), [visit("2026-02-11")])
    with pytest.raises(AlreadyBooked):
        check_limits(RULE, visit("2026-02-10"), [visit("2026-02-10", 840)])


def test_where_a_day_allows_more_they_may_not_overlap() -> None:
    rule = HallRule(per_day=2)
    check_limits(rule, visit("2026-02-10"), [visit("2026-02-10", 630)])
    with pytest.raises(AlreadyBooked):
        check_limits(rule, visit("2026-02-10"), [visit("2026-02-10", 615)])
    with pytest.raises(LimitReached) as refusal:
        check_limits(rule, visit("2026-02-10"), [visit("2026-02-10", 630), visit("2026-02-10", 660)])
    assert (refusal.value.params["limit"], refusal.value.params["until"]) == ("day", "2026-02-10")


@pytest.mark.parametrize(
    ("others", "limit", "until"),
    [
        (["2026-02-09", "2026-02-15"], "week", "2026-02-15"),
        (["2026-02-02", "2026-02-03", "2026-02-16", "2026-02-17", "2026-02-23", "2026-02-28"], "month", "2026-02-28"),
    ],
)
def test_a_limit_says_which_and_until_when(others: list[str], limit: str, until: str) -> None:
    check_limits(RULE, visit("2026-02-11"), [visit(day) for day in others[1:]])
    with pytest.raises(LimitReached) as refusal:
        check_limits(RULE, visit("2026-02-11"), [visit(day) for day in others])
    assert (refusal.value.params["limit"], refusal.value.params["until"]) == (limit, until)


def test_two_no_shows_block_for_three_months() -> None:
    day = date(2026, 2, 11)
    assert block_after(RULE, [day], day) is None
    assert block_after(RULE, [day - timedelta(days=90), day], day) is None
    until = block_after(RULE, [day - timedelta(days=89), day], day)
    assert until == date(2026, 5, 13)
    check_block([until], until)
    check_block([], day)
    with pytest.raises(Blocked) as refusal:
        check_block([date(2026, 3, 1), until], until - timedelta(days=1))
    assert refusal.value.params == {"until": "2026-05-13"}


@pytest.mark.parametrize(
    ("now", "refusal"),
    [
        ("2026-02-10T08:00:00+08:00", None),
        ("2026-02-10T08:00:01+08:00", TooLate),
        ("2026-02-10T10:00:00+08:00", InThePast),
    ],
)
def test_a_visit_is_given_up_two_hours_before(now: str, refusal: type[Refusal] | None) -> None:
    starts_at: datetime = parse_time("2026-02-10T10:00:00+08:00")
    if refusal is None:
        check_still_time(RULE, starts_at, parse_time(now))
    else:
        with pytest.raises(refusal):
            check_still_time(RULE, starts_at, parse_time(now))
