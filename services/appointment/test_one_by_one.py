"""One bad row keeps nobody else waiting: not a visit, not a place, not a closure, not a ticket, not a reminder."""

from typing import Any

import pytest

from kernel.contracts.visit_facts import VisitNoShow
from kernel.database.away import DatabaseAway
from kernel.eventlog import Append, NewEvent
from services.appointment.application.one_by_one import one_by_one
from services.appointment.testing import WEDNESDAY, Desk


def spoil(desk: Desk, stream: str) -> None:
    """The log knows one fact more of it than the tables, as after something was restored that is older than the log."""
    events = desk.tools.log.stream(stream)
    last = events[-1]
    fact = NewEvent(
        id=f"{stream}-x",
        source="/test",
        type=VisitNoShow.TYPE,
        version=1,
        time=last.time,
        data=last.data,
        organ="tianhe",
    )
    with desk.database.write() as tx:
        desk.tools.log.append_within(tx, [Append(stream=stream, expected_version=len(events), events=(fact,))])


def first_and_last(desk: Desk, **change: Any) -> tuple[str, str]:
    """Two visits, of which the first in any order cannot be told of."""
    desk.schedule(capacity=9)
    numbers = sorted(str(desk.book(number, **change)["number"]) for number in (1, 2))
    spoil(desk, numbers[0])
    return numbers[0], numbers[1]


def test_who_missed_a_visit_is_found_behind_one_that_cannot_be(desk: Desk) -> None:
    bad, good = first_and_last(desk)
    desk.advance(days=2)
    assert desk.app.sweeping.missed() == 1
    assert [desk.booking(number).state for number in (bad, good)] == ["booked", "no_show"]


def test_who_can_be_reminded_is(desk: Desk) -> None:
    bad, good = first_and_last(desk, date=WEDNESDAY)
    desk.on("2026-02-10T10:00")
    assert (desk.app.sweeping.reminders(), desk.app.sweeping.reminders()) == (1, 0)
    assert [desk.booking(number).remind_at is None for number in (bad, good)] == [False, True]


def test_who_can_be_told_of_a_closure_is_and_the_other_is_tried_again(desk: Desk) -> None:
    bad, good = first_and_last(desk, date=WEDNESDAY)
    desk.shut()
    assert desk.app.closings.closures() == 1
    assert [desk.booking(number).closed for number in (bad, good)] == [False, True]
    assert len(desk.query("SELECT mark FROM replanned")) == 1


def test_a_closed_visit_that_is_over_is_ended_behind_one_that_cannot_be(desk: Desk) -> None:
    desk.schedule(capacity=9)
    bad, good = sorted(str(desk.book(number, date=WEDNESDAY)["number"]) for number in (1, 2))
    desk.shut()
    desk.app.closings.closures()
    spoil(desk, bad)
    desk.advance(days=3)
    desk.app.give_back()
    assert desk.app.closings.ended() == 1
    assert [desk.booking(number).state for number in (bad, good)] == ["booked", "cancelled"]


def test_tickets_are_closed_behind_one_that_cannot_be(desk: Desk) -> None:
    desk.schedule(capacity=20, window_quota=10)
    desk.on("2026-02-10T10:00")
    bad, good = sorted(desk.take()["id"] for _ in range(2))
    spoil(desk, bad)
    desk.advance(days=1)
    assert desk.app.queue_day.close() == 1
    assert desk.query("SELECT id FROM ticket WHERE state = 'closed'") == [(good,)]


def test_what_went_and_what_failed_is_counted_and_a_database_that_is_away_ends_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def inverse(number: int) -> int:
        return 12 // number

    assert one_by_one("inverse", [0, 3, 4], inverse) == (7, 1)
    tried: list[int] = []

    def away(number: int) -> int:
        tried.append(number)
        raise DatabaseAway

    with pytest.raises(DatabaseAway):
        one_by_one("anything", [1, 2], away)
    assert tried == [1]
