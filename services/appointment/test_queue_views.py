"""The hall's day, looked at: tickets, queue, display and waits; and what is counted of it."""

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.clock import parse_time
from kernel.contracts.appointment_refusals import UnknownHall
from kernel.contracts.hall_day_refusals import UnknownTicket
from kernel.eventlog import Append, NewEvent
from kernel.eventlog.testing import rebuilt
from services.appointment.bootstrap import CONSUMER
from services.appointment.testing import POLICE, TAX, TUESDAY, Desk, visitor

AT_TEN = "2026-02-10T10:00"


@pytest.fixture
def open_desk(desk: Desk) -> Desk:
    """Tuesday at ten: many tickets, and a window for each group."""
    desk.schedule(capacity=20, window_quota=10)
    desk.on(AT_TEN)
    desk.window("1", groups=(POLICE,))
    desk.window("2", groups=(TAX,))
    return desk


def a_day(desk: Desk) -> None:
    """Booked, moved away, cancelled and missed; walked in, served, missed at the window, and left over."""
    desk.schedule(capacity=20, window_quota=10)
    bookings = [desk.book(person, time="10:00")["number"] for person in range(1, 6)]
    desk.move(bookings[1], 2)
    desk.cancel(bookings[2], 3)
    desk.on(AT_TEN)
    desk.window()
    desk.check_in(bookings[0])
    desk.take(), desk.take(), desk.take()
    for end in ("finish", "miss", "finish"):
        desk.advance(minutes=5)
        desk.call_next()
        desk.advance(minutes=10)
        desk.at_window(end)
    desk.on("2026-02-11T00:10")
    desk.app.sweeping.missed()
    desk.app.queue_day.close()
    desk.app.follower.catch_up()


def test_a_ticket_shows_who_is_ahead_and_how_long_it_takes(open_desk: Desk) -> None:
    desk = open_desk
    desk.take(), desk.take()
    mine = desk.take(1)
    standing = desk.app.queue_views.ticket(mine["id"])
    assert (standing["ahead"], standing["state"], standing["window"]) == (2, "waiting", None)
    assert standing["low"] <= 30 <= standing["high"]
    desk.call_next(), desk.at_window("finish")
    later = desk.app.queue_views.ticket(mine["id"])
    assert later["ahead"] == 1
    assert later["high"] < standing["high"]
    desk.call_next(), desk.at_window("finish")
    desk.call_next()
    called = desk.app.queue_views.ticket(mine["id"])
    assert (called["state"], called["window"], called["ahead"], called["low"]) == ("called", "1", None, None)
    assert (called["expected_low"], called["expected_high"]) == (mine["expected_low"], mine["expected_high"])
    assert not {"identity", "booking"} & set(called), "whoever knows the id sees the queue, and no person"


def test_an_unknown_ticket_and_an_unknown_hall(desk: Desk) -> None:
    with pytest.raises(UnknownTicket):
        desk.app.queue_views.ticket("nobody")
    for view in (desk.app.queue_views.queue, desk.app.queue_views.display, desk.app.statistics.wait):
        with pytest.raises(UnknownHall):
            view("nowhere")


def test_a_display_shows_numbers_and_windows_only(open_desk: Desk) -> None:
    desk = open_desk
    first, second = desk.take(1), desk.take(2)
    desk.call_next()
    desk.at_window("finish")
    desk.advance(minutes=1)
    desk.call_next()
    desk.take(3, group=TAX)
    shown = desk.app.queue_views.display("tianhe")
    assert shown == {
        "hall": "tianhe",
        "hall_name": "天河区政务服务中心",
        "position": desk.tools.log.head().position,
        "groups": [
            {"group": TAX, "name": "税务窗口", "waiting": 1},
            {"group": POLICE, "name": "公安窗口", "waiting": 0},
        ],
        "windows": [
            {"window": "1", "name": "1号窗口", "serving": second["number"]},
            {"window": "2", "name": "2号窗口", "serving": None},
        ],
        "calls": [
            {"number": second["number"], "window": "1", "group": POLICE, "at": "2026-02-10T10:01:00+08:00"},
            {"number": first["number"], "window": "1", "group": POLICE, "at": "2026-02-10T10:00:00+08:00"},
        ],
    }


def test_staff_see_the_queue(open_desk: Desk) -> None:
    desk = open_desk
    parked, waiting = desk.take(), desk.take()
    desk.call_next(), desk.at_window("park")
    desk.window("2", open=False, groups=(TAX,))
    queue = desk.app.queue_views.queue("tianhe")
    assert [one["number"] for one in queue["waiting"]] == [waiting["number"]]
    assert [one["number"] for one in queue["parked"]] == [parked["number"]]
    assert [(one["window"], one["open"], one["waiting"]) for one in queue["windows"]] == [
        ("1", True, 1),
        ("2", False, 0),
    ]


def test_what_the_last_ones_took_makes_the_wait(open_desk: Desk) -> None:
    desk = open_desk
    before = waits(desk)[POLICE]
    assert (before["low"], before["windows"], before["waiting"]) == (0, 1, 0)
    for _ in range(20):
        desk.take(), desk.call_next()
        desk.advance(minutes=3)
        desk.at_window("finish")
    for _ in range(4):
        desk.take()
    quick = waits(desk)[POLICE]
    assert quick["waiting"] == 4
    assert quick["low"] >= 3
    assert quick["high"] <= 45, "the schedule says half an hour for each, but they take three minutes"
    desk.window("3")
    assert waits(desk)[POLICE]["high"] < quick["high"]


def test_those_who_have_booked_are_expected(desk: Desk) -> None:
    desk.schedule(capacity=20, window_quota=10)
    for person in range(1, 7):
        desk.book(person, time="10:00")
    desk.on(AT_TEN)
    desk.window()
    assert waits(desk)[POLICE]["high"] <= 5, "somebody is called at once, whoever comes later"
    desk.take()
    desk.call_next()
    assert waits(desk)[POLICE]["high"] > 100, "they come while one waits, and are ahead"


def test_no_wait_is_foretold_where_no_window_is_open(desk: Desk) -> None:
    desk.on("2026-02-10T09:00")
    told = waits(desk)[POLICE]
    assert (told["windows"], told["low"], told["high"]) == (0, None, None)


def waits(desk: Desk) -> dict[str, Any]:
    return {one["group"]: one for one in desk.app.statistics.wait("tianhe")["groups"]}


def test_a_day_is_counted(desk: Desk) -> None:
    a_day(desk)
    items = {
        (one["date"], one["group"]): one
        for one in desk.app.statistics.of_hall("tianhe", TUESDAY, date(2026, 2, 11))["items"]
    }
    tuesday = items["2026-02-10", POLICE]
    named = (
        "booked",
        "moved",
        "cancelled",
        "checked_in",
        "no_shows",
        "walk_ins",
        "called",
        "served",
        "missed",
        "closed",
    )
    assert {name: tuesday[name] for name in named} == {
        "booked": 5,
        "moved": 1,
        "cancelled": 1,
        "checked_in": 1,
        "no_shows": 2,
        "walk_ins": 3,
        "called": 3,
        "served": 2,
        "missed": 1,
        "closed": 1,
    }
    assert (tuesday["wait_seconds"], tuesday["wait_longest"]) == ((5 + 20 + 35) * 60, 35 * 60)
    assert tuesday["service_seconds"] == 20 * 60
    assert items["2026-02-11", POLICE]["booked"] == 1
    assert tuesday["measured"]["mean_wait_minutes"] == 20
    assert tuesday["measured"]["mean_service_minutes"] == 10


def test_the_error_of_the_estimates_is_published(desk: Desk) -> None:
    a_day(desk)
    wait = desk.app.statistics.wait("tianhe")
    row = desk.query("SELECT estimates_met, estimate_error_seconds, called FROM hall_statistic WHERE called > 0")[0]
    assert wait["measured"]["tickets"] == 3
    assert wait["measured"]["within"] == round(row[0] / 3, 3)
    assert wait["measured"]["mean_error_minutes"] == round(row[1] / 3 / 60, 1)
    measured = {one["group"]: one["measured"]["within"] for one in wait["groups"]}
    assert measured == {POLICE: wait["measured"]["within"], TAX: None}


def rows(desk: Desk) -> list[Any]:
    tables = ("hall_statistic ORDER BY hall, group_id, day", "counted_stream ORDER BY stream")
    return [desk.query(f"SELECT * FROM {table}") for table in tables]


def test_counting_again_gives_the_same(desk: Desk) -> None:
    a_day(desk)
    before = rows(desk)
    with desk.database.write() as tx:
        tx.execute(sa.text("UPDATE hall_statistic SET booked = 99"))
    assert rebuilt(CONSUMER, desk.database, desk.database, desk.clock) == desk.tools.log.head().position
    assert rows(desk) == before


def test_counting_in_small_steps_and_by_several_processes_gives_the_same(desk: Desk) -> None:
    a_day(desk)
    before = rows(desk)
    with desk.database.write() as tx:
        for table in ("hall_statistic", "counted_stream", "checkpoint"):
            tx.execute(sa.text(f"DELETE FROM {table}"))
    other = desk.another()
    for at in range(0, desk.tools.log.head().position, 2):
        (desk if at % 4 else other).app.follower.take(desk.tools.log.read(at, 2))
    assert rows(desk) == before


def test_types_that_are_not_known_are_let_pass(desk: Desk) -> None:
    event = NewEvent(
        id="later-1",
        source="/appointment",
        type="visit.remembered",
        version=1,
        time=parse_time("2026-02-09T09:00:00+08:00"),
        data={"hall": "tianhe"},
        organ="tianhe",
    )
    desk.tools.log.append(Append(stream="later", expected_version=0, events=(event,)))
    desk.book()
    assert desk.app.follower.catch_up() == 2
    assert desk.app.follower.parked() == []
    assert desk.query("SELECT booked FROM hall_statistic") == [(1,)]


def test_nobody_is_recognised_in_the_statistics(desk: Desk) -> None:
    a_day(desk)
    shown = str(rows(desk))
    assert not any(visitor(person)["identity_number"] in shown for person in range(1, 6))
