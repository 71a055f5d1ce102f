"""A schedule's slots: hours, holidays and make-up days, closures, and where a visit of several slots can begin."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, strategies as st

from services.appointment.domain.halls import group_id, groups_of
from services.appointment.domain.schedule import (
    DEFAULT_SCHEDULE,
    Closing,
    Hours,
    Schedule,
    hours_on,
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


@given(st.integers(0, 1440))
def test_times_are_read_as_written(minutes: int) -> None:
    assert minutes_of(hhmm(minutes)) == minutes
