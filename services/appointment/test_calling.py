"""Windows: who is called next, and what becomes of who was called."""

from typing import Any

import pytest

from kernel.contracts.appointment_refusals import UnknownGroup
from kernel.contracts.hall_day_refusals import (
    AlreadyWaiting,
    NobodyAtWindow,
    SameGroup,
    TicketNotInThatState,
    UnknownTicket,
    UnknownWindow,
    WindowBusy,
    WindowShut,
)
from kernel.contracts.visit_facts import VisitServed
from kernel.errors import Refusal
from services.appointment.testing import HALL, POLICE, TAX, Desk

AT_TEN = "2026-02-10T10:00"


@pytest.fixture
def open_desk(desk: Desk) -> Desk:
    """Tuesday at ten: many tickets, and one window that serves both groups."""
    desk.schedule(capacity=20, window_quota=10)
    desk.on(AT_TEN)
    desk.window(groups=(POLICE, TAX))
    return desk


def types(desk: Desk, id: str) -> list[str]:
    return [fact.TYPE.removeprefix("ticket.") for fact in desk.facts(id)]


def test_those_who_wait_are_called_in_order_of_their_ranks(open_desk: Desk) -> None:
    desk = open_desk
    numbers = [desk.take()["number"]]
    desk.advance(minutes=5)
    numbers.append(desk.take(group=TAX)["number"])
    desk.advance(minutes=5)
    numbers.insert(0, desk.take(priority="disabled")["number"])
    for number in numbers:
        assert desk.call_next() == number
        desk.at_window("finish")
    assert desk.call_next() is None
    desk.check()


def test_a_booking_is_called_before_who_came_without_one_and_is_served(desk: Desk) -> None:
    desk.schedule(capacity=20, window_quota=10)
    number = desk.book(1, time="10:00")["number"]
    desk.on(AT_TEN)
    desk.take()
    desk.advance(minutes=1)
    ticket = desk.check_in(number)
    desk.window()
    called = desk.at_window("call_next")
    assert (called["ticket"]["id"], called["ticket"]["booking"], called["waiting"]) == (ticket["id"], number, 1)
    desk.advance(minutes=7)
    assert desk.at_window("finish")["ticket"] is None
    assert isinstance(desk.facts(number)[-1], VisitServed)
    assert desk.booking(number).state == "served"
    assert types(desk, ticket["id"]) == ["issued", "called", "finished"]
    desk.check()


def test_a_window_calls_only_for_its_groups(open_desk: Desk) -> None:
    desk = open_desk
    desk.window("2", groups=(TAX,))
    police, tax = desk.take(), desk.take(group=TAX)
    assert desk.call_next("2") == tax["number"]
    assert desk.call_next("1") == police["number"]


def test_a_window_that_has_somebody_does_not_call_another(open_desk: Desk) -> None:
    desk = open_desk
    first = desk.take()["number"]
    desk.take()
    desk.call_next()
    before = desk.traces()
    with pytest.raises(WindowBusy) as refusal:
        desk.call_next()
    assert refusal.value.params == {"window": "1", "number": first}
    with pytest.raises(WindowBusy):
        desk.window(open=False)
    assert desk.traces() == before


def test_a_window_that_is_shut_or_unknown_calls_nobody(open_desk: Desk) -> None:
    desk = open_desk
    desk.take()
    desk.window(open=False)
    with pytest.raises(WindowShut):
        desk.call_next()
    with pytest.raises(UnknownWindow):
        desk.call_next("9")
    with pytest.raises(UnknownWindow):
        desk.call_next("1", hall="haizhu")
    with pytest.raises(UnknownGroup):
        desk.window("2", groups=("tianhe.nowhere",))


@pytest.mark.parametrize("what", ["recall", "park", "transfer", "finish", "miss"])
def test_where_nobody_is_nothing_is_said(open_desk: Desk, what: str) -> None:
    open_desk.take()
    before = open_desk.traces()
    with pytest.raises(NobodyAtWindow):
        open_desk.at_window(what, group=TAX)
    assert open_desk.traces() == before


def test_who_does_not_come_is_called_once_more_and_then_missed(desk: Desk) -> None:
    """The booking stays checked in: who has come to the hall has not missed the visit."""
    number = desk.book(1, time="10:00")["number"]
    desk.on(AT_TEN)
    ticket = desk.check_in(number)
    desk.window()
    desk.call_next()
    assert desk.at_window("recall")["ticket"]["number"] == ticket["number"]
    assert desk.at_window("miss")["ticket"] is None
    assert desk.booking(number).state == "checked_in"
    assert types(desk, ticket["id"]) == ["issued", "called", "recalled", "missed"]
    desk.advance(minutes=15)
    back = desk.put_back(ticket["id"])
    assert (back["state"], back["number"]) == ("waiting", ticket["number"])
    desk.call_next()
    desk.at_window("finish")
    assert desk.booking(number).state == "served"
    desk.check()


def test_who_comes_after_being_missed_waits_behind_those_who_are_there(open_desk: Desk) -> None:
    desk = open_desk
    late = desk.take()
    desk.advance(minutes=1)
    other = desk.take()
    assert desk.call_next() == late["number"]
    desk.at_window("miss")
    desk.advance(minutes=1)
    desk.put_back(late["id"])
    assert desk.call_next() == other["number"]


def test_a_parked_ticket_comes_back_by_itself_at_its_old_place(open_desk: Desk) -> None:
    desk = open_desk
    first = desk.take()
    desk.advance(minutes=1)
    second, third = desk.take(), desk.take()
    desk.call_next()
    assert desk.at_window("park")["ticket"] is None
    assert desk.call_next() == second["number"]
    desk.at_window("finish")
    desk.advance(minutes=9, seconds=59)
    assert desk.app.queue_day.put_back() == 0
    desk.advance(seconds=1)
    assert (desk.app.queue_day.put_back(), desk.app.queue_day.put_back()) == (1, 0)
    assert desk.call_next() == first["number"]
    desk.at_window("finish")
    assert desk.call_next() == third["number"]
    assert types(desk, first["id"]) == ["issued", "called", "parked", "returned", "called", "finished"]
    desk.check()


def test_a_parked_ticket_comes_back_earlier_when_staff_say_so(open_desk: Desk) -> None:
    desk = open_desk
    ticket = desk.take()
    desk.call_next()
    desk.at_window("park", minutes=120)
    assert desk.put_back(ticket["id"])["until"] is None
    assert desk.call_next() == ticket["number"]
    desk.check()


@pytest.mark.parametrize("change", [{"ticket": "nowhere"}, {"hall": "haizhu"}], ids=str)
def test_another_halls_ticket_is_unknown(open_desk: Desk, change: dict[str, Any]) -> None:
    ticket = open_desk.take()
    open_desk.call_next()
    open_desk.at_window("park")
    with pytest.raises(UnknownTicket):
        open_desk.app.calling.put_back("staff-1", {"hall": "tianhe", "ticket": ticket["id"], **change})


def test_what_waits_or_is_over_is_not_put_back(open_desk: Desk) -> None:
    desk = open_desk
    ticket = desk.take()
    with pytest.raises(TicketNotInThatState):
        desk.put_back(ticket["id"])
    desk.call_next()
    desk.at_window("finish")
    with pytest.raises(TicketNotInThatState):
        desk.put_back(ticket["id"])


def test_a_ticket_is_transferred_to_another_queue_with_its_rank(open_desk: Desk) -> None:
    desk = open_desk
    desk.window("2", groups=(TAX,))
    ticket = desk.take()
    desk.advance(minutes=1)
    desk.take(group=TAX)
    desk.call_next("1")
    with pytest.raises(SameGroup):
        desk.at_window("transfer", group=POLICE)
    with pytest.raises(UnknownGroup):
        desk.at_window("transfer", group="tianhe.nowhere")
    assert desk.at_window("transfer", group=TAX)["ticket"] is None
    assert desk.call_next("2") == ticket["number"], "it came first"
    desk.check()


def test_nobody_is_sent_to_a_unit_that_the_catalogue_has_no_more(open_desk: Desk) -> None:
    """Whoever waits there is still called."""
    desk = open_desk
    left, ticket = desk.take(group=TAX), desk.take()
    desk.app.planning.adopt([{**HALL, "units": HALL["units"][:1]}])
    desk.window("2", groups=(POLICE,))
    assert desk.call_next("2") == ticket["number"]
    with pytest.raises(UnknownGroup):
        desk.at_window("transfer", "2", group=TAX)
    desk.window("1", groups=(TAX,))
    assert desk.call_next("1") == left["number"]
    assert desk.at_window("transfer", "1", group=POLICE)["ticket"] is None
    desk.check()


def test_nobody_gets_into_a_queue_twice_by_being_transferred_or_put_back(open_desk: Desk) -> None:
    desk = open_desk
    first = desk.take(1)
    desk.call_next()
    desk.take(1, group=TAX)
    with pytest.raises(AlreadyWaiting):
        desk.at_window("transfer", group=TAX)
    desk.at_window("miss")
    desk.take(1)
    with pytest.raises(AlreadyWaiting):
        desk.put_back(first["id"])
    desk.check()


def test_a_repeat_under_the_same_key_does_nothing_more(open_desk: Desk) -> None:
    desk = open_desk
    desk.take(), desk.take()
    first = desk.at_window("call_next", idempotency_key="click")
    assert desk.at_window("call_next", idempotency_key="click") == first
    desk.at_window("finish", idempotency_key="done")
    desk.call_next()
    assert desk.at_window("finish", idempotency_key="done")["ticket"] is None
    assert desk.query("SELECT count(*) FROM ticket WHERE state = 'called'")[0][0] == 1
    desk.check()


def test_when_the_day_is_over_what_is_left_is_closed(desk: Desk) -> None:
    number = desk.book(1, time="10:00")["number"]
    desk.on(AT_TEN)
    desk.schedule(window_quota=2)
    desk.window()
    booked, waiting, parked = desk.check_in(number), desk.take(), desk.take()
    desk.call_next(), desk.at_window("finish")
    desk.call_next(), desk.at_window("park", minutes=240)
    called = desk.take()
    desk.call_next()
    desk.on("2026-02-10T23:59")
    assert desk.app.queue_day.close() == 0
    desk.on("2026-02-11T00:00")
    assert (desk.app.queue_day.close(), desk.app.queue_day.close()) == (3, 0)
    ends = {types(desk, one["id"])[-1] for one in (waiting, parked, called)}
    assert (ends, types(desk, booked["id"])[-1]) == ({"closed"}, "finished")
    assert desk.app.queue_views.queue("tianhe")["windows"][0]["ticket"] is None
    desk.on("2026-02-11T09:00")
    assert desk.take()["number"] == "B001"
    assert desk.call_next() == "B001", "the window is free, and yesterday's are gone"
    desk.check()


def test_a_group_that_the_catalogue_has_no_more_is_served_to_its_end(open_desk: Desk) -> None:
    desk = open_desk
    desk.take()
    hall: dict[str, Any] = {"id": "tianhe", "name": "天河", "units": [{"name": "税务窗口", "items": ["tax"]}]}
    desk.app.planning.adopt([hall])
    with pytest.raises(Refusal) as refusal:
        desk.take()
    assert refusal.value.code == "unknown_group"
    assert desk.call_next() == "B001"
    desk.at_window("finish")
    desk.check()
