"""What should have happened by itself at appointment and has not: counted, and gone when it has; on both databases."""

import pytest

from kernel.clock import to_micros
from kernel.contracts.standing import TIMERS, Relayed, Timer
from services.appointment.adapters.standing import standing
from services.appointment.testing import WEDNESDAY, Desk


def due(desk: Desk) -> dict[str, tuple[int, float]]:
    """How much of what is due, and for how long the first."""
    timers = standing(desk.database, desk.clock.now())["timers"]
    return {name: (timer["due"], timer["oldest_due_seconds"]) for name, timer in timers.items() if timer["due"]}


def test_holds_that_are_over_are_due_until_somebody_sweeps(desk: Desk) -> None:
    desk.schedule()
    desk.hold()
    assert due(desk) == {}
    desk.advance(hours=1)
    assert due(desk)["holds"][0] == 1
    desk.app.sweeping.holds()
    assert set(due(desk)) == {"places"}
    desk.app.offering.returns()
    assert due(desk) == {}


def test_tickets_of_a_day_that_is_over_are_due_since_midnight(desk: Desk) -> None:
    desk.schedule(capacity=20, window_quota=10)
    desk.on("2026-02-10T10:00")
    desk.window()
    desk.take(), desk.take()
    assert due(desk) == {}
    desk.on("2026-02-11T00:10")
    assert due(desk) == {"tickets_left": (2, 600.0)}
    desk.app.queue_day.close()
    assert due(desk) == {}


def test_visits_that_nobody_came_for_are_due_since_midnight(desk: Desk) -> None:
    desk.book()
    desk.on("2026-02-10T23:59")
    assert due(desk) == {}
    desk.on("2026-02-11T00:10")
    assert due(desk) == {"missed_visits": (1, 600.0)}
    desk.app.sweeping.missed()
    assert due(desk) == {}


def test_bookings_of_a_group_that_was_planned_anew_are_due_until_somebody_looks(desk: Desk) -> None:
    desk.book(date=WEDNESDAY)
    desk.shut()
    desk.advance(seconds=10)
    assert due(desk) == {"replanned": (2, 10.0)}
    desk.app.closings.closures()
    assert due(desk) == {}


def test_a_group_that_is_looked_at_again_for_a_hold_is_not_late_as_long_as_somebody_does(desk: Desk) -> None:
    desk.rule(hold_seconds=3600)
    desk.hold(date=WEDNESDAY)
    desk.shut()
    for _ in range(8):
        desk.advance(minutes=1)
        desk.app.closings.closures()
        assert due(desk) == {}
    desk.advance(minutes=5)
    assert due(desk) == {"replanned": (1, 240.0)}


def test_a_closed_visit_is_due_when_its_time_has_come_and_nothing_is_held_for_it(desk: Desk) -> None:
    desk.rule(closure_hold_minutes=600)
    desk.book()
    desk.on("2026-02-10T08:00")
    desk.shut(first_day="2026-02-10", last_day="2026-02-10")
    desk.app.closings.closures()
    desk.on("2026-02-10T17:00")
    assert due(desk) == {}
    desk.on("2026-02-10T18:05")
    desk.app.sweeping.holds()
    assert due(desk)["closed_visits"] == (1, 300.0)
    desk.app.closings.ended()
    assert "closed_visits" not in due(desk)


def test_every_timer_of_appointment_is_told(desk: Desk) -> None:
    told = standing(desk.database, desk.clock.now())
    assert set(told["timers"]) == {name for name, owner in TIMERS.items() if owner == "appointment"}
    assert [Timer().validate(timer) for timer in told["timers"].values()] == [{}] * len(told["timers"])
    assert Relayed().validate(told["relay"]) == {}
    assert told["database_bytes"] > 0


@pytest.mark.parametrize("minutes", [0, 60])
def test_reminders_are_due_when_their_time_has_come(desk: Desk, minutes: int) -> None:
    desk.schedule()
    number = desk.book()["number"]
    since = to_micros(desk.clock.now()) - minutes * 60_000_000
    with desk.database.write() as tx:
        tx.exec_driver_sql(f"UPDATE booking SET remind_at = {since} WHERE number = '{number}'")
    assert due(desk) == {"reminders": (1, minutes * 60.0)}
