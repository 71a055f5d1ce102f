"""A crowd at a full time: told from memory, for half a second; repeats are answered as they were."""

from datetime import timedelta

import pytest

from kernel.contracts.appointment_refusals import Full
from kernel.idempotency import KeyReused
from services.appointment.application.full_times import LIFE
from services.appointment.testing import Desk, wish


def known(desk: Desk, number: int, key: str | None = None, **change: object) -> object:
    return desk.app.bookings.known("book", desk.caller(f"a-{number}"), wish(number, idempotency_key=key, **change))


def test_a_full_time_is_told_from_memory_for_a_moment(desk: Desk) -> None:
    desk.schedule(capacity=1)
    desk.book(1)
    assert known(desk, 2) is None, "nobody has found it full yet"
    with pytest.raises(Full) as tried:
        desk.book(2)
    with pytest.raises(Full) as told:
        known(desk, 3)
    assert told.value.params == tried.value.params
    assert known(desk, 3, time="09:30") is None
    assert known(desk, 3, people=2) is None
    desk.advance(seconds=LIFE / timedelta(seconds=1))
    assert known(desk, 3) is None


def test_a_clock_that_is_put_back_makes_nothing_full_for_long(desk: Desk) -> None:
    desk.schedule(capacity=1)
    desk.book(1)
    with pytest.raises(Full):
        desk.book(2)
    desk.advance(seconds=-60)
    assert known(desk, 3) is None


def test_who_has_booked_gets_the_booking_again_though_it_is_full(desk: Desk) -> None:
    desk.schedule(capacity=1)
    booked = desk.book(1, idempotency_key="k")
    with pytest.raises(Full):
        desk.book(2)
    assert known(desk, 1, "k") == booked
    with pytest.raises(Full):
        known(desk, 1, "another")
    desk.book(1, time="09:30", date=wish()["date"] + timedelta(days=1), idempotency_key="other")
    with pytest.raises(KeyReused):
        known(desk, 1, "other")
