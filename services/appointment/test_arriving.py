"""Arriving: checking in for what was booked, and tickets for people without a booking."""

from datetime import timedelta
from typing import Any

import pytest

from kernel.clock import parse_time
from kernel.contracts.appointment_refusals import Closed, NotInThatState, UnknownBooking, UnknownGroup, UnknownHall
from kernel.contracts.hall_day_refusals import AlreadyWaiting, NoTicketsLeft, TooEarly, TooLateToCheckIn, WrongDay
from kernel.contracts.ticket_facts import TicketIssued
from kernel.contracts.visit_facts import VisitCheckedIn
from kernel.errors import Refusal
from kernel.idempotency import KeyReused
from services.appointment.testing import POLICE, STAFF, TAX, WEDNESDAY, Desk, visitor

AT_NINE = "2026-02-10T09:00"  # the hour that is booked


def come(desk: Desk, at: str = AT_NINE) -> str:
    """The first person has booked, and it is time."""
    number: str = desk.book()["number"]
    desk.on(at)
    return number


def test_the_visitor_checks_in_and_gets_a_ticket(desk: Desk) -> None:
    number = come(desk, "2026-02-10T08:45")
    ticket = desk.check_in(number)
    at, rank = parse_time("2026-02-10T08:45:00+08:00"), parse_time("2026-02-10T08:50:00+08:00")
    assert desk.facts(number)[1:] == [VisitCheckedIn(occurred_at=at, by="a-1", hall="tianhe", ticket=ticket["id"])]
    assert desk.facts(ticket["id"]) == [
        TicketIssued(
            occurred_at=at,
            by="a-1",
            hall="tianhe",
            number="B001",
            group=POLICE,
            hall_name="天河区政务服务中心",
            group_name="公安窗口",
            kind="booking",
            rank=rank,
            low=ticket["expected_low"],
            high=ticket["expected_high"],
            booking=number,
        )
    ]
    assert (ticket["number"], ticket["state"], ticket["expected_low"]) == ("B001", "waiting", 15), "it opens at nine"
    desk.check()


def test_checking_in_again_is_the_same_ticket(desk: Desk) -> None:
    number = come(desk)
    first, traces = desk.check_in(number), desk.traces()
    assert desk.check_in(number) == desk.check_in_at_desk() == desk.check_in_at_desk(booking=number) == first
    desk.window()
    desk.call_next()
    desk.at_window("finish")
    assert desk.check_in(number)["id"] == first["id"], "even when all is done"
    same = {name: traces[name] for name in ("event", "states")}
    assert traces == {**desk.traces(), **same, "hall_window": 0}


@pytest.mark.parametrize("by_code", [True, False])
def test_staff_check_in_whoever_shows_the_card(desk: Desk, by_code: bool) -> None:
    number = come(desk)
    ticket = desk.check_in_at_desk(booking=number if by_code else None)
    assert desk.facts(number)[-1].by == STAFF
    assert desk.booking(number).state == "checked_in"
    assert ticket["kind"] == "booking"
    desk.check()


@pytest.mark.parametrize(
    "change",
    [
        {"number": 2},
        {"number": 2, "by_code": True},
        {"hall": "haizhu", "by_code": True},
        {"hall": "haizhu"},
        {"booking": "NOSUCHNUMBER"},
    ],
    ids=str,
)
def test_nobody_checks_in_for_another(desk: Desk, change: dict[str, Any]) -> None:
    number, change = come(desk), dict(change)
    booking = number if change.pop("by_code", False) else change.pop("booking", None)
    before = desk.traces()
    with pytest.raises(UnknownBooking):
        desk.check_in_at_desk(change.pop("number", 1), booking, **change)
    with pytest.raises(UnknownBooking):
        desk.check_in(number, 2)
    assert desk.traces() == before
    desk.check_in_at_desk(booking=number)


@pytest.mark.parametrize(
    ("at", "refusal"),
    [
        ("2026-02-09T09:00", WrongDay),
        ("2026-02-11T09:00", WrongDay),
        ("2026-02-10T08:29", TooEarly),
        ("2026-02-10T11:01", TooLateToCheckIn),
    ],
)
def test_another_day_too_early_and_too_late_are_refused_each_in_its_way(
    desk: Desk, at: str, refusal: type[Refusal]
) -> None:
    number = come(desk, at)
    before = desk.traces()
    with pytest.raises(refusal):
        desk.check_in(number)
    with pytest.raises(refusal):
        desk.check_in_at_desk(booking=number)
    assert desk.traces() == before


def test_who_comes_on_another_day_is_told_the_day(desk: Desk) -> None:
    desk.book(date=WEDNESDAY)
    desk.on(AT_NINE)
    with pytest.raises(WrongDay) as refusal:
        desk.check_in_at_desk()
    assert refusal.value.params == {"date": "2026-02-11"}


def test_what_was_cancelled_or_only_held_is_not_checked_in(desk: Desk) -> None:
    cancelled, held = desk.book()["number"], desk.hold(2)["number"]
    desk.cancel(cancelled)
    desk.on(AT_NINE)
    for number, person in ((cancelled, 1), (held, 2)):
        with pytest.raises(NotInThatState):
            desk.check_in(number, person)
    with pytest.raises(UnknownBooking):
        desk.check_in_at_desk(1)


def test_the_rule_of_the_hall_says_how_early_and_how_late(desk: Desk) -> None:
    number = desk.book()["number"]
    desk.rule(early_minutes=60, late_limit_minutes=5)
    desk.on("2026-02-10T09:06")
    with pytest.raises(TooLateToCheckIn):
        desk.check_in(number)
    desk.on("2026-02-10T08:00")
    desk.check_in(number)


def test_the_elderly_and_who_is_late(desk: Desk) -> None:
    """By the identity number where staff see it, or by what staff say; a booking that is late waits as a walk-in."""
    desk.schedule(capacity=8, window_quota=4)
    old = {"name": "陈伯", "identity_number": "440105194903070013", "mobile": "13900000001"}
    bookings = [desk.book(1, visitor=old), desk.book(2), desk.book(3)]
    desk.on("2026-02-10T09:16")
    tickets = [
        desk.check_in_at_desk(1, identity_number=old["identity_number"]),
        desk.check_in_at_desk(2, priority="disabled"),
        desk.check_in(bookings[2]["number"], 3),
        desk.take(priority="elderly"),
    ]
    assert [ticket["priority"] for ticket in tickets] == ["elderly", "disabled", "none", "elderly"]
    ranks = [fact.rank for ticket in tickets for fact in desk.facts(ticket["id"]) if isinstance(fact, TicketIssued)]
    now = parse_time("2026-02-10T09:16:00+08:00")
    assert [now - rank for rank in ranks] == [timedelta(minutes=count) for count in (20, 20, 0, 20)]


def test_a_ticket_without_a_booking(desk: Desk) -> None:
    desk.on("2026-02-10T09:10")
    first, second, other = desk.take(), desk.take(people=2), desk.take(group=TAX)
    assert [one["number"] for one in (first, second, other)] == ["B001", "B002", "A001"]
    assert desk.facts(second["id"])[0].by == STAFF
    desk.on("2026-02-11T09:10")
    assert desk.take()["number"] == "B001", "every day begins anew"
    desk.check()


def test_when_the_tickets_of_the_day_are_gone_the_next_times_are_told(desk: Desk) -> None:
    desk.schedule(window_quota=1, weekly={"2": [{"since": "09:00", "until": "10:30"}]})  # three of them
    desk.on("2026-02-10T09:10")
    desk.take()
    with pytest.raises(NoTicketsLeft):
        desk.take(people=3)
    desk.take(people=2)
    before = desk.traces()
    with pytest.raises(NoTicketsLeft) as refusal:
        desk.take()
    assert refusal.value.params["next"][0] == {"date": "2026-02-14", "time": "09:00"}, "a Saturday that is worked"
    desk.schedule(window_quota=1, weekly={day: [{"since": "09:00", "until": "10:30"}] for day in "23"})
    with pytest.raises(NoTicketsLeft) as refusal:
        desk.take()
    assert [one["date"] for one in refusal.value.params["next"]] == ["2026-02-11"] * 3
    assert desk.traces() == before


def test_a_closure_takes_its_tickets_away(desk: Desk) -> None:
    desk.schedule(window_quota=1, weekly={"3": [{"since": "09:00", "until": "10:00"}]})
    desk.shut(since="09:30")
    desk.on("2026-02-11T09:00")
    desk.take()
    with pytest.raises(NoTicketsLeft):
        desk.take()


def test_a_wait_stands_still_over_a_closure(desk: Desk) -> None:
    desk.schedule(capacity=4, window_quota=2)
    desk.shut(since="10:00", until="11:00")
    desk.on("2026-02-11T09:45")
    desk.window()
    waits = [desk.take()["expected_high"] for _ in range(2)]
    assert waits == [2, 48 + 60]


def test_no_tickets_once_a_closure_has_ended_the_day(desk: Desk) -> None:
    desk.schedule(capacity=4, window_quota=2)
    desk.shut(since="14:00")
    desk.on("2026-02-11T11:59")
    desk.take()
    for at in ("2026-02-11T14:00", "2026-02-11T15:00"):
        desk.on(at)
        with pytest.raises(Closed):
            desk.take()


def test_who_has_booked_before_a_closure_is_let_in_until_it_begins(desk: Desk) -> None:
    kept, closed = (desk.book(n, date=WEDNESDAY, time=at)["number"] for n, at in ((1, "11:30"), (2, "14:00")))
    desk.shut(since="12:00")
    desk.on("2026-02-11T11:55")
    desk.check_in(kept)
    desk.on("2026-02-11T13:59")
    before = desk.traces()
    with pytest.raises(Closed):
        desk.check_in(closed, 2)
    with pytest.raises(Closed):
        desk.check_in_at_desk(2)
    assert desk.traces() == before
    desk.check()


def test_who_is_let_in_after_a_closure_that_took_the_time_needs_no_other(desk: Desk) -> None:
    number, held = desk.book(1, date=WEDNESDAY)["number"], "SELECT count(*) FROM booking WHERE state = 'held'"
    desk.on("2026-02-11T08:40")
    desk.shut(since="09:00", until="10:00")
    desk.sweep()
    desk.on("2026-02-11T09:30")
    with pytest.raises(Closed):
        desk.check_in(number)
    assert desk.query(held) == [(3,)]
    desk.on("2026-02-11T10:00")
    desk.check_in(number)
    assert desk.query(held) == [(0,)]
    desk.check()
    desk.sweep()
    assert sum(desk.taken().values()) == 1, "what it was let in for"
    desk.check()


@pytest.mark.parametrize("at", ["2026-02-10T08:00", "2026-02-10T17:00", "2026-02-15T10:00"])
def test_no_tickets_outside_of_the_hours(desk: Desk, at: str) -> None:
    desk.on(at)
    with pytest.raises(Closed):
        desk.take()


def test_a_ticket_is_for_a_group_of_the_hall(desk: Desk) -> None:
    desk.on(AT_NINE)
    with pytest.raises(UnknownGroup):
        desk.take(group="tianhe.nowhere")
    with pytest.raises(UnknownHall):
        desk.take(hall="nowhere")


def test_one_ticket_for_each_person_and_queue(desk: Desk) -> None:
    desk.on(AT_NINE)
    mine = desk.take(1)
    with pytest.raises(AlreadyWaiting) as refusal:
        desk.take(1)
    assert refusal.value.params == {"number": mine["number"]}
    desk.take(1, group=TAX)
    desk.take(2)
    desk.window()
    desk.call_next()
    desk.at_window("finish")
    desk.take(1)
    desk.check()


@pytest.mark.parametrize("parked", [False, True])
def test_a_booking_takes_the_place_of_the_ticket_that_its_visitor_took(desk: Desk, parked: bool) -> None:
    number = desk.book(time="10:00")["number"]
    desk.on("2026-02-10T09:40")
    other, mine = desk.take(2), desk.take(1)
    desk.window()
    if parked:
        for _ in range(2):
            desk.call_next()
            desk.at_window("park")
    desk.on("2026-02-10T09:45")
    ticket = desk.check_in(number)
    closed = desk.facts(mine["id"])[-1]
    assert (closed.TYPE, closed.by) == ("ticket.closed", "a-1")
    assert (ticket["kind"], ticket["state"]) == ("booking", "waiting")
    assert desk.facts(ticket["id"])[0].rank == desk.facts(mine["id"])[0].rank, "nobody loses by having booked"
    assert desk.call_next() == (ticket if parked else other)["number"], "the other is parked, or was here before"
    desk.check()


@pytest.mark.parametrize("by_staff", [False, True])
def test_who_is_at_a_window_already_has_come_for_the_booking(desk: Desk, by_staff: bool) -> None:
    number = come(desk)
    mine = desk.take(1)
    desk.window()
    desk.call_next()
    ticket = desk.check_in_at_desk(1) if by_staff else desk.check_in(number)
    assert (ticket["id"], ticket["state"]) == (mine["id"], "called")
    assert desk.facts(number)[-1].ticket == mine["id"]
    with pytest.raises(NotInThatState):
        desk.check_in(number)
    desk.at_window("finish")
    desk.on("2026-02-11T08:00")
    assert desk.app.sweeping.missed() == 0
    assert desk.booking(number).state == "checked_in"
    desk.check()


def test_a_repeat_under_the_same_key_is_the_same_ticket(desk: Desk) -> None:
    desk.on(AT_NINE)
    first = desk.take(1, idempotency_key="click")
    assert desk.take(1, idempotency_key="click") == first
    with pytest.raises(KeyReused):
        desk.take(2, idempotency_key="click")
    desk.check()


def test_no_personal_data_beside_digests(desk: Desk) -> None:
    number = come(desk)
    desk.check_in_at_desk(1)
    desk.take(2)
    shown = str(desk.query("SELECT * FROM ticket")) + str([event.body for event in desk.tools.log.read(0, 100)])
    for person in (1, 2):
        assert not any(text in shown for text in (visitor(person)["identity_number"], visitor(person)["mobile"]))
    assert number in shown
