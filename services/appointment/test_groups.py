"""Several groups of a hall that handle the same: a time is one of any of them, and full when none has it."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.contracts import appointment as contract
from kernel.contracts.appointment_refusals import (
    AlreadyBooked,
    BeyondClosing,
    Closed,
    Full,
    NotBookable,
    StillFree,
)
from kernel.contracts.visit_facts import VisitOffered
from services.appointment.application.rows import EntryRow
from services.appointment.bootstrap import Tables
from services.appointment.domain.halls import group_id
from services.appointment.test_races import (
    Meeting,
    SeenTogether,
    WithoutSlotGuard,
    booked_at_once,
    outcomes,
    several,
    tally,
)
from services.appointment.testing import HALL, POLICE, TAX, TUESDAY, WEDNESDAY, Desk

GENERAL = group_id("tianhe", "综合窗口")
BOTH: dict[str, Any] = {
    **HALL,
    "units": [*HALL["units"], {"name": "综合窗口", "items": ["passport", "permit", "tax"]}],
}
MORNING = [{"since": "09:00", "until": "12:00"}]
AFTERNOON = [{"since": "14:00", "until": "17:00"}]


def prepared(desk: Desk, police: int = 1, general: int = 1) -> Desk:
    """A general unit beside those for passports and for taxes; so many places in each slot."""
    desk.app.planning.adopt([BOTH])
    desk.schedule(capacity=police)
    desk.schedule(GENERAL, capacity=general)
    return desk


@pytest.fixture
def two(desk: Desk) -> Desk:
    return prepared(desk)


@pytest.fixture
def on_postgresql(on_postgresql: Desk) -> Desk:
    return prepared(on_postgresql)


def shown(desk: Desk, item: str = "passport") -> dict[str, list[str]]:
    """By the group, the times that are free on Tuesday."""
    asked = contract.SlotsAsked().load({"hall": "tianhe", "item": item, "date": TUESDAY.isoformat(), "days": 1})
    groups = desk.app.free_times.show(asked)["groups"]
    return {one["group"]: [time["time"] for day in one["days"] for time in day["times"]] for one in groups}


def test_a_time_is_one_of_any_group_and_always_of_the_same_first(two: Desk) -> None:
    assert [two.book(number)["group"] for number in (1, 2)] == [POLICE, GENERAL]
    before = two.traces()
    with pytest.raises(Full) as refusal:
        two.book(3)
    assert two.traces() == before
    assert refusal.value.params["next"][0] == {"date": "2026-02-10", "time": "09:30"}
    assert two.hold(3, time="09:30")["group"] == POLICE
    two.check()


def test_each_group_that_handles_an_item_shows_its_times(two: Desk) -> None:
    two.schedule(weekly={"2": MORNING}, capacity=1)
    two.schedule(GENERAL, weekly={"2": AFTERNOON}, capacity=1)
    two.book(1)
    times = shown(two)
    assert list(times) == [POLICE, GENERAL]
    assert (times[POLICE][0], times[GENERAL][0]) == ("09:30", "14:00")
    assert set(shown(two, "tax")) == {TAX, GENERAL}
    assert set(shown(two, "household")) == {POLICE}
    for number, group in enumerate(times, 2):
        assert two.book(number, time=times[group][0])["group"] == group, "what is shown can be booked"


def test_the_next_times_are_of_all_groups(two: Desk) -> None:
    two.schedule(weekly={"2": MORNING}, capacity=1)
    two.schedule(GENERAL, weekly={"2": [{"since": "11:00", "until": "12:00"}], "3": MORNING}, capacity=1)
    two.book(1, time="11:30")
    two.book(2, time="11:30")
    with pytest.raises(Full) as refusal:
        two.book(3, time="11:30")
    two.book(3, time="11:00")
    two.book(4, time="11:00")
    assert [one["date"] for one in refusal.value.params["next"]] == ["2026-02-11"] * 3


def test_several_items_in_one_visit_need_a_group_that_handles_them_all(two: Desk) -> None:
    assert two.book(1, items=["passport", "tax"])["group"] == GENERAL
    with pytest.raises(Full):
        two.book(2, items=["passport", "tax"])
    assert two.book(2, items=["passport", "permit"])["group"] == POLICE
    with pytest.raises(NotBookable):
        two.book(3, items=["household", "tax"])
    two.check()


def test_it_is_full_only_where_somebody_else_has_the_time(two: Desk) -> None:
    """Closed at one group: the other's place counts, and is the one that is full. Closed at both: closed."""
    two.shut(group=POLICE)
    assert two.book(1, date=WEDNESDAY)["group"] == GENERAL
    with pytest.raises(Full):
        two.book(2, date=WEDNESDAY)
    two.shut(group=GENERAL)
    with pytest.raises(Closed):
        two.book(2, date=WEDNESDAY)
    two.check()


def test_a_visit_that_is_too_long_for_one_group_goes_to_the_other(two: Desk) -> None:
    two.schedule(capacity=1, item_minutes={"passport": 60})
    answer = two.book(1, time="11:30")
    assert (answer["group"], answer["ends_at"][11:16]) == (GENERAL, "12:00")
    with pytest.raises(Full):
        two.book(2, time="11:30")
    two.schedule(GENERAL, capacity=1, item_minutes={"passport": 60})
    with pytest.raises(BeyondClosing):
        two.book(2, time="16:30")


def test_a_visit_that_would_overlap_anothers_end_at_one_group_goes_to_the_other(two: Desk) -> None:
    two.rule(per_day=3, per_week=5)
    two.schedule(capacity=1, item_minutes={"passport": 60})
    two.book(1, time="09:30", items=["permit"])
    assert two.book(1)["group"] == GENERAL
    with pytest.raises(AlreadyBooked):
        two.book(1)
    two.check()


def test_a_move_stays_with_its_group(two: Desk) -> None:
    """Another unit's place is booked, not moved to: what is told instead is free at the same one."""
    number = two.book(1)["number"]
    two.book(2, time="09:30")
    with pytest.raises(Full) as refusal:
        two.move(number, day=TUESDAY, time="09:30")
    assert refusal.value.params["next"][0] == {"date": "2026-02-10", "time": "10:00"}
    assert two.move(number, day=TUESDAY, time="10:00")["group"] == POLICE
    two.check()


def given_up(desk: Desk, number: str, person: int) -> None:
    desk.cancel(number, person)
    desk.advance(seconds=desk.delay)


def test_who_waits_is_offered_a_place_of_any_group(two: Desk) -> None:
    first, second = (two.book(number)["number"] for number in (1, 2))
    waits, later = two.join(3), two.join(4)["number"]
    assert (waits["group"], waits["state"]) == (POLICE, "waiting")
    given_up(two, second, 2)
    two.sweep()
    entry = two.entry(waits["number"], 3)
    assert (entry["state"], entry["group"]) == ("offered", GENERAL)
    (fact,) = two.facts(waits["number"])
    assert isinstance(fact, VisitOffered)
    assert (fact.group, fact.group_name) == (GENERAL, "综合窗口")
    assert two.confirm(entry["booking"], 3)["group"] == GENERAL
    given_up(two, first, 1)
    two.sweep()
    assert (two.entry(later, 4)["state"], two.entry(later, 4)["group"]) == ("offered", POLICE)
    two.check()


def test_nobody_need_wait_while_any_group_has_time(two: Desk) -> None:
    two.book(1)
    with pytest.raises(StillFree) as refusal:
        two.join(2)
    assert refusal.value.params["next"] == [{"date": "2026-02-10", "time": "09:00"}]
    two.book(3)
    two.join(2)


def test_ahead_are_those_who_wait_at_the_same_groups(two: Desk) -> None:
    for number in range(1, 3):
        two.book(number)
    two.schedule(TAX, capacity=1)
    two.book(10, items=["tax"])
    passport, tax = two.join(3), two.join(4, items=["tax"])
    household, both = two.join(5, items=["household"]), two.join(6, items=["passport", "tax"], until="10:00")
    assert [one["ahead"] for one in (passport, tax, household, both)] == [0, 1, 1, 2]


def test_an_entry_ends_when_its_person_books_at_any_of_its_groups(two: Desk) -> None:
    for number in (1, 2):
        two.book(number)
    entry, other = two.join(3)["number"], two.join(4)["number"]
    two.book(9, time="10:00")
    assert two.book(3, time="10:00")["group"] == GENERAL
    assert two.entry(entry, 3)["state"] == "booked"
    two.schedule(TAX, capacity=2)
    assert two.book(4, time="10:00", items=["tax"])["group"] == TAX
    assert two.entry(other, 4)["state"] == "waiting", "taxes alone are no passport"


def test_who_waits_where_a_unit_was_goes_on_waiting_at_the_other(two: Desk) -> None:
    first, second = (two.book(number)["number"] for number in (1, 2))
    entry = two.join(3)["number"]
    two.app.planning.adopt([{**BOTH, "units": BOTH["units"][1:]}])
    given_up(two, first, 1)
    two.sweep()
    assert two.entry(entry, 3)["state"] == "waiting"
    given_up(two, second, 2)
    two.sweep()
    assert two.entry(entry, 3)["state"] == "offered"
    two.check()


def test_places_that_planning_adds_to_one_group_go_to_who_waits_at_both(two: Desk) -> None:
    for number in (1, 2):
        two.book(number)
    entry = two.join(3)["number"]
    two.schedule(GENERAL, capacity=2)
    with pytest.raises(Full):
        two.book(4)
    two.sweep()
    assert two.entry(entry, 3)["state"] == "offered"
    two.check()


# --- many at once


def test_two_hundred_for_ten_places_of_two_groups(desk: Desk) -> None:
    prepared(desk, police=4, general=6)
    items = (["passport"], ["permit"], ["passport", "permit"])
    with several(desk, 2) as desks:
        found = outcomes([lambda n=n: desks[n % 2].book(n, items=items[n % 2]) for n in range(200)])
    assert tally(found) == {"booked": 10, "full": 190}
    assert Counter(one["group"] for one in found if isinstance(one, dict)) == {POLICE: 4, GENERAL: 6}
    desk.check()


@pytest.mark.parametrize(("store", "most"), [(SeenTogether, 2), (WithoutSlotGuard, 4)])
def test_without_the_guard_of_the_slots_the_first_group_is_overbooked(
    on_postgresql: Desk, store: type[SeenTogether], most: int
) -> None:
    """Four who look at the same moment: two get the two places there are. Without locks, all get the same one."""
    assert booked_at_once(on_postgresql, store) == most
    assert (on_postgresql.overbooked() != []) is (store is WithoutSlotGuard)


def test_who_wants_one_group_or_both_in_any_order_waits_for_nobody_for_ever(desk: Desk) -> None:
    """Visits over several slots of the one, of the other and of both, held, moved and waited for: no deadlock."""
    prepared(desk, police=2, general=2)
    items = (["household"], ["passport"], ["passport", "tax"], ["permit"])
    with several(desk, 3) as desks:
        calls: list[Callable[[], Any]] = []
        for number in range(60):
            one, wish = desks[number % 3], {"items": items[number % 4], "people": number % 2 + 1}
            time = f"{9 + number % 3}:00".zfill(5)
            calls.append(lambda d=one, n=number, t=time, w=wish: (d.hold if n % 5 else d.book)(n, time=t, **w))
            if number % 6 == 0:
                calls.append(lambda d=one, n=number, w=wish: d.join(100 + n, until="12:00", **w))
                calls.append(lambda d=one: {"swept": d.sweep()})
        found = outcomes(calls, threads=12)
    assert set(tally(found)) <= {"booked", "full", "still_free", "beyond_closing"}
    assert tally(found)["booked"] >= 12
    desk.check()


def test_places_of_two_groups_that_come_back_at_once_are_offered_to_two(desk: Desk) -> None:
    """Each sweeper has another group, and sees the same who waits: the first is offered one place, not both."""
    prepared(desk)
    numbers = [desk.book(number)["number"] for number in (1, 2)]
    entries = [desk.join(number)["number"] for number in (3, 4)]
    for person, number in enumerate(numbers, 1):
        desk.cancel(number, person)
    desk.advance(seconds=desk.delay)
    with several(desk, 2) as desks:
        outcomes([lambda one=one: {"swept": one.app.offering.returns()} for one in desks])
    desk.sweep()
    offers = [desk.entry(entry, person) for person, entry in enumerate(entries, 3)]
    assert [one["state"] for one in offers] == ["offered", "offered"]
    assert {one["group"] for one in offers} == {POLICE, GENERAL}
    assert [len(desk.facts(entry)) for entry in entries] == [1, 1]
    desk.check()


class SeenWaiting(Tables):
    """The real tables; but who has looked who waits lets others look as well."""

    def __init__(self, meeting: Meeting) -> None:
        self._meeting = meeting

    def lock_entries(self, tx: sa.Connection, numbers: Collection[str]) -> list[EntryRow]:
        found = super().lock_entries(tx, numbers)
        self._meeting.wait()
        return found


class WithoutEntryGuard(SeenWaiting):
    """Locks neither those who wait nor their entries."""

    def lock_visitors(self, tx: sa.Connection, keys: Mapping[str, str]) -> tuple[dict[str, str], set[str]]:
        return dict(keys), set()

    def lock_entries(self, tx: sa.Connection, numbers: Collection[str]) -> list[EntryRow]:
        found = [entry for entry in (self.entry(tx, number) for number in numbers) if entry is not None]
        self._meeting.wait()
        return found


@pytest.mark.parametrize("store", [SeenWaiting, WithoutEntryGuard])
def test_without_the_guard_of_the_entries_two_groups_want_to_offer_to_the_same(
    on_postgresql: Desk, store: type[SeenWaiting]
) -> None:
    desk, meeting = on_postgresql, Meeting(2)
    numbers = [desk.book(number)["number"] for number in (1, 2)]
    entry = desk.join(3)["number"]
    for person, number in enumerate(numbers, 1):
        desk.cancel(number, person)
    desk.advance(seconds=desk.delay)
    groups = [row[0] for row in desk.query("SELECT DISTINCT slot >> 31 FROM place_return ORDER BY 1")]
    with several(desk, 2) as desks, ExitStack() as stack:
        if store is WithoutEntryGuard:
            stack.enter_context(pytest.raises(RuntimeError, match="has changed"))
        offering = [one.another(store(meeting)).app.offering for one in desks]
        outcomes([lambda one=one, no=no: {"back": one._returns(no)} for one, no in zip(offering, groups, strict=True)])
    assert len(desk.facts(entry)) == 1
    desk.check()
