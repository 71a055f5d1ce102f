"""Expected waits: sensible at the edges, never shorter for a longer queue, and true in about four cases of five."""

import heapq
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from kernel.clock import parse_time
from services.appointment.domain.estimates import Line, Service, Wait, Window, expect, over_hours, service_of
from services.appointment.domain.schedule import Hours

OURS = frozenset({1})
OFFICE = (Hours(9 * 60, 12 * 60), Hours(14 * 60, 17 * 60))
TEN = Service(10, 5, 30)


def line(ahead: int = 0, open_: int = 1, busy: int = 0, **change: object) -> Line:
    windows = [Window(OURS, place < busy) for place in range(open_)]
    return replace(Line(group=1, windows=windows, ahead={1: ahead}), **change)  # type: ignore[arg-type]


def test_at_a_free_window_one_hardly_waits() -> None:
    assert expect(line(), TEN) == Wait(0, 2)


def test_the_range_is_around_the_work_ahead() -> None:
    wait = expect(line(ahead=8, open_=2, busy=2), TEN)
    assert wait.low < 8 * 10 / 2 < wait.high
    assert wait == Wait(31, 55)


def test_without_windows_one_is_expected_to_open() -> None:
    assert expect(line(open_=0), TEN) == Wait(0, 2)
    assert expect(line(ahead=3, open_=0), TEN).high >= 30


def test_who_has_booked_and_not_come_yet_counts_with_those_who_come_before_one_is_called() -> None:
    alone = expect(line(ahead=2, busy=1), TEN)
    assert expect(line(ahead=2, busy=1, booked=(0, 0, 5)), TEN).high > alone.high + 20
    assert (
        expect(line(ahead=2, busy=1, booked=(-12,)), TEN).high <= expect(line(ahead=2, busy=1, booked=(5,)), TEN).high
    )
    assert expect(line(open_=1, booked=(0, 0, 5)), TEN) == expect(line(open_=1), TEN), "a free window waits for nobody"
    assert expect(line(ahead=2, busy=1, arrivals=0.05, for_minutes=20), TEN).high > alone.high


def test_queues_that_share_windows_count_as_far_as_they_have_no_others() -> None:
    shared, other = Window(frozenset({1, 2}), True), Window(frozenset({2}), True)
    alone = Line(group=1, windows=[shared], ahead={1: 1, 2: 0})
    with_others = Line(group=1, windows=[shared], ahead={1: 1, 2: 4})
    with_help = Line(group=1, windows=[shared, other], ahead={1: 1, 2: 4})
    assert expect(alone, TEN).high < expect(with_help, TEN).high < expect(with_others, TEN).high


@given(st.integers(0, 60), st.integers(0, 6), st.integers(0, 6), st.lists(st.integers(-15, 40), max_size=10))
def test_one_more_ahead_never_shortens_the_wait_nor_one_more_window_lengthens_it(
    ahead: int, open_: int, busy: int, booked: list[float]
) -> None:
    now = expect(line(ahead, open_, busy, booked=booked), TEN)
    longer = expect(line(ahead + 1, open_, busy, booked=booked), TEN)
    assert 0 <= now.low <= now.high
    assert now.low <= longer.low + 3, "a wider range may begin a little earlier"
    assert now.high <= longer.high
    if open_:
        assert expect(line(ahead, open_ + 1, busy, booked=booked), TEN).high <= now.high


@given(st.lists(st.floats(0.1, 120), max_size=30), st.integers(5, 240))
def test_what_was_seen_outweighs_the_schedule_the_more_the_more_was_seen(seen: list[float], slot: int) -> None:
    service = service_of(seen, slot)
    assert min([*seen, slot]) - 1e-6 <= service.mean <= max([*seen, slot]) + 1e-6
    assert service_of([], slot).mean == slot
    assert service.deviation > 0


@pytest.mark.parametrize(
    ("now", "wait", "by_the_clock"),
    [
        ("10:00", Wait(5, 20), Wait(5, 20)),
        ("08:40", Wait(0, 5), Wait(20, 25)),  # it opens at nine
        ("11:50", Wait(5, 20), Wait(5, 140)),  # over midday
        ("12:30", Wait(0, 10), Wait(90, 100)),
        ("16:50", Wait(5, 30), Wait(5, 30)),
    ],
)
def test_a_wait_begins_with_the_hours_and_stands_still_at_midday(now: str, wait: Wait, by_the_clock: Wait) -> None:
    assert over_hours(wait, OFFICE, parse_time(f"2026-02-10T{now}:00+08:00")) == by_the_clock


def day(seed: int, windows: int, load: float, mean: float, spread: float) -> list[tuple[Wait, float]]:
    """A day of one queue, minute by minute: what each was told, and how long they waited. `load`: of the windows."""
    chance = random.Random(seed)
    free_at = [0.0] * windows
    heapq.heapify(free_at)
    begun: list[float] = []  # when each service so far began
    ends: list[tuple[float, float]] = []  # when one ended, and how long it was
    now, told = 0.0, []
    while now < 480:
        now += chance.expovariate(load * windows / mean)
        ahead = sum(one > now for one in begun)
        busy = sum(one > now for one in free_at)
        seen = [took for end, took in ends if end <= now][-30:]
        expected = expect(line(ahead, windows, busy if not ahead else windows), service_of(seen, 15))
        start = max(now, heapq.heappop(free_at))
        took = max(1.0, chance.gammavariate((mean / spread) ** 2, spread**2 / mean))
        heapq.heappush(free_at, start + took)
        begun.append(start)
        ends.append((start + took, took))
        told.append((expected, start - now))
    return told


def within(told: Sequence[tuple[Wait, float]]) -> float:
    return sum(wait.low <= real <= wait.high for wait, real in told) / len(told)


@pytest.mark.parametrize(
    ("windows", "load", "mean", "spread"),
    [(1, 1.1, 12, 6), (2, 1.2, 15, 9), (3, 1.0, 10, 4), (5, 1.3, 20, 14), (4, 0.8, 8, 8)],
)
def test_about_four_of_five_wait_as_long_as_they_were_told(
    windows: int, load: float, mean: float, spread: float
) -> None:
    told = [one for seed in range(60) for one in day(seed, windows, load, mean, spread)]
    waited = [one for one in told if one[1] > 0]
    assert 0.72 <= within(waited) <= 0.92
    assert within(told) >= 0.72


def test_a_clock_that_was_put_back_makes_nothing_shorter_than_no_time() -> None:
    """A service that began by the clock's old time has ended, by the new one, before it began."""
    assert service_of([-60.0, -45.0, 10.0], 15) == service_of([0.0, 0.0, 10.0], 15)
    assert expect(line(ahead=2, busy=1), service_of([-15.0] * 3, 15)).high > 0
