"""What is offered to whom was closed out."""

from datetime import date

from services.appointment.domain.nearby import apart, nearest
from services.appointment.domain.rules import Visit

LOST = Visit(date(2026, 2, 11), 540, 570)


def on(day: int, *starts: int) -> list[Visit]:
    return [Visit(date(2026, 2, day), start, start + 30) for start in starts]


def test_the_same_hour_on_the_nearest_days_is_best_and_later_is_better_than_earlier() -> None:
    found = nearest([*on(9, 540), *on(10, 540, 600), *on(12, 570, 600), *on(13, 540)], LOST)
    assert found == [*on(12, 570), *on(10, 540), *on(13, 540), *on(9, 540), *on(12, 600), *on(10, 600)]


def test_the_same_day_is_nearer_than_any_other() -> None:
    assert nearest([*on(12, 540), *on(11, 840)], LOST)[0] == on(11, 840)[0]


def test_times_that_touch_are_apart() -> None:
    first, second, third = on(11, 540, 570, 555)
    assert apart(second, [first])
    assert not apart(third, [first, second])
    assert apart(third, on(12, 540))
