"""When one may check in, and who comes before whom: priorities, and that nobody waits for ever."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from kernel.clock import parse_time
from kernel.contracts.appointment_refusals import Closed
from kernel.contracts.hall_day_refusals import TooEarly, TooLateToCheckIn, WrongDay
from kernel.contracts.visit import PRIORITIES
from kernel.errors import Refusal
from services.appointment.domain.queue import (
    check_in_time,
    check_not_closed,
    check_walk_in_time,
    number_of,
    priority_of,
    rank_of_booking,
    rank_of_walk_in,
    taken_at,
)
from services.appointment.domain.rules import HallRule, Visit
from services.appointment.domain.schedule import Closing, Hours

RULE = HallRule()
STARTS = parse_time("2026-02-10T10:00:00+08:00")
OFFICE = (Hours(9 * 60, 12 * 60), Hours(14 * 60, 17 * 60))


def at(text: str) -> datetime:
    return parse_time(f"2026-02-{text}:00+08:00" if "T" in text else f"2026-02-10T{text}:00+08:00")


@pytest.mark.parametrize(
    ("now", "refusal"),
    [
        ("09T10:00", WrongDay),
        ("11T10:00", WrongDay),
        ("09:29", TooEarly),
        ("09:30", None),
        ("10:15", None),
        ("12:00", None),
        ("12:01", TooLateToCheckIn),
    ],
)
def test_one_checks_in_from_half_an_hour_before_until_two_hours_after(now: str, refusal: type[Refusal] | None) -> None:
    if refusal is None:
        check_in_time(RULE, STARTS, OFFICE, at(now))
    else:
        with pytest.raises(refusal):
            check_in_time(RULE, STARTS, OFFICE, at(now))


def test_a_refusal_says_from_when_and_until_when() -> None:
    with pytest.raises(TooEarly) as early:
        check_in_time(RULE, STARTS, OFFICE, at("08:00"))
    assert early.value.params == {"since": "2026-02-10T09:30:00+08:00", "since_text": "2026-02-10 09:30"}
    with pytest.raises(TooLateToCheckIn) as late:
        check_in_time(RULE, at("16:30"), OFFICE, at("17:01"))
    assert late.value.params["until"] == "2026-02-10T17:00:00+08:00", "never after closing"
    assert "2026-02-10 17:00" in late.value.sentence("en")


def test_who_has_booked_a_day_that_has_no_hours_any_more_is_seen_all_the_same() -> None:
    check_in_time(RULE, STARTS, (), at("11:00"))


SHUT = Closing(date(2026, 2, 10), date(2026, 2, 10), 600, 660)  # from ten to eleven


@pytest.mark.parametrize(
    ("starts", "closed", "now", "let_in"),
    [
        (600, True, "10:05", False),
        (600, False, "10:05", False),
        (660, False, "10:45", True),
        (570, False, "10:05", True),
        (600, True, "11:05", True),
        (660, True, "10:45", False),
    ],
)
def test_who_has_lost_the_time_is_not_let_in_while_it_is_closed(
    starts: int, closed: bool, now: str, let_in: bool
) -> None:
    """Whether it is known already or the closure alone tells; everybody else may wait inside."""
    visit = Visit(date(2026, 2, 10), starts, starts + 30)
    if let_in:
        check_not_closed(visit, closed, [SHUT], at(now))
    else:
        with pytest.raises(Closed):
            check_not_closed(visit, closed, [SHUT], at(now))


@pytest.mark.parametrize(
    ("now", "open_"), [("08:29", False), ("08:30", True), ("13:00", True), ("16:59", True), ("17:00", False)]
)
def test_tickets_are_given_out_while_the_group_is_open_and_shortly_before(now: str, open_: bool) -> None:
    if open_:
        check_walk_in_time(RULE, OFFICE, at(now))
    else:
        with pytest.raises(Closed):
            check_walk_in_time(RULE, OFFICE, at(now))
    with pytest.raises(Closed):
        check_walk_in_time(RULE, (), at(now))


def test_a_booking_on_time_comes_before_who_took_a_ticket_ten_minutes_before_it_begins() -> None:
    booked = rank_of_booking(RULE, STARTS, "none", at("09:40"))
    assert rank_of_walk_in(RULE, "none", at("09:49")) < booked < rank_of_walk_in(RULE, "none", at("09:51"))
    assert booked == rank_of_booking(RULE, STARTS, "none", at("10:15"))


def test_a_booking_that_is_late_is_as_one_without() -> None:
    assert rank_of_booking(RULE, STARTS, "none", at("10:16")) == rank_of_walk_in(RULE, "none", at("10:16"))


@pytest.mark.parametrize("priority", [one for one in PRIORITIES if one != "none"])
def test_the_elderly_and_the_disabled_are_twenty_minutes_ahead(priority: str) -> None:
    assert rank_of_walk_in(RULE, priority, at("10:00")) == at("09:40")
    assert rank_of_booking(RULE, STARTS, priority, at("09:45")) == at("09:30")


MINUTES = st.integers(0, 600)


@given(
    MINUTES, MINUTES, st.integers(-600, 600), st.sampled_from(PRIORITIES), st.sampled_from(PRIORITIES), st.booleans()
)
def test_nobody_is_overtaken_for_ever(first: int, later: int, starts: int, mine: str, other: str, books: bool) -> None:
    """Whoever comes so much later has the higher rank, booked or not, with whatever priority."""
    came, then = STARTS + timedelta(minutes=first), STARTS + timedelta(minutes=first + later)
    waits = rank_of_walk_in(RULE, mine, came)
    comes = rank_of_booking(RULE, then + timedelta(minutes=starts), other, then) if books else None
    comes = comes or rank_of_walk_in(RULE, other, then)
    if then - came > timedelta(minutes=RULE.late_minutes + RULE.lead_minutes + RULE.priority_minutes):
        assert waits < comes


@pytest.mark.parametrize(
    ("identity_number", "priority"),
    [
        ("440105196102100011", "elderly"),
        ("440105196102110011", "none"),
        (None, "none"),
        ("440105193001010011", "elderly"),
    ],
)
def test_the_identity_number_tells_who_is_elderly(identity_number: str | None, priority: str) -> None:
    assert priority_of(RULE, "none", identity_number, date(2026, 2, 10)) == priority
    assert priority_of(RULE, "disabled", identity_number, date(2026, 2, 10)) == "disabled"


@pytest.mark.parametrize(
    ("place", "count", "number"),
    [(0, 12, "A012"), (1, 1, "B001"), (25, 999, "Z999"), (26, 1000, "AA1000"), (702, 1, "AAA001")],
)
def test_numbers_begin_with_the_letter_of_the_group(place: int, count: int, number: str) -> None:
    assert number_of(place, count) == number


def test_who_stood_at_the_door_before_it_opened_is_behind_who_has_booked_the_first_time_in_the_order_of_coming() -> (
    None
):
    first, second, third = (
        rank_of_walk_in(RULE, "none", taken_at(OFFICE, at(now))) for now in ("08:30", "08:31", "08:59")
    )
    opens = at("09:00")
    assert rank_of_booking(RULE, opens, "none", at("08:59")) < first < second < third < opens
    assert rank_of_walk_in(RULE, "disabled", taken_at(OFFICE, at("08:59"))) < rank_of_booking(
        RULE, opens, "none", at("08:40")
    )


@pytest.mark.parametrize(
    ("now", "open_"), [("09:00", True), ("11:59", True), ("12:00", False), ("13:59", False), ("14:00", True)]
)
def test_a_break_is_like_the_morning(now: str, open_: bool) -> None:
    taken = taken_at(OFFICE, at(now))
    if open_:
        assert taken == at(now)
    else:
        assert rank_of_booking(RULE, at("14:00"), "none", at("13:59")) < taken < at("14:00")
