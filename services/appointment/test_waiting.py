"""The waiting list: who gets a place that comes back, for how long, and that nobody else can take it in between."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from kernel.clock import parse_time
from kernel.contracts import waiting as contract
from kernel.contracts.appointment_refusals import (
    AlreadyBooked,
    BeyondClosing,
    Blocked,
    Closed,
    EntryOver,
    Full,
    HoldExpired,
    LimitReached,
    NotBookable,
    OutsideWindow,
    StillFree,
    UnknownEntry,
    UnknownHall,
    WaitingLimit,
)
from kernel.contracts.visit_facts import VisitOffered
from kernel.errors import Refusal
from kernel.idempotency import KeyReused
from services.appointment.testing import POLICE, TUESDAY, WEDNESDAY, Desk, visitor, waiting_wish

THURSDAY = date(2026, 2, 12)
FRIDAY = date(2026, 2, 13)


@pytest.fixture
def full(desk: Desk) -> Desk:
    """One place in each slot, and the one on Tuesday at nine is taken by person 1."""
    desk.schedule(capacity=1)
    desk.book(1)
    return desk


def freed(desk: Desk, number: int = 1) -> None:
    """The only booking of this person is cancelled, and its place has come back."""
    ((booking,),) = desk.query("SELECT number FROM booking WHERE account = :a AND state = 'booked'", a=f"a-{number}")
    desk.cancel(booking, number)
    desk.advance(seconds=desk.delay)
    desk.sweep()


def test_a_place_that_comes_back_is_held_for_the_first_who_waits(full: Desk) -> None:
    first, second = full.join(2), full.join(3)
    assert contract.WaitingEntry().validate(first) == {}
    assert (first["state"], first["ahead"], second["ahead"]) == ("waiting", 0, 1)
    freed(full)
    entry = full.entry(first["number"], 2)
    assert (entry["state"], entry["starts_at"][:16]) == ("offered", "2026-02-10T09:00")
    assert entry["held_until"] == "2026-02-09T08:31:40+08:00"
    assert full.entry(second["number"], 3)["state"] == "waiting"
    row = full.booking(entry["booking"])
    assert full.facts(first["number"]) == [
        VisitOffered(
            occurred_at=full.clock.now(),
            by="clock",
            hall="tianhe",
            booking=entry["booking"],
            hall_name="天河区政务服务中心",
            group=POLICE,
            group_name="公安窗口",
            visitor=row.visitor,
            account="a-2",
            starts_at=parse_time("2026-02-10T09:00:00+08:00"),
            ends_at=parse_time("2026-02-10T09:30:00+08:00"),
            held_until=parse_time("2026-02-09T08:31:40+08:00"),
        )
    ]
    with pytest.raises(Full):
        full.book(4)
    full.check()
    assert full.confirm(entry["booking"], 2)["state"] == "booked"
    assert full.entry(first["number"], 2)["state"] == "booked"
    full.sweep()
    assert full.entry(second["number"], 3)["state"] == "waiting"
    full.check()


def test_an_offer_that_lapses_goes_to_the_next_and_then_to_everybody(full: Desk) -> None:
    first, second = full.join(2)["number"], full.join(3)["number"]
    freed(full)
    offered = full.entry(first, 2)["booking"]
    full.advance(minutes=30)
    assert full.entry(first, 2)["state"] == "lapsed"
    with pytest.raises(HoldExpired):
        full.confirm(offered, 2)
    with pytest.raises(Full):
        full.book(4)
    full.sweep()
    assert (full.entry(first, 2)["state"], full.entry(second, 3)["state"]) == ("lapsed", "offered")
    full.check()
    full.advance(minutes=30)
    full.sweep()
    assert full.entry(second, 3)["state"] == "lapsed"
    full.book(4)
    full.check()


def test_a_hold_that_ends_goes_to_the_list_as_well(desk: Desk) -> None:
    desk.schedule(capacity=1)
    desk.hold(1)
    entry = desk.join(2)["number"]
    desk.advance(seconds=300)
    desk.sweep()
    assert desk.entry(entry, 2)["state"] == "offered"
    desk.check()


def test_who_leaves_lets_the_next_have_it(full: Desk) -> None:
    first, second = full.join(2)["number"], full.join(3)["number"]
    freed(full)
    left = full.leave(first, 2)
    assert contract.WaitingEntry().validate(left) == {}
    assert left["state"] == full.leave(first, 2)["state"] == "left"
    with pytest.raises(Full):
        full.book(4)
    full.sweep()
    assert full.entry(second, 3)["state"] == "offered"
    full.check()
    full.confirm(full.entry(second, 3)["booking"], 3)
    with pytest.raises(EntryOver):
        full.leave(second, 3)


def test_who_leaves_before_is_passed_over(full: Desk) -> None:
    first, second = full.join(2)["number"], full.join(3)["number"]
    full.leave(first, 2)
    assert full.entry(second, 3)["ahead"] == 0
    freed(full)
    assert full.entry(second, 3)["state"] == "offered"
    assert full.facts(first) == []


def test_who_may_not_book_is_passed_over(full: Desk) -> None:
    """At the limit since, blocked, or has another visit on that day: the next one gets it."""
    busy, limited, third = (full.join(number)["number"] for number in (2, 3, 4))
    full.book(2, time="10:00")
    full.book(3, date=WEDNESDAY, items=["tax"])
    full.book(3, date=THURSDAY, items=["tax"])
    freed(full)
    assert full.entry(busy, 2)["state"] == "booked", "who has booked at the group waits no more"
    assert full.entry(limited, 3)["state"] == "waiting"
    assert full.entry(third, 4)["state"] == "offered"
    full.check()


def test_an_entry_ends_when_its_person_books_there_on_its_days_in_whatever_way(full: Desk) -> None:
    booked, confirmed, same_mobile, elsewhere, later = (full.join(number)["number"] for number in range(2, 7))
    full.book(2, time="10:00")
    hold = full.hold(3, time="10:30")["number"]
    assert full.entry(confirmed, 3)["state"] == "waiting"
    full.confirm(hold, 3)
    full.book(14, time="11:00", visitor=visitor(14, mobile=4))
    full.book(5, items=["tax"])
    full.book(6, date=WEDNESDAY)
    assert [full.entry(one, n)["state"] for n, one in ((2, booked), (3, confirmed), (4, same_mobile))] == ["booked"] * 3
    assert full.entry(elsewhere, 5)["state"] == "waiting"
    assert full.entry(later, 6)["state"] == "waiting", "what was booked for another day is a fall-back"


def test_an_entry_is_over_when_its_days_are(full: Desk) -> None:
    entry = full.join(2)["number"]
    full.advance(days=1, hours=1)
    assert full.entry(entry, 2)["state"] == "over"
    with pytest.raises(EntryOver):
        full.leave(entry, 2)


def test_a_time_outside_the_hours_is_not_offered(full: Desk) -> None:
    full.book(3, time="09:30")
    later = full.join(2, since="09:30", until="10:00")["number"]
    freed(full)
    assert full.entry(later, 2)["state"] == "waiting"
    full.book(4)
    freed(full, 3)
    assert full.entry(later, 2)["starts_at"][11:16] == "09:30"


def test_a_long_visit_is_offered_a_run_with_the_freed_slot_in_it(desk: Desk) -> None:
    desk.schedule(capacity=1)
    for number, time in ((1, "09:00"), (2, "10:00"), (3, "11:00")):
        desk.book(number, time=time)
    entry = desk.join(4, people=3, until="12:00")["number"]  # an hour and a half, where no two slots adjoin
    freed(desk, 2)
    assert desk.entry(entry, 4)["starts_at"][11:16] == "09:30"
    assert desk.entry(entry, 4)["ends_at"][11:16] == "11:00"
    assert len(desk.taken()) == 5
    desk.check()
    desk.confirm(desk.entry(entry, 4)["booking"], 4)
    desk.check()


def test_several_places_go_to_several_people(desk: Desk) -> None:
    desk.schedule(capacity=2)
    numbers = [desk.book(number)["number"] for number in (1, 2)]
    entries = [desk.join(number)["number"] for number in (3, 4, 5)]
    for number, booking in enumerate(numbers, 1):
        desk.cancel(booking, number)
    desk.advance(seconds=100)
    desk.sweep()
    states = [desk.entry(one, number)["state"] for number, one in enumerate(entries, 3)]
    assert states == ["offered", "offered", "waiting"]
    desk.check()


def test_one_person_is_offered_one_place_a_day(desk: Desk) -> None:
    desk.schedule(capacity=2)
    numbers = [desk.book(number)["number"] for number in (1, 2)]
    entries = [desk.join(3)["number"], desk.join(3)["number"], desk.join(4)["number"]]
    for number, booking in enumerate(numbers, 1):
        desk.cancel(booking, number)
    desk.advance(seconds=100)
    desk.sweep()
    states = [desk.entry(one, number)["state"] for number, one in zip((3, 3, 4), entries, strict=True)]
    assert states == ["offered", "waiting", "offered"]


@pytest.mark.parametrize(
    "grow",
    [
        lambda desk: desk.schedule(capacity=2),
        lambda desk: desk.schedule(weekly={"2": [{"since": "08:30", "until": "12:00"}]}, capacity=1),
    ],
    ids=["grown", "added"],
)
def test_places_that_planning_adds_go_to_the_list_first(full: Desk, grow: Callable[[Desk], Any]) -> None:
    entry = full.join(2, since="08:30")["number"]
    grow(full)
    with pytest.raises(Full):
        full.book(3, time="08:30" if full.query("SELECT 1 FROM slot WHERE id & 2047 = 510") else "09:00")
    full.check()
    full.sweep()
    assert full.entry(entry, 2)["state"] == "offered"
    full.check()


def test_places_of_a_closure_that_is_taken_back_go_to_the_list_first(full: Desk) -> None:
    full.shut()
    entry = full.join(2, last_day=WEDNESDAY)["number"]
    full.app.planning.reopen("tianhe", full.closure(), "staff-2")
    with pytest.raises(Full):
        full.book(3, date=WEDNESDAY)
    full.book(3, date=WEDNESDAY, time="11:00")
    full.sweep()
    assert full.entry(entry, 2)["starts_at"].startswith("2026-02-11T09:00")
    full.check()


def test_an_offer_never_lasts_beyond_the_visit(full: Desk) -> None:
    full.rule(first_day=0, offer_minutes=120, cancel_before_minutes=0)
    entry = full.join(2)["number"]
    full.advance(hours=24, minutes=50)
    freed(full)
    assert full.entry(entry, 2)["held_until"] == full.entry(entry, 2)["starts_at"]


def test_what_is_closed_is_not_offered(full: Desk) -> None:
    entry = full.join(2)["number"]
    full.shut(first_day=TUESDAY.isoformat(), last_day=TUESDAY.isoformat())
    freed(full)
    assert full.entry(entry, 2)["state"] == "waiting"
    full.check()


def test_an_offer_that_a_closure_overtakes_is_not_confirmed(full: Desk) -> None:
    entry = full.join(2)["number"]
    freed(full)
    full.shut(first_day=TUESDAY.isoformat(), last_day=TUESDAY.isoformat())
    with pytest.raises(Closed):
        full.confirm(full.entry(entry, 2)["booking"], 2)
    full.check()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"hall": "nowhere"}, UnknownHall),
        ({"items": ["passport", "tax"]}, NotBookable),
        ({"until": "10:00"}, StillFree),
        ({"last_day": WEDNESDAY}, StillFree),
        ({"first_day": date(2026, 2, 9)}, OutsideWindow),
        ({"last_day": date(2026, 2, 20)}, OutsideWindow),
        ({"people": 2}, BeyondClosing),
        ({"account": "a-1", "visitor": visitor(1)}, AlreadyBooked),
    ],
)
def test_what_nobody_need_or_can_wait_for_is_refused_and_leaves_nothing(
    full: Desk, change: dict[str, Any], refusal: type[Refusal]
) -> None:
    before = full.traces()
    with pytest.raises(refusal):
        full.join(2, idempotency_key="k", **change)
    assert full.traces() == before
    full.join(2, idempotency_key="k")


def test_times_that_are_free_are_named(full: Desk) -> None:
    with pytest.raises(StillFree) as refusal:
        full.join(2, until="11:00")
    assert refusal.value.params["next"] == [
        {"date": "2026-02-10", "time": time} for time in ("09:30", "10:00", "10:30")
    ]


def test_times_that_are_free_but_not_for_this_person_are_no_reason(full: Desk) -> None:
    """Wednesday has time, but not for somebody who comes on Wednesday already."""
    full.book(2, date=WEDNESDAY, time="10:00")
    entry = full.join(2, last_day=WEDNESDAY)["number"]
    freed(full)
    assert full.entry(entry, 2)["starts_at"].startswith("2026-02-10")


def test_entries_of_a_person_are_limited(full: Desk) -> None:
    first, *_ = [full.join(2)["number"] for _ in range(3)]
    for who in (visitor(2), visitor(2, mobile=9), {**visitor(9), "mobile": visitor(2)["mobile"]}):
        with pytest.raises(WaitingLimit) as refusal:
            full.join(9, visitor=who)
        assert refusal.value.params == {"most": 3}
    full.leave(first, 2)
    full.join(2)


def test_who_is_at_the_limit_on_every_day_cannot_wait(full: Desk) -> None:
    full.book(2, date=WEDNESDAY)
    full.book(2, date=THURSDAY)
    with pytest.raises(LimitReached):
        full.join(2)


def test_who_is_blocked_cannot_wait(full: Desk) -> None:
    full.rule(no_shows=1)
    full.advance(days=1, hours=16)
    full.app.sweeping.missed()
    full.app.planning.ahead()
    full.book(2, date=date(2026, 2, 12))
    with pytest.raises(Blocked):
        full.join(1, first_day=date(2026, 2, 12), last_day=date(2026, 2, 12))


def test_the_same_key_gives_the_same_entry(full: Desk) -> None:
    first = full.join(2, idempotency_key="k")
    assert full.join(2, idempotency_key="k") == first
    with pytest.raises(KeyReused):
        full.join(2, idempotency_key="k", until="09:40")


def test_anothers_entry_does_not_exist(full: Desk) -> None:
    number = full.join(2)["number"]
    for unknown in (number, "NOSUCHNUMBER"):
        for act in (full.entry, full.leave):
            with pytest.raises(UnknownEntry) as refusal:
                act(unknown, 3)
            assert refusal.value.status == 404


def test_a_guests_contact_is_sealed_and_goes_on_to_the_booking(full: Desk) -> None:
    guest = full.caller(None, "13800000002")
    entry = full.app.waiting.join(guest, waiting_wish(2))["number"]
    assert full.app.contacts.find(entry) == {"mobile": "13800000002", "email": None, "language": "zh-Hans"}
    freed(full)
    shown = full.app.waiting.show(guest, entry)
    assert full.app.contacts.find(shown["booking"])["mobile"] == "13800000002"
    full.app.bookings.confirm(guest, shown["booking"], None)
    row = full.booking(shown["booking"])
    with full.database.write() as tx:
        assert "13800000002" in full.tools.vault.open(tx, row.visitor, row.contact).decode()
        kept = full.tools.store.entry(tx, entry)
    assert kept is not None
    assert kept.contact is not None
    assert b"138" not in kept.contact


def test_a_clock_that_goes_back_offers_nothing_twice(full: Desk) -> None:
    entry = full.join(2)["number"]
    freed(full)
    full.advance(hours=-1)
    full.sweep()
    assert len(full.facts(entry)) == 1
    assert full.confirm(full.entry(entry, 2)["booking"], 2)["state"] == "booked"
    full.check()
