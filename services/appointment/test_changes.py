"""Cancelled, moved, closed, re-planned, missed: what follows for the booking, its places and the person."""

from datetime import date
from typing import Any

import pytest

from kernel.contracts import appointment as contract, closures
from kernel.contracts.appointment_refusals import (
    AlreadyBooked,
    BeyondClosing,
    Blocked,
    Closed,
    Full,
    InThePast,
    NotInThatState,
    OutsideWindow,
    TooLate,
    UnknownBooking,
    UnknownGroup,
    UnknownHall,
)
from kernel.contracts.visit_facts import VisitBlocked, VisitCancelled
from kernel.errors import Refusal
from services.appointment.bootstrap import RETURN_SECONDS, a_while
from services.appointment.testing import HALL, POLICE, STAFF, TUESDAY, WEDNESDAY, Desk

THURSDAY = date(2026, 2, 12)


def test_a_cancelled_place_comes_back_after_a_while(desk: Desk) -> None:
    desk.schedule(capacity=1)
    number = desk.book(1)["number"]
    answer = desk.cancel(number, key="k")
    assert (answer["state"], desk.booking(number).state) == ("cancelled", "cancelled")
    fact = desk.facts(number)[-1]
    assert fact == VisitCancelled(occurred_at=desk.clock.now(), by="a-1", hall="tianhe", cause="visitor")
    assert desk.cancel(number, key="k") == answer
    with pytest.raises(NotInThatState):
        desk.cancel(number)
    with pytest.raises(Full):
        desk.book(2)
    desk.advance(seconds=99)
    assert desk.app.offering.returns() == 0
    desk.advance(seconds=1)
    assert (desk.app.offering.returns(), desk.app.offering.returns()) == (1, 0)
    desk.book(2)
    desk.book(1, time="10:00")  # what was cancelled counts no more
    desk.check()


def test_how_long_it_takes_is_random_within_bounds() -> None:
    seconds = {a_while().total_seconds() for _ in range(200)}
    assert RETURN_SECONDS[0] <= min(seconds) < max(seconds) <= RETURN_SECONDS[1]
    assert len(seconds) > 50


def test_too_late_to_cancel_or_to_move(desk: Desk) -> None:
    number = desk.book(1)["number"]
    desk.advance(hours=23, seconds=1)
    before = desk.traces()
    with pytest.raises(TooLate) as refusal:
        desk.cancel(number)
    assert refusal.value.params == {"before": "2026-02-10T07:00:00+08:00", "before_text": "2026-02-10 07:00"}
    with pytest.raises(TooLate):
        desk.move(number)
    desk.advance(hours=2)
    with pytest.raises(InThePast):
        desk.cancel(number)
    assert desk.traces() == before


def test_staff_cancel_for_who_calls_too_late_to_do_so(desk: Desk) -> None:
    number = desk.book(1)["number"]
    desk.advance(hours=24, minutes=59)
    with pytest.raises(TooLate):
        desk.cancel(number)
    answer = desk.cancel_by_staff(number, key="k")
    assert contract.Appointment().validate(answer) == {}
    assert (answer["state"], desk.booking(number).state) == ("cancelled", "cancelled")
    assert desk.facts(number)[-1] == VisitCancelled(
        occurred_at=desk.clock.now(), by=STAFF, hall="tianhe", cause="staff", reason="应来电要求取消"
    )
    assert desk.cancel_by_staff(number, key="k") == answer
    with pytest.raises(NotInThatState):
        desk.cancel_by_staff(number)
    desk.advance(days=1)
    assert (desk.app.sweeping.missed(), desk.app.offering.returns()) == (0, 1)
    desk.check()


def test_staff_cancel_neither_what_has_begun_nor_another_halls_nor_a_hold(desk: Desk) -> None:
    number, hold = desk.book(1)["number"], desk.hold(2)["number"]
    for booking, hall in ((number, "panyu"), (hold, "tianhe"), ("nothing", "tianhe")):
        with pytest.raises(UnknownBooking):
            desk.cancel_by_staff(booking, hall)
    desk.advance(hours=25)
    with pytest.raises(InThePast):
        desk.cancel_by_staff(number)


def test_what_is_held_for_a_closed_visit_is_free_once_staff_have_cancelled_it(desk: Desk) -> None:
    number = desk.book(1, date=WEDNESDAY)["number"]
    desk.shut()
    desk.sweep()
    desk.cancel_by_staff(number)
    desk.advance(seconds=100)
    desk.sweep()
    assert desk.taken() == {}
    desk.check()


def test_a_moved_visit_takes_the_new_place_and_gives_up_the_old(desk: Desk) -> None:
    number = desk.book(1, people=2)["number"]
    answer = desk.move(number, day=TUESDAY, time="09:30", key="k")  # shares a slot with what it had
    assert (answer["starts_at"][11:16], answer["ends_at"][11:16], answer["state"]) == ("09:30", "10:30", "booked")
    assert desk.move(number, day=TUESDAY, time="09:30", key="k") == answer
    assert [row[0] for row in desk.query("SELECT count(*) FROM place_return")] == [1]
    desk.check()
    desk.advance(seconds=100)
    desk.app.offering.returns()
    assert list(desk.taken().values()) == [1, 1]
    assert desk.rebuilt(number).version == 2
    desk.check()


@pytest.mark.parametrize(
    ("day", "time", "refusal"),
    [
        (WEDNESDAY, "10:00", Full),
        (WEDNESDAY, "13:00", Closed),
        (WEDNESDAY, "11:30", BeyondClosing),
        (THURSDAY, "09:00", AlreadyBooked),
        (date(2026, 2, 20), "09:00", OutsideWindow),
        (date(2026, 2, 6), "09:00", InThePast),
    ],
)
def test_a_move_that_is_refused_changes_nothing(desk: Desk, day: date, time: str, refusal: type[Refusal]) -> None:
    desk.schedule(capacity=1)
    number = desk.book(1, people=2)["number"]
    desk.book(2, date=WEDNESDAY, time="10:30")
    desk.book(1, date=THURSDAY, time="14:00")
    before = desk.traces()
    with pytest.raises(refusal):
        desk.move(number, day=day, time=time, key="k")
    assert desk.traces() == before
    desk.check()
    assert desk.move(number, day=WEDNESDAY, time="09:00", key="k")["starts_at"].startswith("2026-02-11T09:00")
    desk.check()


def test_a_closure_closes_slots_and_names_whom_it_hits(desk: Desk) -> None:
    hit, kept = desk.book(1, date=WEDNESDAY)["number"], desk.book(2)["number"]
    answer = desk.shut(since="09:00", until="10:00")
    assert closures.Replanned().validate(answer) == {}
    assert [one["number"] for one in answer["hit"]] == [hit]
    with pytest.raises(Closed):
        desk.book(3, date=WEDNESDAY, time="09:30")
    desk.book(3, date=WEDNESDAY, time="10:00")
    assert desk.booking(kept).state == desk.booking(hit).state == "booked"
    assert desk.move(hit, day=THURSDAY)["state"] == "booked"
    assert desk.schedule()["hit"] == []
    desk.check()


def test_a_closure_of_one_group_leaves_the_others(desk: Desk) -> None:
    desk.shut(group=POLICE)
    with pytest.raises(Closed):
        desk.book(1, date=WEDNESDAY)
    desk.book(1, date=WEDNESDAY, items=["tax"])


@pytest.mark.parametrize(
    ("change", "hit"),
    [
        ({"capacity": 1}, False),  # fewer places: who has one keeps it
        ({"weekly": {"3": [{"since": "14:00", "until": "17:00"}]}}, True),
        ({"slot_minutes": 20}, True),
        ({"capacity": 9}, False),
    ],
)
def test_a_changed_schedule_names_whom_it_leaves_without_a_time(desk: Desk, change: dict[str, Any], hit: bool) -> None:
    desk.schedule(capacity=2)
    numbers = [desk.book(number, date=WEDNESDAY)["number"] for number in (1, 2)]
    answer = desk.schedule(**{"capacity": 2, **change})
    assert [one["number"] for one in answer["hit"]] == (sorted(numbers) if hit else [])
    desk.check()


def test_a_slot_that_shrank_gives_no_place_back_beyond_its_schedule(desk: Desk) -> None:
    numbers = [desk.book(number)["number"] for number in (1, 2)]
    desk.schedule(capacity=1)
    desk.cancel(numbers[0])
    desk.advance(seconds=100)
    desk.app.offering.returns()
    with pytest.raises(Full):
        desk.book(3)
    desk.cancel(numbers[1], 2)
    desk.advance(seconds=100)
    desk.app.offering.returns()
    desk.book(3)
    with pytest.raises(Full):
        desk.book(4)
    desk.check()


def test_a_slot_that_shrank_has_nothing_to_offer_before_it_is_below_its_schedule(desk: Desk) -> None:
    desk.schedule(capacity=2)
    first, second = (desk.book(number)["number"] for number in (1, 2))
    entry = desk.join(3)["number"]
    desk.schedule(capacity=1)
    for number, booking, state in ((1, first, "waiting"), (2, second, "offered")):
        desk.cancel(booking, number)
        desk.advance(seconds=desk.delay)
        desk.sweep()
        assert desk.entry(entry, 3)["state"] == state
        assert sum(desk.taken().values()) == 1
    desk.check()


def test_slots_are_made_ahead_day_by_day(desk: Desk) -> None:
    before = desk.query("SELECT count(*) FROM slot")[0][0]
    desk.app.planning.ahead()
    assert desk.query("SELECT count(*) FROM slot")[0][0] == before
    desk.advance(days=7)
    desk.app.planning.ahead()
    assert desk.query("SELECT count(*) FROM slot")[0][0] > before
    desk.book(1, date=date(2026, 2, 25))  # over the Spring Festival


def test_what_the_catalogue_has_no_more_is_not_booked(desk: Desk) -> None:
    desk.app.planning.adopt([{**HALL, "units": HALL["units"][:1]}])
    with pytest.raises(Refusal):
        desk.book(1, items=["tax"])
    desk.app.planning.adopt([HALL])
    desk.book(1, items=["tax"])


def test_staff_are_told_of_halls_and_groups_that_do_not_exist(desk: Desk) -> None:
    with pytest.raises(UnknownGroup):
        desk.schedule(group="tianhe.none")
    with pytest.raises(UnknownHall):
        desk.app.planning.set_rule("nowhere", {}, "staff-1")


def test_two_missed_visits_block_the_person(desk: Desk) -> None:
    first = desk.book(1)["number"]
    desk.advance(days=1)
    assert desk.app.sweeping.missed() == 0
    desk.advance(hours=16)
    assert (desk.app.sweeping.missed(), desk.app.sweeping.missed()) == (1, 0)
    second = desk.book(1, date=THURSDAY)["number"]
    desk.advance(days=3)
    assert desk.app.sweeping.missed() == 1
    assert [fact.TYPE for fact in desk.facts(first)] == ["visit.booked", "visit.no_show"]
    blocked = desk.facts(second)[-1]
    assert isinstance(blocked, VisitBlocked)
    assert blocked.until == date(2026, 5, 14)
    desk.app.planning.ahead()
    with pytest.raises(Blocked) as refusal:
        desk.book(1, date=date(2026, 2, 25))
    assert refusal.value.params == {"until": "2026-05-14"}
    desk.book(2, date=date(2026, 2, 25))
    desk.check()


def test_nothing_that_a_visitor_writes_can_get_onto_the_log() -> None:
    texts = {"idempotency_key", "number", "language", "principal"}
    assert set(contract.Cancel().fields) == texts
    assert set(contract.Move().fields) == {*texts, "date", "time"}


@pytest.mark.parametrize("day", [date.min, date.max])
def test_no_day_of_the_calendar_is_too_far_to_be_asked_for(desk: Desk, day: date) -> None:
    for item in (None, "passport"):
        asked = contract.SlotsAsked().load({"hall": "tianhe", "item": item, "date": day.isoformat()})
        assert all(group["days"] == [] for group in desk.app.free_times.show(asked)["groups"])
    with pytest.raises((OutsideWindow, InThePast)):
        desk.book(1, date=day)


def test_free_times_are_those_that_can_be_booked(desk: Desk) -> None:
    desk.schedule(capacity=2, window_quota=1)
    desk.book(1)
    desk.book(2, date=WEDNESDAY, time="09:30")
    asked = contract.SlotsAsked().load({"hall": "tianhe", "item": "passport", "people": 2})
    answer = desk.app.free_times.show(asked)
    assert contract.FreeSlots().validate(answer) == {}
    assert (answer["first_day"], answer["last_day"]) == ("2026-02-10", "2026-02-14")
    (group,) = answer["groups"]
    assert (group["group"], group["minutes"]) == (POLICE, 60)
    days = {day["date"]: [one["time"] for one in day["times"]] for day in group["days"]}
    afternoon = ["14:00", "14:30", "15:00", "15:30", "16:00"]
    assert days["2026-02-10"] == ["09:30", "10:00", "10:30", "11:00", *afternoon]
    assert days["2026-02-11"] == ["10:00", "10:30", "11:00", *afternoon]
    assert list(days) == ["2026-02-10", "2026-02-11", "2026-02-12", "2026-02-13", "2026-02-14"]
    whole = desk.app.free_times.show(contract.SlotsAsked().load({"hall": "tianhe", "date": "2026-02-12", "days": 1}))
    assert [[day["date"] for day in one["days"]] for one in whole["groups"]] == [["2026-02-12"]] * 2
    with pytest.raises(UnknownHall):
        desk.app.free_times.show(contract.SlotsAsked().load({"hall": "nowhere"}))
