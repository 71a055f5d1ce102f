"""Who waits for what, and what fits: pure."""

from datetime import date, timedelta

import pytest

from kernel.clock import parse_time
from services.appointment.domain.booking import State
from services.appointment.domain.slots import slot_id
from services.appointment.domain.times import instant
from services.appointment.domain.waiting import Entry, Fit, Wanted, fits, offered_until, state_at

TUESDAY, WEDNESDAY = date(2026, 2, 10), date(2026, 2, 11)
GROUP, LENGTH = 3, 30


def wanted(minutes: int = 30, since: int = 540, until: int = 720, last: date = TUESDAY) -> Wanted:
    return Wanted(TUESDAY, last, since, until, minutes)


def freed(*starts: int, day: date = TUESDAY, group: int = GROUP) -> list[int]:
    return [slot_id(group, day, start) for start in starts]


def starts(found: list[Fit]) -> list[int]:
    return [fit.visit.starts for fit in found]


def test_a_short_visit_fits_each_freed_slot_the_earliest_first() -> None:
    found = fits(wanted(last=WEDNESDAY), GROUP, LENGTH, [*freed(540, day=WEDNESDAY), *freed(600, 570)])
    assert [(fit.visit.day, fit.visit.starts) for fit in found] == [(TUESDAY, 570), (TUESDAY, 600), (WEDNESDAY, 540)]
    assert found[0].slots == tuple(freed(570))


def test_a_long_visit_fits_every_run_with_the_freed_slot_in_it() -> None:
    found = fits(wanted(minutes=75), GROUP, LENGTH, freed(630))
    assert starts(found) == [570, 600, 630]
    assert found[0].slots == tuple(freed(570, 600, 630))
    assert (found[0].visit.starts, found[0].visit.ends) == (570, 660)


@pytest.mark.parametrize(
    ("slots", "want"),
    [
        (freed(540, day=WEDNESDAY), wanted()),
        (freed(540, group=4), wanted()),
        (freed(510, 720), wanted()),
        (freed(690), wanted(minutes=60, since=690)),
        ([], wanted()),
    ],
)
def test_other_days_groups_and_hours_do_not_fit(slots: list[int], want: Wanted) -> None:
    assert fits(want, GROUP, LENGTH, slots) == []


def test_an_entry_is_what_became_of_its_hold() -> None:
    before, after = instant(TUESDAY, 690), instant(TUESDAY, 690) + timedelta(minutes=1)
    want = wanted()
    assert state_at(Entry.WAITING, want, None, before - timedelta(minutes=1), False) == "waiting"
    assert state_at(Entry.WAITING, want, None, before, False) == "over"
    for hold, held, state in (
        (State.HELD, True, "offered"),
        (State.HELD, False, "lapsed"),
        (State.EXPIRED, False, "lapsed"),
        (State.BOOKED, False, "booked"),
        (State.CANCELLED, False, "booked"),
    ):
        assert state_at(Entry.OFFERED, want, hold, after, held) == state
    assert state_at(Entry.LEFT, want, None, after, False) == "left"
    assert state_at(Entry.BOOKED, want, None, after, False) == "booked"


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("08:00", "08:30"),
        ("20:59", "21:29"),
        ("21:00", "+08:30"),
        ("23:59", "+08:30"),
        ("00:00", "08:30"),
        ("07:59", "08:30"),
    ],
)
def test_what_is_offered_at_night_is_held_until_the_morning(now: str, until: str) -> None:
    day = "2026-02-11" if until.startswith("+") else "2026-02-10"
    offered = parse_time(f"2026-02-10T{now}:00+08:00")
    assert offered_until(offered, timedelta(minutes=30)) == parse_time(f"{day}T{until.lstrip('+')}:00+08:00")


def test_a_long_offer_is_not_cut_short_by_the_morning() -> None:
    offered = parse_time("2026-02-10T22:00:00+08:00")
    assert offered_until(offered, timedelta(days=1)) == offered + timedelta(days=1)
