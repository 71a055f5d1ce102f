"""Places that people give up: so often a day, so often a booking, and never without their number counting.

And visits that were missed though somebody had checked in.
"""

from datetime import date

import pytest

from kernel.contracts.appointment_refusals import (
    Full,
    GivenUpTooOften,
    HoldExpired,
    LimitReached,
    MovedTooOften,
    NotInThatState,
    UnknownBooking,
)
from services.appointment.testing import TUESDAY, WEDNESDAY, Desk, visitor

THURSDAY = date(2026, 2, 12)
FRIDAY = date(2026, 2, 13)


def close_tuesday(desk: Desk) -> None:
    desk.shut(first_day="2026-02-10", last_day="2026-02-10")


def taken_and_left(desk: Desk, number: int, times: int, hold: bool = False) -> None:
    for minute in range(times):
        visit = (desk.hold if hold else desk.book)(number, time=f"{9 + minute // 2:02}:{minute % 2 * 30:02}")
        desk.cancel(visit["number"], number)


@pytest.mark.parametrize("hold", [False, True])
def test_nobody_empties_a_day_by_taking_and_leaving(desk: Desk, hold: bool) -> None:
    taken_and_left(desk, 1, 5, hold)
    before = desk.traces()
    for act in (desk.book, desk.hold):
        with pytest.raises(GivenUpTooOften) as refusal:
            act(1, time="14:00")
        assert refusal.value.params == {"most": 5}
    assert desk.traces() == before
    with pytest.raises(GivenUpTooOften):
        desk.book(14, visitor=visitor(14, mobile=1), time="14:00")  # the same mobile is the same person
    with pytest.raises(GivenUpTooOften):
        desk.join(1)
    desk.book(2, time="14:00")
    desk.advance(days=1)
    desk.book(1, date=WEDNESDAY)
    desk.check()


def test_a_hold_that_is_given_up_twice_under_a_key_is_given_up_once(desk: Desk) -> None:
    held = desk.hold(1)["number"]
    answer = desk.cancel(held, key="k")
    before = desk.traces()
    assert desk.cancel(held, key="k") == answer
    assert desk.traces() == before
    with pytest.raises(NotInThatState):
        desk.cancel(held)


def test_holds_that_nobody_confirms_are_given_up(desk: Desk) -> None:
    for _ in range(5):
        desk.hold(1)
        desk.advance(minutes=6)
        desk.sweep()
    desk.hold(2)
    with pytest.raises(GivenUpTooOften):
        desk.hold(1)


def test_what_was_booked_on_another_day_or_closed_is_not_given_up(desk: Desk) -> None:
    desk.rule(given_up=1)
    old = desk.book(1, date=WEDNESDAY)["number"]
    desk.advance(days=1)
    desk.cancel(old)
    closed = desk.book(1, date=THURSDAY)["number"]
    desk.shut(first_day="2026-02-12", last_day="2026-02-12")
    desk.sweep()
    desk.cancel(closed)
    desk.book(1, date=FRIDAY)
    desk.check()


def test_a_booking_is_moved_so_often_and_no_more(desk: Desk) -> None:
    desk.rule(moves=2)
    number = desk.book(1)["number"]
    for time in ("10:00", "11:00"):
        desk.move(number, day=TUESDAY, time=time)
    before = desk.traces()
    with pytest.raises(MovedTooOften) as refusal:
        desk.move(number, day=TUESDAY, time="14:00")
    assert (refusal.value.params, desk.traces()) == ({"most": 2}, before)
    close_tuesday(desk)
    desk.sweep()
    desk.move(number)  # the hall's doing
    assert (desk.booking(number).moves, desk.rebuilt(number).moves) == (2, 2)
    desk.cancel(number)
    desk.check()


def test_a_hold_is_given_up_and_its_place_comes_back_after_a_while(desk: Desk) -> None:
    desk.schedule(capacity=1)
    number = desk.hold(1)["number"]
    assert [one["number"] for one in desk.app.own_bookings.page(desk.caller("a-1"), 1, 20)["items"]] == [number]
    with pytest.raises(UnknownBooking):
        desk.cancel(number, 2)
    assert desk.cancel(number)["state"] == "expired"
    assert desk.app.own_bookings.page(desk.caller("a-1"), 1, 20)["total"] == 0
    with pytest.raises(NotInThatState):
        desk.cancel(number)
    with pytest.raises(HoldExpired):
        desk.confirm(number)
    with pytest.raises(Full):
        desk.book(2)
    desk.advance(seconds=desk.delay)
    desk.sweep()
    desk.book(2)
    desk.check()


def test_whom_the_hall_has_closed_out_books_something_else(desk: Desk) -> None:
    desk.rule(per_week=1)
    number = desk.book(1)["number"]
    close_tuesday(desk)
    desk.sweep()
    assert desk.booking(number).closed
    desk.book(1, date=WEDNESDAY)
    with pytest.raises(LimitReached):
        desk.book(1, date=THURSDAY)
    desk.check()


def not_there(desk: Desk, number: str) -> None:
    desk.window()
    desk.call_next()
    desk.at_window("miss")
    desk.on("2026-02-11T08:00")
    desk.app.sweeping.missed()


def test_who_checks_in_from_elsewhere_and_is_not_there_has_missed_the_visit(desk: Desk) -> None:
    number = desk.book(1)["number"]
    desk.on("2026-02-10T09:00")
    desk.check_in(number)
    not_there(desk, number)
    assert desk.booking(number).state == "no_show" == desk.rebuilt(number).state
    assert desk.app.sweeping.missed() == 0
    desk.check()


def test_whom_the_door_has_seen_has_come(desk: Desk) -> None:
    first, second = desk.book(1)["number"], desk.book(2)["number"]
    desk.on("2026-02-10T09:00")
    desk.check_in_at_desk(1, first)
    desk.check_in(second, 2)
    desk.check_in_at_desk(2)
    for number in (first, second):
        not_there(desk, number)
        desk.on("2026-02-10T09:00")
    desk.on("2026-02-11T08:00")
    assert desk.app.sweeping.missed() == 0
    assert {desk.booking(number).state for number in (first, second)} == {"checked_in"}
    desk.check()


def test_who_waited_and_was_never_called_has_come(desk: Desk) -> None:
    number = desk.book(1)["number"]
    desk.on("2026-02-10T09:00")
    desk.check_in(number)
    desk.on("2026-02-11T08:00")
    desk.app.queue_day.close()
    assert desk.app.sweeping.missed() == 0
    assert desk.booking(number).state == "checked_in"
