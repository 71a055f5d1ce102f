"""The hall's day with many at once: each ticket is called once and given out once, whoever else wants it.

Each guard has a control beside it: without it the same test sees the damage.
"""

from collections import Counter
from collections.abc import Callable, Collection
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.contracts.hall_day_refusals import AlreadyWaiting
from kernel.errors import Refusal
from services.appointment.application.queue_rows import TicketRow
from services.appointment.bootstrap import Tables
from services.appointment.test_races import Meeting, outcomes, several
from services.appointment.testing import POLICE, TAX, Desk

AT_TEN = "2026-02-10T10:00"


@pytest.fixture
def open_desk(desk: Desk) -> Desk:
    return prepared(desk)


@pytest.fixture
def on_postgresql(on_postgresql: Desk) -> Desk:
    return prepared(on_postgresql)


def prepared(desk: Desk) -> Desk:
    desk.schedule(capacity=40, window_quota=20)
    desk.on(AT_TEN)
    return desk


def tally(found: list[Any]) -> Counter[str]:
    return Counter(one.code if isinstance(one, Refusal) else "done" for one in found)


def test_many_windows_call_and_each_ticket_is_called_once(open_desk: Desk) -> None:
    desk = open_desk
    numbers = [desk.take()["number"] for _ in range(30)]
    codes = [str(place) for place in range(1, 9)]
    for code in codes:
        desk.window(code)
    called: list[str] = []
    with several(desk, 2) as desks:

        def serve(code: str) -> dict[str, Any]:
            one = desks[int(code) % 2]
            while (number := one.call_next(code)) is not None:
                called.append(number)
                one.at_window("finish", code)
            return {}

        outcomes([lambda code=code: serve(code) for code in codes])
    assert sorted(called) == numbers
    desk.check()


def test_one_window_clicked_many_times_calls_one(open_desk: Desk) -> None:
    desk = open_desk
    desk.take(), desk.take()
    desk.window()
    with several(desk, 2) as desks:
        found = outcomes([lambda n=n: desks[n % 2].at_window("call_next") for n in range(8)])
    assert tally(found) == {"done": 1, "window_busy": 7}
    desk.check()


class CalledTogether(Tables):
    """The real tables; but who has looked for the next ticket waits for the others to have looked."""

    def __init__(self, meeting: Meeting, found: list[str]) -> None:
        self._meeting, self.found = meeting, found

    def next_ticket(self, tx: sa.Connection, day: date, groups: Collection[int]) -> TicketRow | None:
        row = super().next_ticket(tx, day, groups)
        if row is not None:
            self.found.append(row.number)
        self._meeting.wait()
        return row


class WithoutTicketGuard(CalledTogether):
    """Looks without a lock, and changes whatever was there."""

    def next_ticket(self, tx: sa.Connection, day: date, groups: Collection[int]) -> TicketRow | None:
        waiting = "SELECT id FROM ticket WHERE state = 'waiting' ORDER BY rank, id LIMIT 1"
        row = self.ticket(tx, tx.execute(sa.text(waiting)).scalar_one())
        assert row is not None
        self.found.append(row.number)
        self._meeting.wait()
        return row

    def change_ticket(self, tx: sa.Connection, seen: TicketRow, row: TicketRow) -> bool:
        here = {"id": row.id, "at_window": row.at_window}
        tx.execute(sa.text("UPDATE ticket SET state = 'called', at_window = :at_window WHERE id = :id"), here)
        return True


@pytest.mark.parametrize(("store", "different"), [(CalledTogether, 4), (WithoutTicketGuard, 1)])
def test_without_the_lock_several_windows_call_the_same_ticket(
    on_postgresql: Desk, store: type[CalledTogether], different: int
) -> None:
    """The log is the last guard: without the lock all but one of them fail there, and nobody is called twice."""
    desk = on_postgresql
    for place in range(4):
        desk.take()
        desk.window(str(place))
    meeting, found = Meeting(4), list[str]()

    def call(one: Desk, code: str) -> dict[str, Any]:
        try:
            return one.another(store(meeting, found)).at_window("call_next", code)
        except RuntimeError:
            return {"ticket": None}

    with several(desk, 4) as desks:
        answers = outcomes([lambda one=one, n=n: call(one, str(n)) for n, one in enumerate(desks)])
    assert (len(found), len(set(found))) == (4, different)
    assert sum(one["ticket"] is not None for one in answers if isinstance(one, dict)) == different


def test_two_want_the_last_ticket(open_desk: Desk) -> None:
    desk = open_desk
    desk.schedule(capacity=4, window_quota=1, weekly={"2": [{"since": "09:00", "until": "11:00"}]})  # four of them
    with several(desk, 2) as desks:
        found = outcomes([lambda n=n: desks[n % 2].take(n) for n in range(12)])
    assert tally(found) == {"done": 4, "no_tickets_left": 8}
    assert len({one["number"] for one in found if isinstance(one, dict)}) == 4
    desk.check()


class TakenTogether(Tables):
    """The real tables; but who has locked the day of a queue gives others time to look, or to lock something else."""

    def __init__(self, meeting: Meeting) -> None:
        self._meeting = meeting

    def lock_day(self, tx: sa.Connection, group_no: int, day: date) -> int:
        given = super().lock_day(tx, group_no, day)
        self._meeting.wait()
        return given


class WithoutDayGuard(TakenTogether):
    """Looks without a lock."""

    def lock_day(self, tx: sa.Connection, group_no: int, day: date) -> int:
        given = tx.execute(
            sa.text("SELECT walk_ins FROM queue_day WHERE group_no = :no"), {"no": group_no}
        ).scalar_one()
        self._meeting.wait()
        return int(given)


@pytest.mark.parametrize(("store", "most"), [(TakenTogether, 1), (WithoutDayGuard, 3)])
def test_without_the_lock_more_tickets_are_given_out_than_there_are(
    on_postgresql: Desk, store: type[TakenTogether], most: int
) -> None:
    desk = on_postgresql
    desk.schedule(capacity=4, window_quota=1, weekly={"2": [{"since": "09:00", "until": "10:30"}]})  # three of them
    desk.take(people=2)
    meeting = Meeting(3)
    with several(desk, 3) as desks:
        calls: list[Callable[[], Any]] = [lambda one=one: one.another(store(meeting)).take() for one in desks]  # type: ignore[misc]
        assert tally(outcomes(calls))["done"] == most


def test_a_double_click_on_the_check_in_is_one_ticket(desk: Desk) -> None:
    number = desk.book(1, time="10:00")["number"]
    desk.on(AT_TEN)
    with several(desk, 2) as (first, second):
        calls: list[Callable[[], Any]] = [lambda: first.check_in(number), lambda: second.check_in_at_desk(1)] * 5
        found = outcomes(calls)
    assert len({one["id"] for one in found if isinstance(one, dict)}) == 1
    assert tally(found) == {"done": 10}
    desk.check()


def test_checking_in_while_it_is_cancelled_is_one_or_the_other(desk: Desk) -> None:
    desk.rule(cancel_before_minutes=0, early_minutes=60)
    numbers = [desk.book(person, time="10:00")["number"] for person in range(1, 4)]
    desk.on("2026-02-10T09:30")
    with several(desk, 2) as (first, second):
        for person, number in enumerate(numbers, 1):
            found = outcomes(
                [lambda n=number, p=person: first.check_in(n, p), lambda n=number, p=person: second.cancel(n, p)]
            )
            assert tally(found) == {"done": 1, "not_in_that_state": 1}
            desk.check()


def test_the_same_person_at_two_kiosks_gets_one_ticket(open_desk: Desk) -> None:
    with several(open_desk, 2) as desks:
        found = outcomes([lambda n=n: desks[n % 2].take(1) for n in range(8)])
    assert tally(found) == {"done": 1, "already_waiting": 7}
    open_desk.check()


def test_transfers_in_opposite_directions_while_tickets_are_taken(open_desk: Desk) -> None:
    desk = open_desk
    groups = {"1": (POLICE, TAX), "2": (TAX, POLICE)}
    for code, (own, _) in groups.items():
        desk.window(code, groups=(own,))
        desk.take(group=own)
        desk.call_next(code)
    with several(desk, 2) as (first, second):
        moves: list[Callable[[], Any]] = [
            lambda: first.at_window("transfer", "1", group=TAX),
            lambda: second.at_window("transfer", "2", group=POLICE),
        ]
        takes = [lambda n=n: (first if n % 2 else second).take(n, group=TAX if n % 3 else POLICE) for n in range(12)]
        found = outcomes([*moves, *takes])
    assert tally(found) == {"done": 14}
    desk.check()


def test_the_clock_and_a_window_at_the_same_ticket(open_desk: Desk) -> None:
    """A parked ticket comes back once, by the clock or by staff."""
    desk = open_desk
    desk.window()
    tickets = [desk.take() for _ in range(4)]
    for _ in tickets:
        desk.call_next()
        desk.at_window("park")
    desk.advance(minutes=10)
    with several(desk, 2) as (first, second):
        calls: list[Callable[[], Any]] = [lambda id=one["id"]: second.put_back(id) for one in tickets]  # type: ignore[misc]
        found = outcomes([lambda: {"back": first.app.queue_day.put_back()}, *calls])
    back = found[0]
    assert isinstance(back, dict)
    assert tally(found[1:])["done"] == 4 - back["back"]
    desk.check()


class LooksLate(Tables):
    """The real tables; but between a first look at a ticket and the lock of its queue there is time for others."""

    def __init__(self, meanwhile: Callable[[], Any]) -> None:
        self._meanwhile: list[Callable[[], Any]] = [meanwhile]

    def lock_day(self, tx: sa.Connection, group_no: int, day: date) -> int:
        if self._meanwhile:
            self._meanwhile.pop()()
        return super().lock_day(tx, group_no, day)


def test_a_ticket_that_changes_queues_before_it_is_put_back_is_looked_at_again(on_postgresql: Desk) -> None:
    """Else the person could have another ticket in the queue where it is now, which nobody has looked for."""
    desk = on_postgresql
    desk.window(groups=(POLICE, TAX))
    ticket = desk.take(1)
    desk.call_next()
    desk.at_window("park")

    def sent_on_and_parked(other: Desk) -> None:
        other.put_back(ticket["id"])
        other.call_next()
        other.at_window("transfer", group=TAX)
        other.call_next()
        other.at_window("miss")
        other.take(1, group=TAX)

    with several(desk, 2) as (first, second):
        late = first.another(LooksLate(lambda: sent_on_and_parked(second)))
        with pytest.raises(AlreadyWaiting):
            late.put_back(ticket["id"])
    desk.check()


class TicketFirst(TakenTogether):
    """Locks the ticket that the visitor took before the queue that it is in."""

    def live_ticket(self, tx: sa.Connection, group_no: int, day: date, identity: str) -> TicketRow | None:
        seen = super().live_ticket(tx, group_no, day, identity)
        if seen is not None:
            self.ticket(tx, seen.id, lock=True)
            self._meeting.wait()
        return seen


@pytest.mark.parametrize(("store", "stuck"), [(TakenTogether, 0), (TicketFirst, 1)])
def test_who_checks_in_locks_the_queue_before_the_ticket_as_who_puts_it_back(
    on_postgresql: Desk, store: type[TakenTogether], stuck: int
) -> None:
    """In another order each waits for what the other has, until the database ends one of them."""
    desk = on_postgresql
    desk.on("2026-02-09T10:00")
    number = desk.book(1, time="10:00")["number"]
    desk.on(AT_TEN)
    desk.window()
    ticket = desk.take(1)
    desk.call_next()
    desk.at_window("park")
    meeting, ended = Meeting(2), list[Exception]()

    def unless_stuck(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except sa.exc.OperationalError as error:
            ended.append(error)
            return {}

    with several(desk, 2) as (first, second):
        slow = second.another(TakenTogether(meeting))
        outcomes(
            [
                lambda: unless_stuck(lambda: first.another(store(meeting)).check_in(number)),
                lambda: unless_stuck(lambda: slow.put_back(ticket["id"])),
            ]
        )
    assert len(ended) == stuck
    desk.check()
