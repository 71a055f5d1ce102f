"""A schedule's slots: hours, holidays and make-up days, closures, and where a visit of several slots can begin."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, strategies as st

from services.appointment.domain.halls import GroupNamed, continued, group_id, groups_of
from services.appointment.domain.schedule import (
    DEFAULT_SCHEDULE,
    Closing,
    Hours,
    Schedule,
    hours_on,
    open_hours,
    schedule_of,
    slots_on,
    visit_minutes,
    walk_in_contingent,
)
from services.appointment.domain.slots import Slot, group_of, id_range, needed_ids, runs, slot_id
from services.appointment.domain.times import hhmm, minutes_of

MONDAY = date(2026, 2, 9)
WEEKENDS = Schedule({**DEFAULT_SCHEDULE.weekly, 6: (Hours(600, 660),)}, slot_minutes=30, capacity=4)
ALWAYS = replace(WEEKENDS, open_on_holidays=True)


def test_a_day_has_whole_slots_within_its_hours() -> None:
    schedule = Schedule({1: (Hours(540, 600), Hours(840, 890))}, slot_minutes=25, capacity=5, window_quota=2)
    assert [(slot.start, slot.minutes, slot.places, slot.closed) for slot in slots_on(schedule, MONDAY)] == [
        (540, 25, 3, False),
        (565, 25, 3, False),
        (840, 25, 3, False),
        (865, 25, 3, False),
    ]
    assert walk_in_contingent(schedule, MONDAY) == 8


@pytest.mark.parametrize(
    ("day", "schedule", "first"),
    [
        ("2026-02-09", DEFAULT_SCHEDULE, 540),
        ("2026-02-17", DEFAULT_SCHEDULE, None),  # the Spring Festival
        ("2026-02-14", DEFAULT_SCHEDULE, 540),  # a Saturday that is worked
        ("2026-02-14", WEEKENDS, 600),  # open on Saturdays anyway
        ("2026-02-07", DEFAULT_SCHEDULE, None),  # a plain Saturday
        ("2026-02-07", WEEKENDS, 600),
        ("2026-10-03", WEEKENDS, None),  # a Saturday of the National Day week
        ("2026-10-03", ALWAYS, 600),
        ("2026-02-17", ALWAYS, 540),
        ("2026-02-08", ALWAYS, None),  # a Sunday, on which it has no hours
        ("2026-02-14", ALWAYS, 600),
    ],
)
def test_the_calendar_opens_and_closes_days(day: str, schedule: Schedule, first: int | None) -> None:
    hours = hours_on(schedule, date.fromisoformat(day))
    assert (hours[0].since if hours else None) == first


def test_a_closure_closes_what_it_touches() -> None:
    noon = Closing(MONDAY, MONDAY, 610, 640)
    assert [slot.start for slot in slots_on(DEFAULT_SCHEDULE, MONDAY, [noon]) if slot.closed] == [600, 630]
    assert all(slot.closed for slot in slots_on(DEFAULT_SCHEDULE, MONDAY, [Closing(MONDAY, MONDAY)]))
    assert not any(slot.closed for slot in slots_on(DEFAULT_SCHEDULE, date(2026, 2, 10), [noon]))


def test_a_schedule_is_read_from_json_in_order() -> None:
    hours = [{"since": "14:00", "until": "24:00"}, {"since": "09:00", "until": "12:00"}]
    schedule = schedule_of({"weekly": {"1": hours}, "slot_minutes": 20, "capacity": 3, "item_minutes": {"a": 50}})
    assert schedule == Schedule({1: (Hours(540, 720), Hours(840, 1440))}, 20, 3, 0, {"a": 50})
    assert (visit_minutes(schedule, ["a", "b"], 1), visit_minutes(schedule, ["a", "b"], 2)) == (70, 140)


@given(st.integers(1, 2**31 - 1), st.dates(date(2000, 1, 1), date(2200, 1, 1)), st.integers(0, 1439))
def test_a_slots_id_tells_all_of_it(group: int, day: date, start: int) -> None:
    slot = Slot(slot_id(group, day, start), 30, 1)
    assert (group_of(slot.id), slot.day, slot.start) == (group, day, start)
    low, high = id_range(group, day, day)
    assert low <= slot.id <= high < 2**63
    assert high < id_range(group + 1, date(2000, 1, 1), day)[0]


def test_a_visit_takes_slots_that_follow_each_other() -> None:
    ids = needed_ids(7, MONDAY, 540, 70, 30)
    assert ids == tuple(slot_id(7, MONDAY, start) for start in (540, 570, 600))
    assert len(needed_ids(7, MONDAY, 1410, 1000, 30)) == 22  # never an id of another day


def free(*places: tuple[int, int]) -> list[Slot]:
    return [Slot(slot_id(1, MONDAY, start), 30, count) for start, count in places]


def test_a_visit_begins_where_all_its_slots_are_free_without_a_break() -> None:
    slots = free((540, 2), (570, 1), (600, 0), (630, 3), (660, 3), (840, 1), (870, 5))
    found = [(first.start, end, count) for first, end, count in runs(slots, 60)]
    assert found == [(540, 600, 1), (630, 690, 3), (840, 900, 1)]
    assert [first.start for first, _, _ in runs(slots, 30)] == [540, 570, 630, 660, 840, 870]
    assert runs(slots, 61) == []


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3)), max_size=15), st.integers(1, 120))
def test_runs_agree_with_looking_at_every_minute(raw: list[tuple[int, int]], minutes: int) -> None:
    slots = free(*sorted({540 + 30 * step: count for step, count in raw}.items()))
    open_minutes = {minute for slot in slots if slot.free for minute in range(slot.start, slot.end)}
    begins = {first.start for first, _, _ in runs(slots, minutes)}
    assert begins == {slot.start for slot in slots if set(range(slot.start, slot.start + minutes)) <= open_minutes}


def test_groups_are_units_that_handle_what_can_be_booked() -> None:
    units = [
        {"name": "公安", "items": ["a", "b"]},
        {"name": "税务", "items": []},
        {"name": "公安", "items": ["b", "d"]},
    ]
    hall = {"id": "tianhe", "name": "天河", "units": units}
    (police,) = groups_of(hall)
    assert (police.id, police.items) == (group_id("tianhe", "公安"), ("a", "b", "d"))
    assert groups_of({**hall, "units": units[::-1]})[0].id == police.id


def unit(name: str, *items: str, id: str | None = None) -> GroupNamed:
    made = id or group_id("tianhe", name)
    return GroupNamed(id=made, hall="tianhe", hall_name="天河", name=name, items=items)


BEFORE = (unit("公安", "a", "b", "c"), unit("税务", "t"))
IDS = {one.name: one.id for one in (*BEFORE, unit("社保", "s"))}


@pytest.mark.parametrize(
    ("units", "ids"),
    [
        ([unit("公安", "a"), unit("税务", "t", "u")], ["公安", "税务"]),
        ([unit("出入境", "a", "b", "c"), unit("税务", "t")], ["公安", "税务"]),
        ([unit("出入境", "a", "b", "d"), unit("税务", "t")], ["出入境", "税务"]),
        ([unit("出入境", "a", "b", "c", "d"), unit("税务", "t")], ["公安", "税务"]),
        ([unit("公安", "a"), unit("出入境", "a", "b", "c")], ["公安", "出入境"]),
        ([unit("公安一", "a"), unit("公安二", "b", "c")], ["公安一", "公安"]),
        ([unit("甲", "a", "b", "c"), unit("乙", "a", "b", "c"), unit("丙", "t")], ["公安", "乙", "税务"]),
        ([unit("社保", "a", "b", "c"), unit("税务", "t")], ["社保", "税务"]),
    ],
    ids=["same", "renamed", "half is too little", "most", "not gone", "divided", "doubled", "had that name once"],
)
def test_a_unit_with_another_name_is_the_same_group(units: list[GroupNamed], ids: list[str]) -> None:
    """Told by what it handles, where the name that it had is gone."""
    assert [one.id for one in continued(units, IDS, BEFORE)] == [group_id("tianhe", name) for name in ids]


def test_a_new_unit_under_a_name_that_another_had_first_is_another_group() -> None:
    renamed = unit("出入境", "a", "b", id=group_id("tianhe", "公安"))
    police, borders = continued([unit("公安", "x"), unit("出入境", "a", "b")], {"出入境": renamed.id}, [renamed])
    assert borders.id == renamed.id != police.id
    assert continued([unit("公安", "x")], {"公安": police.id, "出入境": renamed.id}, [police]) == [police]


def test_hours_are_what_closures_leave_of_them() -> None:
    office = DEFAULT_SCHEDULE
    for closing, left in (
        (Closing(MONDAY, MONDAY, 600, 660), ((540, 600), (660, 720), (840, 1020))),
        (Closing(MONDAY, MONDAY, 0, 570), ((570, 720), (840, 1020))),
        (Closing(MONDAY, MONDAY, 700, 1440), ((540, 700),)),
        (Closing(MONDAY, MONDAY), ()),
        (Closing(date(2026, 2, 10), date(2026, 2, 11)), ((540, 720), (840, 1020))),
    ):
        assert open_hours(office, MONDAY, [closing]) == tuple(Hours(*one) for one in left)
    assert open_hours(office, MONDAY, [Closing(MONDAY, MONDAY, 0, 600), Closing(MONDAY, MONDAY, 660)]) == (
        Hours(600, 660),
    )


@given(st.integers(0, 1440))
def test_times_are_read_as_written(minutes: int) -> None:
    assert minutes_of(hhmm(minutes)) == minutes
