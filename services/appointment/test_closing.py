"""Closed out: told once, offered times that are held, free to leave at any hour, whole again if it opens after all."""

from datetime import date
from typing import Any

import pytest

from kernel.clock import format_time, to_micros
from kernel.contracts import appointment as contract, closures
from kernel.contracts.appointment_refusals import (
    Blocked,
    Closed,
    Full,
    HoldExpired,
    TooLate,
    UnknownBooking,
    UnknownClosure,
    UnknownHall,
)
from kernel.contracts.visit_facts import VisitCancelled, VisitClosed, VisitReopened
from kernel.idempotency import KeyReused
from services.appointment.domain.booking import State
from services.appointment.testing import HALL, TUESDAY, WEDNESDAY, Desk

THURSDAY = date(2026, 2, 12)
FRIDAY = date(2026, 2, 13)


def closed_out(desk: Desk, **change: Any) -> str:
    """Person 1 has booked on Wednesday at nine, which is closed then; the sweep has been there."""
    number = str(desk.book(1, date=WEDNESDAY, **change)["number"])
    desk.shut()
    desk.sweep()
    return number


def offered(desk: Desk, number: str) -> list[str]:
    """Day and time of each that is held for person 1."""
    shown = desk.app.own_bookings.show(desk.caller("a-1"), number)
    return [f"{one['date'][-2:]} {one['time']}" for one in shown["offered"]]


def test_who_is_closed_out_is_told_once_and_offered_the_nearest_times(desk: Desk) -> None:
    number = closed_out(desk)
    fact = desk.facts(number)[-1]
    assert isinstance(fact, VisitClosed)
    assert (fact.reason, fact.by) == ("设备检修", "staff-1")
    assert [format_time(one)[8:16] for one in fact.offered] == ["10T09:00", "12T09:00", "13T09:00"]
    assert fact.held_until is not None
    assert format_time(fact.held_until) == "2026-02-10T08:00:00+08:00"
    shown = desk.app.own_bookings.show(desk.caller("a-1"), number)
    assert contract.Appointment().validate(shown) == {}
    assert (shown["closed"], shown["state"], shown["offered_until"]) == (True, "booked", "2026-02-10T08:00:00+08:00")
    assert offered(desk, number) == ["10 09:00", "12 09:00", "13 09:00"]
    assert desk.app.own_bookings.page(desk.caller("a-1"), 1, 20)["items"] == [shown]
    desk.sweep()
    assert len(desk.facts(number)) == 2
    assert sum(desk.taken().values()) == 4
    desk.check()


def test_what_is_held_for_them_nobody_else_gets(desk: Desk) -> None:
    desk.schedule(capacity=1)
    closed_out(desk)
    with pytest.raises(Full):
        desk.book(2)
    desk.book(2, time="09:30")
    desk.check()


def test_moving_to_one_takes_it_and_frees_the_others(desk: Desk) -> None:
    desk.schedule(capacity=1)
    number = closed_out(desk)
    moved = desk.move(number, day=TUESDAY, key="k")
    assert (moved["closed"], moved["offered"], moved["starts_at"][:16]) == (False, [], "2026-02-10T09:00")
    assert desk.move(number, day=TUESDAY, key="k") == moved
    desk.check()
    desk.sweep()
    desk.book(2, date=FRIDAY)
    desk.book(3, date=THURSDAY)
    with pytest.raises(Full):
        desk.book(4)
    desk.check()


def test_moving_elsewhere_frees_all_of_them(desk: Desk) -> None:
    desk.schedule(capacity=1)
    number = closed_out(desk, people=2)
    desk.move(number, day=FRIDAY, time="10:00")
    desk.sweep()
    assert sum(desk.taken().values()) == 2 + 2, "and what it had on the closed day comes back later"
    desk.check()


def test_a_move_that_overlaps_what_is_held_uses_it(desk: Desk) -> None:
    desk.schedule(capacity=1)
    number = closed_out(desk, people=2)
    assert offered(desk, number) == ["10 09:00", "12 09:00", "13 09:00"]
    assert desk.move(number, day=TUESDAY, time="09:30")["ends_at"][11:16] == "10:30"
    desk.check()
    desk.sweep()
    desk.book(2)
    desk.book(3, time="10:30")
    with pytest.raises(Full):
        desk.book(4, time="09:30")
    desk.check()


def test_what_is_let_lapse_is_free_again(desk: Desk) -> None:
    desk.schedule(capacity=1)
    desk.rule(closure_hold_minutes=60)
    number = closed_out(desk)
    desk.advance(hours=1)
    desk.sweep()
    assert offered(desk, number) == []
    desk.book(2)
    with pytest.raises(Full):
        desk.move(number, day=TUESDAY)
    assert desk.move(number, day=TUESDAY, time="09:30")["closed"] is False
    desk.check()


def test_cancelling_frees_them(desk: Desk) -> None:
    number = closed_out(desk)
    desk.advance(hours=25)  # an hour before
    assert desk.cancel(number)["state"] == "cancelled"
    desk.advance(seconds=100)
    desk.sweep()
    assert desk.taken() == {}
    desk.check()


def test_whoever_is_closed_out_leaves_at_any_hour(desk: Desk) -> None:
    desk.rule(first_day=0)
    number, kept = desk.book(1)["number"], desk.book(2)["number"]
    desk.advance(hours=24, minutes=30)
    for booking, person in ((number, 1), (kept, 2)):
        with pytest.raises(TooLate):
            desk.move(booking, person, day=THURSDAY)
    desk.shut(first_day=TUESDAY.isoformat(), last_day=TUESDAY.isoformat(), until="09:30")
    desk.sweep()
    assert desk.move(number, 1, day=THURSDAY)["starts_at"].startswith("2026-02-12T09:00")
    assert desk.cancel(kept, 2)["state"] == "cancelled"
    desk.check()


def test_nothing_is_offered_where_nothing_is_free(desk: Desk) -> None:
    desk.book(1, date=WEDNESDAY)
    number = desk.query("SELECT number FROM booking")[0][0]
    desk.shut(first_day="2026-02-09", last_day="2026-02-20")
    desk.sweep()
    (fact,) = [one for one in desk.facts(number) if isinstance(one, VisitClosed)]
    assert (fact.offered, fact.held_until) == ((), None)
    assert offered(desk, number) == []
    desk.check()


def test_times_that_the_person_may_not_have_are_not_offered(desk: Desk) -> None:
    number = desk.book(1, date=WEDNESDAY)["number"]
    desk.book(1, date=THURSDAY)
    desk.shut()
    desk.sweep()
    assert [one[:2] for one in offered(desk, number)] == ["10", "13", "14"]


def test_those_held_count_for_no_limit(desk: Desk) -> None:
    closed_out(desk)
    desk.book(1, date=FRIDAY)
    desk.check()


def test_times_are_not_offered_twice(desk: Desk) -> None:
    desk.schedule(capacity=1)
    numbers = [desk.book(n, date=WEDNESDAY, time=f"{9 + n}:00".zfill(5))["number"] for n in (0, 1, 2)]
    desk.shut()
    desk.sweep()
    times = [one for number in numbers for one in desk.facts(number)[-1].offered]  # type: ignore[attr-defined]
    assert len(set(times)) == len(times) == 9
    desk.check()


def test_a_changed_schedule_closes_out_as_well(desk: Desk) -> None:
    number = desk.book(1, date=WEDNESDAY)["number"]
    english = desk.book(2, date=WEDNESDAY, language="en")["number"]
    desk.schedule(weekly={"2": [{"since": "14:00", "until": "17:00"}], "4": [{"since": "14:00", "until": "17:00"}]})
    desk.sweep()
    fact = desk.facts(number)[-1]
    assert isinstance(fact, VisitClosed)
    assert (fact.reason, fact.by) == ("办理时间调整", "clock")
    assert desk.facts(english)[-1].reason == "a change of opening hours"  # type: ignore[attr-defined]
    desk.check()


def test_a_closure_taken_back_makes_it_whole_again(desk: Desk) -> None:
    desk.schedule(capacity=1)
    number = closed_out(desk)
    answer = desk.app.planning.reopen("tianhe", desk.closure(), "staff-2")
    assert (closures.Replanned().validate(answer), answer["hit"]) == ({}, [])
    desk.sweep()
    row = desk.booking(number)
    assert desk.facts(number)[-1] == VisitReopened(
        occurred_at=desk.clock.now(), by="clock", hall="tianhe", starts_at=row.starts_at, ends_at=row.ends_at
    )
    assert (row.closed, row.state, offered(desk, number)) == (False, State.BOOKED, [])
    desk.sweep()
    assert len(desk.facts(number)) == 3
    desk.book(2)
    assert len(desk.taken()) == 2
    desk.check()


def test_a_closure_taken_back_before_anybody_was_told_is_no_news(desk: Desk) -> None:
    number = desk.book(1, date=WEDNESDAY)["number"]
    desk.shut()
    desk.app.planning.reopen("tianhe", desk.closure(), "staff-2")
    desk.sweep()
    assert [fact.TYPE for fact in desk.facts(number)] == ["visit.booked"]


def test_a_closure_sent_twice_is_one_and_taken_back_with_one(desk: Desk) -> None:
    number = desk.book(1, date=WEDNESDAY)["number"]
    assert desk.shut(key="k") == desk.shut(key="k")
    with pytest.raises(KeyReused):
        desk.shut(key="k", since="09:00")
    desk.sweep()
    desk.app.planning.reopen("tianhe", desk.closure(), "staff-2")
    desk.sweep()
    assert not desk.booking(number).closed
    desk.check()


def test_one_of_two_closures_taken_back_opens_nothing(desk: Desk) -> None:
    number = closed_out(desk)
    first = desk.closure()
    desk.shut(since="09:00", until="10:00")
    assert [one["number"] for one in desk.app.planning.reopen("tianhe", first, "staff-2")["hit"]] == [number]
    desk.sweep()
    assert desk.booking(number).closed


def test_staff_see_whom_it_has_hit_and_who_knows(desk: Desk) -> None:
    number = desk.book(1, date=WEDNESDAY)["number"]
    assert desk.app.planning.hit("tianhe") == {"items": [], "total": 0}
    assert [one["told"] for one in desk.shut()["hit"]] == [False]
    desk.sweep()
    answer = desk.app.planning.hit("tianhe")
    assert closures.HitList().validate(answer) == {}
    assert [(one["number"], one["told"]) for one in answer["items"]] == [(number, True)]
    desk.move(number, day=THURSDAY)
    assert desk.app.planning.hit("tianhe") == {"items": [], "total": 0}


def test_who_closed_and_who_took_it_back_stays_written(desk: Desk) -> None:
    desk.shut()
    closure, at = desk.closure(), desk.clock.now()
    before = desk.app.planning.reopen("tianhe", closure, "staff-2")
    desk.advance(minutes=1)
    assert desk.app.planning.reopen("tianhe", closure, "staff-3") == before, "sent again"
    assert desk.app.planning.closures("tianhe")["items"] == []
    rows = desk.query("SELECT made_by, withdrawn_by, withdrawn_at FROM closure")
    assert rows == [("staff-1", "staff-2", to_micros(at))]


def test_a_closure_that_is_not_there_cannot_be_taken_back(desk: Desk) -> None:
    desk.shut()
    with pytest.raises(UnknownClosure):
        desk.app.planning.reopen("tianhe", "nothing", "staff-2")
    with pytest.raises(UnknownHall):
        desk.app.planning.reopen("nowhere", desk.closure(), "staff-2")
    desk.app.planning.reopen("tianhe", desk.closure(), "staff-2")
    desk.book(1, date=WEDNESDAY)


def test_nobody_misses_a_visit_that_was_closed(desk: Desk) -> None:
    number = closed_out(desk)
    desk.advance(days=2, hours=1)
    desk.sweep()
    assert desk.app.sweeping.missed() == 0
    fact = desk.facts(number)[-1]
    assert fact == VisitCancelled(occurred_at=desk.clock.now(), by="clock", hall="tianhe", cause="closure")
    assert desk.booking(number).state is State.CANCELLED
    desk.sweep()
    assert desk.taken() == {}
    desk.check()


def test_what_is_held_outlasts_the_time_that_was_closed(desk: Desk) -> None:
    """Closed an hour before: the promise is kept, and only then is the visit cancelled."""
    number = desk.book(1)["number"]
    desk.advance(days=1)
    desk.shut(first_day=TUESDAY.isoformat(), last_day=TUESDAY.isoformat())
    desk.sweep()
    desk.advance(hours=20)
    desk.app.sweeping.missed()
    desk.sweep()
    assert (desk.booking(number).state, len(offered(desk, number))) == (State.BOOKED, 3)
    desk.advance(hours=4)
    desk.sweep()
    assert desk.booking(number).state is State.CANCELLED
    desk.check()


def test_nobody_misses_a_visit_whose_closure_they_were_not_told_of(desk: Desk) -> None:
    """The service was away when the hall closed, and is back the day after."""
    number = desk.book(1)["number"]
    desk.shut(first_day=TUESDAY.isoformat(), last_day=TUESDAY.isoformat())
    desk.advance(days=1, hours=16)
    assert (desk.app.sweeping.missed(), desk.app.sweeping.missed()) == (1, 0)
    assert [fact.TYPE for fact in desk.facts(number)] == ["visit.booked", "visit.cancelled"]
    desk.sweep()
    assert desk.taken() == {}
    desk.check()


def test_a_hold_that_a_closure_overtakes_is_not_confirmed(desk: Desk) -> None:
    held = desk.hold(1, date=WEDNESDAY)["number"]
    desk.shut()
    desk.sweep()
    with pytest.raises(Closed):
        desk.confirm(held)
    desk.app.planning.reopen("tianhe", desk.closure(), "staff-2")
    assert desk.confirm(held)["state"] == "booked"
    desk.check()


def test_what_is_held_for_a_closed_visit_is_not_confirmed_but_moved_to(desk: Desk) -> None:
    number = closed_out(desk)
    held = desk.query("SELECT number FROM booking WHERE instead_of = :number", number=number)[0][0]
    with pytest.raises(UnknownBooking):
        desk.confirm(held)
    desk.advance(days=2)
    with pytest.raises((UnknownBooking, HoldExpired)):
        desk.confirm(held)


def test_a_block_keeps_nobody_from_moving_who_was_closed_out(desk: Desk) -> None:
    desk.rule(no_shows=1, per_week=5)
    desk.book(1)
    number, kept = desk.book(1, date=THURSDAY)["number"], desk.book(1, date=FRIDAY)["number"]
    desk.advance(days=1, hours=16)
    desk.app.sweeping.missed()
    with pytest.raises(Blocked):
        desk.move(kept, day=date(2026, 2, 14))
    desk.shut(first_day=THURSDAY.isoformat(), last_day=THURSDAY.isoformat())
    desk.sweep()
    assert desk.move(number, day=date(2026, 2, 14))["state"] == "booked"


def test_a_group_that_the_catalogue_has_no_more_keeps_its_bookings(desk: Desk) -> None:
    number = desk.book(1, items=["tax"])["number"]
    hold = desk.hold(2, items=["tax"])["number"]
    desk.app.planning.adopt([{**HALL, "units": HALL["units"][:1]}])
    caller = desk.caller("a-1")
    assert desk.app.own_bookings.show(caller, number)["state"] == "booked"
    assert desk.app.own_bookings.page(caller, 1, 20)["total"] == 1
    with pytest.raises(Closed):
        desk.move(number, day=WEDNESDAY)
    with pytest.raises(Closed):
        desk.confirm(hold, 2)
    assert desk.cancel(number)["state"] == "cancelled"
    desk.check()


def test_a_closure_hits_what_is_booked_in_a_group_that_the_catalogue_has_no_more(desk: Desk) -> None:
    number = desk.book(1, items=["tax"], date=WEDNESDAY)["number"]
    other = desk.book(2, items=["tax"])["number"]
    desk.app.planning.adopt([{**HALL, "units": HALL["units"][:1]}])
    assert [one["number"] for one in desk.shut()["hit"]] == [number]
    desk.sweep()
    assert desk.app.own_bookings.show(desk.caller("a-1"), number)["closed"]
    assert not desk.app.own_bookings.show(desk.caller("a-2"), other)["closed"]
    desk.app.planning.reopen("tianhe", desk.closure(), "staff-2")
    desk.sweep()
    assert not desk.app.own_bookings.show(desk.caller("a-1"), number)["closed"]
    assert [fact.TYPE for fact in desk.facts(number)] == ["visit.booked", "visit.closed", "visit.reopened"]
    desk.check()


def test_nothing_is_planned_for_a_group_that_the_catalogue_has_no_more_and_nobody_has_booked(desk: Desk) -> None:
    desk.app.planning.adopt([{**HALL, "units": HALL["units"][:1]}])
    slots = "SELECT max(s.id) FROM slot s JOIN business_group g ON g.no = s.id / 2147483648 WHERE g.retired"
    before = desk.query(slots)
    desk.advance(days=30)
    desk.app.planning.ahead()
    assert desk.query(slots) == before != [(None,)]
