"""Reminded the day before: once, never after the visit, and not who has booked too late to forget it."""

from datetime import date

import pytest

from kernel.contracts.visit_facts import VisitReminded
from services.appointment.testing import TUESDAY, WEDNESDAY, Desk

THURSDAY = date(2026, 2, 12)


def reminders(desk: Desk, number: str) -> list[str]:
    """Days that they were of, each with the moment at which it was said."""
    said = [fact for fact in desk.facts(number) if isinstance(fact, VisitReminded)]
    return [f"{fact.starts_at:%d %H:%M} at {fact.occurred_at:%d %H:%M}" for fact in said]


def test_once_the_day_before(desk: Desk) -> None:
    number = desk.book(1, date=WEDNESDAY)["number"]
    desk.advance(days=1, hours=1, minutes=59)
    assert desk.app.sweeping.reminders() == 0
    desk.advance(minutes=1)
    assert (desk.app.sweeping.reminders(), desk.app.sweeping.reminders()) == (1, 0)
    desk.advance(hours=12)
    desk.sweep()
    assert reminders(desk, number) == ["11 09:00 at 10 10:00"]
    desk.check()


@pytest.mark.parametrize("hours", [0, 15])
def test_who_books_for_the_next_day_needs_none(desk: Desk, hours: int) -> None:
    desk.advance(hours=hours)
    booked, confirmed = desk.book(1)["number"], desk.hold(2)["number"]
    desk.confirm(confirmed, 2)
    desk.advance(hours=20)
    desk.sweep()
    assert reminders(desk, booked) == reminders(desk, confirmed) == []


def test_who_confirms_in_time_is_reminded(desk: Desk) -> None:
    number = desk.hold(1, date=WEDNESDAY)["number"]
    desk.advance(days=1, hours=2)
    desk.sweep()
    other = desk.hold(2, date=THURSDAY)["number"]
    desk.confirm(other, 2)
    desk.advance(days=1)
    desk.sweep()
    assert desk.facts(number) == []
    assert reminders(desk, other) == ["12 09:00 at 11 10:00"]


def test_never_after_the_visit(desk: Desk) -> None:
    """Nobody swept for two days."""
    number = desk.book(1, date=WEDNESDAY)["number"]
    desk.advance(days=2, hours=1)
    desk.app.sweeping.reminders()
    assert reminders(desk, number) == []
    assert desk.booking(number).remind_at is None
    desk.check()


def test_late_on_the_day_is_better_than_never(desk: Desk) -> None:
    number = desk.book(1, date=WEDNESDAY)["number"]
    desk.advance(days=2, minutes=30)
    desk.sweep()
    assert reminders(desk, number) == ["11 09:00 at 11 08:30"]


def test_a_moved_visit_is_reminded_of_anew(desk: Desk) -> None:
    number = desk.book(1, date=WEDNESDAY)["number"]
    desk.advance(days=1, hours=2)
    desk.sweep()
    desk.move(number, day=THURSDAY)
    desk.advance(days=1)
    desk.sweep()
    assert reminders(desk, number) == ["11 09:00 at 10 10:00", "12 09:00 at 11 10:00"]
    desk.check()


def test_who_moves_it_to_the_next_day_needs_none(desk: Desk) -> None:
    number = desk.book(1, date=THURSDAY)["number"]
    desk.move(number, day=TUESDAY)
    desk.advance(hours=20)
    desk.sweep()
    assert reminders(desk, number) == []


def test_what_was_cancelled_or_closed_is_not_reminded_of(desk: Desk) -> None:
    cancelled, closed = (desk.book(n, date=WEDNESDAY)["number"] for n in (1, 2))
    desk.cancel(cancelled)
    desk.shut()
    desk.advance(days=1, hours=3)
    desk.sweep()
    assert reminders(desk, cancelled) == reminders(desk, closed) == []
    desk.check()


def test_what_is_whole_again_is_reminded_of(desk: Desk) -> None:
    number = desk.book(1, date=WEDNESDAY)["number"]
    desk.shut()
    desk.sweep()
    desk.app.planning.reopen("tianhe", desk.closure(), "staff-2")
    desk.sweep()
    desk.advance(days=1, hours=2)
    desk.sweep()
    assert reminders(desk, number) == ["11 09:00 at 10 10:00"]


def test_many_are_reminded_in_one_sweep(desk: Desk) -> None:
    desk.schedule(capacity=50)
    numbers = [desk.book(n, date=WEDNESDAY, time=f"{9 + n % 3}:00".zfill(5))["number"] for n in range(105)]
    desk.advance(days=1, hours=2)
    assert desk.app.sweeping.reminders() == 105
    assert {len(reminders(desk, number)) for number in numbers} == {1}
    desk.check()
