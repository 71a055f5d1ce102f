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
    GivenUpTooOften,
    HoldExpired,
    InThePast,
    LimitReached,
    MovedTooOften,
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
from services.appointment.testing import HALL, POLICE, TUESDAY, WEDNESDAY, Desk, visitor

THURSDAY = date(2026, 2, 12)
FRIDAY = date(2026, 2, 13)


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


def test_own_bookings_are_listed_latest_first(desk: Desk) -> None:
    numbers = [desk.book(1, date=day)["number"] for day in (TUESDAY, WEDNESDAY)]
    desk.book(2)
    page = desk.app.own_bookings.page(desk.caller("a-1"), 1, 1)
    assert contract.AppointmentPage().validate(page) == {}
    assert ([one["number"] for one in page["items"]], page["total"]) == ([numbers[1]], 2)
    assert desk.app.own_bookings.page(desk.caller("nobody"), 1, 20)["total"] == 0


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
    desk.book(2, time="14:00")
    desk.advance(days=1)
    desk.book(1, date=WEDNESDAY)
    desk.check()


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
