"""Interrupted between any two statements, and at the commit: all of it is there with its fact, or nothing at all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.database import Database
from services.appointment.testing import TUESDAY, WEDNESDAY, Desk


class Interrupted(Exception):
    """As if the process had been killed here."""


@contextmanager
def interrupted(database: Database, after: int) -> Iterator[None]:
    """Fail at the statement behind so many, commits counted as one."""
    engine, left = database.engine, [after]

    def step(*_: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Interrupted

    names = ("before_cursor_execute", "commit")
    for name in names:
        sa.event.listen(engine, name, step)
    try:
        yield
    finally:
        for name in names:
            sa.event.remove(engine, name, step)


def book(desk: Desk) -> Any:
    return desk.book(9, people=2, idempotency_key="k", date=WEDNESDAY)


def hold(desk: Desk) -> Any:
    return desk.hold(9, people=2, date=WEDNESDAY)


def two_missed(desk: Desk) -> Callable[[], Any]:
    """A visit was missed before; missing this one blocks the person."""
    desk.book(1)
    desk.advance(days=1)
    desk.app.planning.ahead()
    desk.advance(hours=16)
    desk.app.sweeping.missed()
    desk.book(1, date=TUESDAY.replace(day=12))
    desk.advance(days=3)
    return desk.app.sweeping.missed


def confirm(desk: Desk) -> Callable[[], Any]:
    number = desk.hold(1)["number"]
    return lambda: desk.confirm(number, key="k")


def cancel(desk: Desk) -> Callable[[], Any]:
    number = desk.book(1, people=2)["number"]
    return lambda: desk.cancel(number, key="k")


def move(desk: Desk) -> Callable[[], Any]:
    number = desk.book(1, people=2)["number"]
    return lambda: desk.move(number, day=TUESDAY, time="09:30", key="k")


def end_holds(desk: Desk) -> Callable[[], Any]:
    desk.hold(1, people=2)
    desk.advance(seconds=301)
    return desk.app.sweeping.holds


def return_places(desk: Desk) -> Callable[[], Any]:
    desk.cancel(desk.book(1, people=2)["number"])
    desk.advance(seconds=101)
    return desk.app.sweeping.returns


@pytest.mark.parametrize(
    "made",
    [
        lambda desk: lambda: book(desk),
        lambda desk: lambda: hold(desk),
        confirm,
        cancel,
        move,
        end_holds,
        return_places,
        two_missed,
    ],
    ids=["book", "hold", "confirm", "cancel", "move", "end_holds", "return_places", "missed"],
)
def test_whole_or_nothing(desk: Desk, made: Callable[[Desk], Callable[[], Any]]) -> None:
    act = made(desk)
    before, states = desk.traces(), desk.query("SELECT number, state, version FROM booking ORDER BY number")
    steps = 0
    while True:
        with interrupted(desk.database, steps):
            try:
                act()
                break
            except Interrupted:
                steps += 1
        assert desk.traces() == before
        assert desk.query("SELECT number, state, version FROM booking ORDER BY number") == states
        desk.check()
    assert steps >= 4
    assert desk.traces() != before or desk.query("SELECT number, state, version FROM booking ORDER BY number") != states
    desk.check()
