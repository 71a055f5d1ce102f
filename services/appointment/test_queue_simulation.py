"""Mornings of a hall, minute by minute, through the real thing: what was foretold is held against what came true."""

import random
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from kernel.clock import FrozenClock, parse_time
from services.appointment.testing import POLICE, Desk

NINE = parse_time("2026-02-10T09:00:00+08:00")
WINDOWS = 3
SERVICE = (8.0, 4.0)  # minutes: mean and deviation


@dataclass
class Morning:
    """Who comes when, and how long each is dealt with: by chance, the same for a seed."""

    desk: Desk
    chance: random.Random
    free_at: dict[str, float] = field(default_factory=dict)  # windows with somebody there

    def run(self) -> None:
        weekly = {"2": [{"since": "09:00", "until": "17:00"}]}
        self.desk.schedule(slot_minutes=10, capacity=12, window_quota=10, weekly=weekly)
        visits = self.book()
        walk_ins = sorted(self.chance.uniform(0, 160) for _ in range(30))
        for place in range(WINDOWS):
            self.desk.window(str(place))
        for minute in range(-20, 300):
            self.at(minute)
            while walk_ins and walk_ins[0] <= minute:
                walk_ins.pop(0)
                self.desk.take(priority=self.chance.choice(["none"] * 9 + ["elderly"]))
            for _, number, person in [one for one in visits if one[0] == minute]:
                self.desk.check_in(number, person)
            self.serve(minute)
        self.desk.app.follower.catch_up()

    def book(self) -> list[tuple[int, str, int]]:
        """When each comes (one in ten does not), the booking, the person."""
        found = []
        for person in range(1, 37):
            start = 10 * ((person - 1) // 2)
            time = f"{9 + start // 60:02}:{start % 60:02}"
            number = str(self.desk.book(person, time=time)["number"])
            if self.chance.random() < 0.9:
                found.append((start + self.chance.randint(-15, 10), number, person))
        return found

    def at(self, minute: int) -> None:
        assert isinstance(self.desk.clock, FrozenClock)
        self.desk.clock.advance(NINE + timedelta(minutes=minute) - self.desk.clock.now())

    def serve(self, minute: int) -> None:
        """From nine on: those who are done go, and whoever is free calls."""
        for window, until in list(self.free_at.items()):
            if until <= minute:
                self.desk.at_window("finish", window)
                del self.free_at[window]
        for place in range(WINDOWS) if minute >= 0 else ():
            if str(place) not in self.free_at and self.desk.call_next(str(place)) is not None:
                mean, deviation = SERVICE
                took = self.chance.gammavariate((mean / deviation) ** 2, deviation**2 / mean)
                self.free_at[str(place)] = minute + max(1.0, took)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_morning_is_foretold_as_well_as_is_published(desk: Desk, seed: int) -> None:
    Morning(desk, random.Random(seed)).run()
    measured = desk.app.statistics.wait("tianhe")["measured"]
    assert measured["tickets"] >= 55
    assert measured["within"] >= 0.7
    assert measured["mean_error_minutes"] <= 8
    row = next(one for one in desk.app.statistics.of_hall("tianhe", None, None)["items"] if one["group"] == POLICE)
    assert row["called"] == row["served"] == row["checked_in"] + row["walk_ins"]
    desk.check()
