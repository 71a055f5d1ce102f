"""Booking: what is answered and kept, what is refused, and that a refusal changes nothing."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from kernel.clock import FrozenClock, parse_time
from kernel.contracts import appointment as contract
from kernel.contracts.appointment_refusals import (
    AlreadyBooked,
    BeyondClosing,
    Closed,
    Full,
    HoldExpired,
    InThePast,
    LimitReached,
    NotBookable,
    OutsideWindow,
    UnknownBooking,
    UnknownHall,
)
from kernel.contracts.visit_facts import VisitBooked
from kernel.database import Database
from kernel.errors import Refusal
from kernel.idempotency import KeyReused
from services.appointment.domain.booking import State
from services.appointment.domain.slots import slot_id
from services.appointment.testing import POLICE, TUESDAY, WEDNESDAY, Desk, visitor, wish


def test_a_booking_is_answered_kept_and_on_the_log(desk: Desk) -> None:
    answer = desk.book(1, idempotency_key="k")
    assert contract.Appointment().validate(answer) == {}
    (fact,) = desk.facts(answer["number"])
    row = desk.booking(answer["number"])
    assert fact == VisitBooked(
        occurred_at=desk.clock.now(),
        by="a-1",
        hall="tianhe",
        hall_name="天河区政务服务中心",
        group=POLICE,
        group_name="公安窗口",
        visitor=row.visitor,
        account="a-1",
        items=("passport",),
        starts_at=parse_time("2026-02-10T09:00:00+08:00"),
        ends_at=parse_time("2026-02-10T09:30:00+08:00"),
        cancel_before=parse_time("2026-02-10T07:00:00+08:00"),
    )
    assert desk.taken() == {slot_id(row.group_no, TUESDAY, 540): 1}
    assert row.contact is None
    desk.check()


def test_a_guests_contact_is_sealed_and_an_accounts_is_not_kept(desk: Desk) -> None:
    guest = desk.caller(None, "13800000001")
    answer = desk.app.bookings.book(guest, wish(1))
    row = desk.booking(answer["number"])
    assert b"138" not in row.contact
    with desk.database.write() as tx:
        assert "李明" in desk.tools.vault.open(tx, row.visitor, row.contact).decode()
    assert desk.app.own_bookings.show(guest, answer["number"])["number"] == answer["number"]
    with pytest.raises(UnknownBooking):
        desk.app.own_bookings.show(desk.caller(None, "13800000002"), answer["number"])


def test_items_and_people_take_consecutive_slots(desk: Desk) -> None:
    desk.schedule(item_minutes={"permit": 45})
    answer = desk.book(1, items=["passport", "permit"], people=2, time="09:00")  # 2 × (30 + 45) minutes
    assert (answer["starts_at"][11:16], answer["ends_at"][11:16]) == ("09:00", "11:30")
    group = desk.booking(answer["number"]).group_no
    assert desk.taken() == {slot_id(group, TUESDAY, start): 1 for start in (540, 570, 600, 630, 660)}
    desk.check()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"hall": "nowhere"}, UnknownHall),
        ({"items": ["passport", "tax"]}, NotBookable),
        ({"items": ["unheard"]}, NotBookable),
        ({"date": date(2026, 2, 9)}, OutsideWindow),
        ({"date": date(2026, 2, 15)}, OutsideWindow),
        ({"date": date(2026, 2, 6)}, InThePast),
        ({"time": "12:30"}, Closed),
        ({"time": "09:10"}, Closed),
        ({"time": "11:30", "people": 2}, BeyondClosing),
        ({"time": "16:30", "items": ["passport", "permit"]}, BeyondClosing),
    ],
)
def test_what_cannot_be_booked_is_refused_and_leaves_nothing(
    desk: Desk, change: dict[str, Any], refusal: type[Refusal]
) -> None:
    before = desk.traces()
    with pytest.raises(refusal):
        desk.book(1, idempotency_key="k", **change)
    assert desk.traces() == before
    desk.book(1, idempotency_key="k")


def test_full_names_the_next_free_times(desk: Desk) -> None:
    desk.schedule(capacity=1)
    desk.book(1, time="16:30")
    desk.book(2, time="16:00")
    before = desk.traces()
    with pytest.raises(Full) as refusal:
        desk.book(3, time="16:00")
    assert desk.traces() == before
    assert refusal.value.params["next"] == [
        {"date": "2026-02-11", "time": time} for time in ("09:00", "09:30", "10:00")
    ]
    with pytest.raises(Full) as refusal:
        desk.book(3, time="15:30", people=2)
    assert refusal.value.params["next"][0] == {"date": "2026-02-11", "time": "09:00"}


@pytest.mark.parametrize("again", [visitor(1), visitor(1, mobile=7), {**visitor(7), "mobile": visitor(1)["mobile"]}])
def test_the_same_identity_number_or_mobile_is_one_person(desk: Desk, again: dict[str, str]) -> None:
    desk.book(1)
    with pytest.raises(AlreadyBooked):
        desk.book(2, account="other", visitor=again, time="10:00")
    desk.book(2, account="other", visitor=again, date=WEDNESDAY)
    with pytest.raises(LimitReached) as refusal:
        desk.book(3, account="third", visitor=again, date=date(2026, 2, 12))
    assert refusal.value.params["limit"] == "week"
    desk.check()


def test_a_capital_x_is_a_small_one(desk: Desk) -> None:
    number = "44010519900307001x"
    desk.book(1, visitor={**visitor(1), "identity_number": number})
    with pytest.raises(AlreadyBooked):
        desk.book(2, visitor={**visitor(2), "identity_number": number.upper()})


def test_the_same_key_gives_the_same_booking(desk: Desk) -> None:
    first = desk.book(1, idempotency_key="k")
    before = desk.traces()
    assert desk.book(1, idempotency_key="k") == first
    with pytest.raises(KeyReused):
        desk.book(1, idempotency_key="k", time="10:00")
    assert desk.traces() == before


def test_a_hold_is_confirmed_once(desk: Desk) -> None:
    held = desk.hold(1)
    assert contract.Held().validate(held) == {}
    assert (held["state"], held["held_until"]) == ("held", "2026-02-09T08:05:00+08:00")
    assert desk.facts(held["number"]) == []
    with pytest.raises(AlreadyBooked):
        desk.book(1, time="10:00")
    answer = desk.confirm(held["number"], key="k")
    assert (answer["number"], answer["state"]) == (held["number"], "booked")
    assert desk.confirm(held["number"], key="k") == desk.confirm(held["number"]) == answer
    assert contract.Appointment().validate(answer) == {}
    desk.advance(hours=1)
    assert desk.app.sweeping.holds() == 0
    desk.check()


@pytest.mark.parametrize("swept", [True, False])
def test_a_hold_that_is_over_is_not_confirmed(desk: Desk, swept: bool) -> None:
    held = desk.hold(1)
    desk.advance(seconds=300)
    if swept:
        assert desk.app.sweeping.holds() == 1
    with pytest.raises(HoldExpired):
        desk.confirm(held["number"])
    desk.book(1, time="10:00")  # it counts no more
    desk.sweep()
    assert list(desk.taken().values()) == [1]
    desk.check()


@pytest.mark.parametrize(
    "act",
    [
        lambda desk, number: desk.confirm(number, 2),
        lambda desk, number: desk.cancel(number, 2),
        lambda desk, number: desk.move(number, 2),
        lambda desk, number: desk.app.own_bookings.show(desk.caller("a-2"), number),
    ],
)
def test_anothers_booking_does_not_exist(desk: Desk, act: Callable[[Desk, str], Any]) -> None:
    number = desk.book(1)["number"]
    for unknown in (number, "NOSUCHNUMBER"):
        with pytest.raises(UnknownBooking) as refusal:
            act(desk, unknown)
        assert refusal.value.status == 404


def test_a_hold_never_outlasts_its_time(desk: Desk) -> None:
    desk.rule(first_day=0, cancel_before_minutes=0)
    desk.advance(minutes=58)
    held = desk.hold(1, date=date(2026, 2, 9))
    assert held["held_until"] == held["starts_at"]
    desk.advance(minutes=2)
    with pytest.raises(HoldExpired):
        desk.confirm(held["number"])


def test_a_year_whose_holidays_nobody_has_published_is_booked_by_weekdays(empty_database: Database) -> None:
    """Five working days from the Monday before New Year: the holiday of fixed date does not count, and is no day."""
    desk = Desk.new(empty_database, FrozenClock("2026-12-28T08:00:00+08:00"))
    shown = desk.app.free_times.show(contract.SlotsAsked().load({"hall": "tianhe", "item": "passport"}))
    assert (shown["first_day"], shown["last_day"]) == ("2026-12-29", "2027-01-05")
    days = [day["date"] for day in shown["groups"][0]["days"]]
    assert days == ["2026-12-29", "2026-12-30", "2026-12-31", "2027-01-04", "2027-01-05"]
    number = desk.book(1, date=date(2027, 1, 4))["number"]
    with pytest.raises(Closed):
        desk.book(2, date=date(2027, 1, 1))
    with pytest.raises(OutsideWindow):
        desk.book(2, date=date(2027, 1, 6))
    desk.book(1, date=date(2026, 12, 31))
    with pytest.raises(AlreadyBooked):
        desk.move(number, day=date(2026, 12, 31), time="14:00")
    assert desk.move(number, day=date(2027, 1, 5))["starts_at"] == "2027-01-05T09:00:00+08:00"
    desk.check()


def test_a_clock_that_goes_back_harms_nobody(desk: Desk) -> None:
    held = desk.hold(1)
    desk.advance(hours=-2)
    assert desk.confirm(held["number"])["state"] == State.BOOKED
    desk.check()
