"""What people see of their own: bookings, and what they wait for. Nobody else's."""

from kernel.contracts import appointment as contract, waiting
from services.appointment.testing import TUESDAY, WEDNESDAY, Desk, waiting_wish


def test_own_bookings_are_listed_latest_first(desk: Desk) -> None:
    numbers = [desk.book(1, date=day)["number"] for day in (TUESDAY, WEDNESDAY)]
    desk.book(2)
    page = desk.app.own_bookings.page(desk.caller("a-1"), 1, 1)
    assert contract.AppointmentPage().validate(page) == {}
    assert ([one["number"] for one in page["items"]], page["total"]) == ([numbers[1]], 2)
    assert desk.app.own_bookings.page(desk.caller("nobody"), 1, 20)["total"] == 0


def test_own_entries_are_listed_the_last_first(desk: Desk) -> None:
    desk.schedule(capacity=1)
    desk.book(1)
    guest = desk.app.waiting.join(desk.caller(None, "13800000003"), waiting_wish(3))["number"]
    first = desk.join(2)["number"]
    desk.advance(seconds=1)
    second = desk.join(2)
    desk.leave(first, 2)
    page = desk.entries("a-2")
    assert waiting.WaitingEntries().validate(page) == {}
    assert page["items"] == [desk.entry(second["number"], 2), desk.entry(first, 2)]
    assert [entry["state"] for entry in page["items"]] == ["waiting", "left"]
    assert (page["total"], desk.entries("a-2", page=2, page_size=1)["items"]) == (2, page["items"][1:])
    assert [entry["number"] for entry in desk.entries(None, "13800000003")["items"]] == [guest]
    assert desk.entries("a-3")["items"] == desk.entries(None, "13800000002")["items"] == []
