"""Taking over the catalogue's halls: when there is news, whole or not at all; and files about a booking."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from icalendar import Calendar

from kernel.contracts.appointment_refusals import Closed, Full, NotInThatState, UnknownBooking, UnknownHall
from kernel.contracts.visit_contact import VisitContact
from kernel.errors import InvalidInput, NotAllowed, ServiceDown
from services.appointment.application.adopting import PAGE, CatalogueMoved
from services.appointment.application.people import caller_of
from services.appointment.application.staff import check_manager, check_staff
from services.appointment.testing import HALL, POLICE, TUESDAY, Desk, visitor, wish


class Catalogue:
    """What catalog would answer, page by page."""

    def __init__(self, halls: list[dict[str, Any]]) -> None:
        self.halls = halls
        self.version = 1
        self.asked = 0
        self.away = False

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.asked += 1
        if self.away:
            raise ServiceDown(service="catalog")
        start = (request["page"] - 1) * request["page_size"]
        items = self.halls[start : start + request["page_size"]]
        return {"as_of": self.version, "items": items, "total": len(self.halls)}


def hall(number: int) -> dict[str, Any]:
    return {**HALL, "id": f"hall-{number}", "name": f"大厅 {number}"}


def test_halls_are_taken_over_at_the_start_and_when_there_is_news(desk: Desk) -> None:
    catalogue = Catalogue([HALL, *map(hall, range(PAGE))])
    assert desk.app.adopting.turn(catalogue)
    assert desk.app.free_times.show(asked("hall-49"))["groups"] != []
    assert (desk.app.adopting.turn(catalogue), catalogue.asked) == (False, 2)
    catalogue.halls.pop()
    desk.app.adopting.heard()
    assert desk.app.adopting.turn(catalogue)
    with pytest.raises(UnknownHall):
        desk.app.free_times.show(asked("hall-49"))


def test_a_catalogue_that_is_away_is_asked_again(desk: Desk) -> None:
    catalogue = Catalogue([hall(1)])
    catalogue.away = True
    with pytest.raises(ServiceDown):
        desk.app.adopting.turn(catalogue)
    catalogue.away = False
    assert desk.app.adopting.turn(catalogue)
    assert desk.app.free_times.show(asked("hall-1"))["groups"] != []


def test_a_catalogue_that_changes_between_its_pages_retires_nothing(desk: Desk) -> None:
    catalogue = Catalogue(list(map(hall, range(PAGE + 1))))

    def moving(request: Mapping[str, Any]) -> dict[str, Any]:
        catalogue.version += 1
        return catalogue(request)

    with pytest.raises(CatalogueMoved):
        desk.app.adopting.turn(moving)
    assert desk.app.free_times.show(asked("tianhe"))["groups"] != []


def test_a_booking_is_seen_and_cancelled_when_its_hall_is_gone_from_the_catalogue(desk: Desk) -> None:
    number = desk.book()["number"]
    desk.app.planning.adopt([])
    assert desk.app.own_bookings.show(desk.caller("a-1"), number)["hall_name"] == HALL["name"]
    assert desk.cancel(number)["state"] == "cancelled"


def test_a_unit_that_is_renamed_keeps_its_schedule_and_whoever_has_booked(desk: Desk) -> None:
    desk.schedule(slot_minutes=60, capacity=2)
    numbers = [desk.book(number)["number"] for number in (1, 2)]
    desk.app.planning.adopt([renamed("出入境窗口")])
    for time, refusal in (("09:00", Full), ("09:30", Closed)):
        with pytest.raises(refusal):
            desk.book(3, time=time)
    (answer,) = [one for one in desk.app.planning.schedules("tianhe")["items"] if one["group"] == POLICE]
    assert (answer["name"], answer["schedule"]["slot_minutes"]) == ("出入境窗口", 60)
    assert desk.move(numbers[0])["group_name"] == "出入境窗口"
    desk.app.planning.adopt([HALL])
    assert desk.app.own_bookings.show(desk.caller("a-2"), numbers[1])["group_name"] == "公安窗口"
    assert desk.query("SELECT count(*) FROM business_group") == [(2,)]
    desk.check()


def test_windows_serve_a_unit_under_its_new_name(desk: Desk) -> None:
    desk.on("2026-02-10T09:10")
    desk.window()
    ticket = desk.take()
    desk.app.planning.adopt([renamed("出入境窗口")])
    assert desk.call_next() == ticket["number"]
    assert desk.take()["group_name"] == "出入境窗口"
    desk.check()


def test_a_new_unit_with_the_name_that_another_had_is_a_group_of_its_own(desk: Desk) -> None:
    police = renamed("出入境窗口")
    desk.app.planning.adopt([police])
    desk.app.planning.adopt([{**police, "units": [*police["units"], {"name": "公安窗口", "items": ["traffic"]}]}])
    groups = {one["name"]: one["group"] for one in desk.app.planning.schedules("tianhe")["items"]}
    assert groups["出入境窗口"] == POLICE != groups["公安窗口"]
    assert desk.book(1, items=["traffic"])["group"] == groups["公安窗口"]
    desk.check()


def renamed(name: str) -> dict[str, Any]:
    """The hall, with another name for the unit where people get passports."""
    return {**HALL, "units": [{**HALL["units"][0], "name": name}, *HALL["units"][1:]]}


def test_a_hall_that_is_renamed_goes_by_its_new_name_everywhere(desk: Desk) -> None:
    number = desk.book(1, items=["tax"])["number"]
    desk.app.planning.adopt([{**HALL, "units": HALL["units"][:1]}])
    desk.app.planning.adopt([{**HALL, "units": HALL["units"][:1], "name": "天河政务中心"}])
    assert desk.app.queue_views.display("tianhe")["hall_name"] == "天河政务中心"
    assert desk.app.own_bookings.show(desk.caller("a-1"), number)["hall_name"] == "天河政务中心"
    desk.app.planning.adopt([])
    assert desk.app.queue_views.display("tianhe")["hall_name"] == "天河政务中心"


def asked(hall: str) -> dict[str, Any]:
    return {"hall": hall, "item": None, "date": None, "days": 30, "people": 1}


def test_a_calendar_learns_of_every_change_of_the_same_event(desk: Desk) -> None:
    number = desk.book()["number"]
    first = event(desk, number)
    desk.move(number)
    moved = event(desk, number)
    assert (first["UID"], first["STATUS"]) == (moved["UID"], "CONFIRMED")
    assert first["SEQUENCE"] < moved["SEQUENCE"]
    assert moved.start.isoformat() == "2026-02-11T01:00:00+00:00"
    desk.shut()
    desk.sweep()
    assert event(desk, number)["STATUS"] == "TENTATIVE", "the hall cannot keep it"
    desk.cancel(number)
    assert event(desk, number)["STATUS"] == "CANCELLED"


def test_a_calendar_says_when_it_can_be_cancelled_as_people_read_it(desk: Desk) -> None:
    number = desk.book()["number"]
    assert event(desk, number)["DESCRIPTION"].endswith("最晚取消时间：2026-02-10 07:00。")
    assert event(desk, number, "en")["DESCRIPTION"].endswith(" Cancel by 2026-02-10 07:00.")
    assert event(desk, number, "zh-Hant")["SUMMARY"] == "預約辦事：公安窗口"
    desk.advance(hours=23, seconds=1)
    assert event(desk, number)["DESCRIPTION"].endswith("到场签到。"), "it cannot be cancelled any more"


def event(desk: Desk, number: str, language: str = "zh-Hans") -> Any:
    document = desk.app.files.calendar(desk.caller("a-1"), number, language)
    return Calendar.from_ical(document["content"]).events[0]


def test_there_are_no_files_about_what_is_only_held_or_anothers(desk: Desk) -> None:
    held = desk.hold()["number"]
    with pytest.raises(NotInThatState):
        desk.app.files.calendar(desk.caller("a-1"), held, "en")
    number = desk.book(2)["number"]
    for ask in (desk.app.files.qr, lambda *it: desk.app.files.calendar(*it, "en")):
        with pytest.raises(UnknownBooking):
            ask(desk.caller("a-1"), number)


def test_the_code_at_the_door_is_a_picture(desk: Desk) -> None:
    document = desk.app.files.qr(desk.caller("a-1"), desk.book()["number"])
    assert document["media_type"] == "image/svg+xml"
    assert document["content"].startswith("<svg xmlns=")


def test_notify_is_told_where_a_guest_is_reached_and_nobody_elses_number(desk: Desk) -> None:
    guest = desk.caller(None, visitor(1)["mobile"])
    number = desk.app.bookings.book(guest, wish(1))["number"]
    contact = desk.app.contacts.find(number)
    assert VisitContact().validate(contact) == {}
    assert contact["mobile"] == visitor(1)["mobile"]
    for other in (desk.book(2)["number"], "nothing"):
        with pytest.raises(UnknownBooking):
            desk.app.contacts.find(other)


def test_who_is_expected_stands_in_the_order_of_the_day(desk: Desk) -> None:
    numbers = [desk.book(one, time=time)["number"] for one, time in enumerate(("10:00", "09:00", "09:30"), 1)]
    desk.hold(4, time="11:00")
    page = desk.app.expected.page({"hall": "tianhe", "date": TUESDAY, "page": 1, "page_size": 2})
    assert (page["total"], [one["number"] for one in page["items"]]) == (3, [numbers[1], numbers[2]])


def test_what_a_guest_says_of_the_visitor_is_checked(desk: Desk) -> None:
    proven = desk.caller(None, "13800000001")
    good = {**visitor(1), "identity_number": "440105199003070013"}
    desk.app.bookings.check_visitor(proven, good)
    for said, fields in [
        (None, ["visitor"]),
        ({**good, "identity_number": "440105199003070014"}, ["visitor.identity_number"]),
        ({**good, "mobile": "13900000001"}, ["visitor.mobile"]),
    ]:
        with pytest.raises(InvalidInput) as refusal:
            desk.app.bookings.check_visitor(proven, said)
        assert [error["field"] for error in refusal.value.errors] == fields
    with pytest.raises(InvalidInput):
        desk.app.bookings.check_visitor(desk.caller("a-1"), good)


def test_only_people_have_visits_of_their_own() -> None:
    for principal in ({"kind": "staff", "account": "s"}, {"kind": "department", "account": "d"}):
        with pytest.raises(NotAllowed):
            caller_of(principal)


def test_staff_work_in_one_hall() -> None:
    clerk = {"kind": "staff", "role": "window", "hall": "tianhe", "account": "s-1"}
    assert check_staff(clerk, "tianhe") == "s-1"
    assert check_manager({**clerk, "role": "hall_manager"}, "tianhe") == "s-1"
    for principal, check, where in [
        (clerk, check_staff, "panyu"),
        (clerk, check_manager, "tianhe"),
        ({**clerk, "role": "officer"}, check_staff, "tianhe"),
        ({**clerk, "kind": "individual", "role": None, "hall": None}, check_staff, "tianhe"),
    ]:
        with pytest.raises(NotAllowed):
            check(principal, where)


def test_a_halls_schedules_rule_and_closures_are_told_as_they_were_set(desk: Desk) -> None:
    desk.schedule(slot_minutes=20, item_minutes={"passport": 40})
    desk.rule(per_week=3)
    desk.shut(since="09:00", until="12:00")
    by_name = {one["name"]: one["schedule"] for one in desk.app.planning.schedules("tianhe")["items"]}
    assert (by_name["公安窗口"]["slot_minutes"], by_name["公安窗口"]["item_minutes"]) == (20, {"passport": 40})
    assert by_name["税务窗口"]["slot_minutes"] == 30
    assert desk.app.planning.rule("tianhe")["per_week"] == 3
    (closure,) = desk.app.planning.closures("tianhe")["items"]
    assert (closure["group"], closure["since"], closure["until"]) == (None, "09:00", "12:00")
    assert date.fromisoformat(closure["first_day"]).isoweekday() == 3
