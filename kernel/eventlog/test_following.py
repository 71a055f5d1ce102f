"""Exactly once, in order, whatever the broker does; bad events parked by stream; two processes of one consumer."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from kernel.clock import FrozenClock, parse_time
from kernel.database import Database, is_away, open_url
from kernel.errors import Park
from kernel.eventlog import (
    EventLog,
    Follower,
    Head,
    Lag,
    LogDamaged,
    LogReader,
    ParkedEvent,
    Recorded,
    publish_form,
    read_published,
)
from kernel.eventlog.testing import NOON, Seen, make_log, request, tamper


def effects(database: Database) -> list[int]:
    """The positions in the order in which they took effect."""
    with database.read() as connection:
        return list(connection.exec_driver_sql("SELECT position FROM seen ORDER BY number").scalars())


def test_what_the_broker_brings_takes_effect(follower: Follower, database: Database, ten: list[Recorded]) -> None:
    follower.take([read_published(publish_form(event)) for event in ten])
    assert effects(database) == list(range(1, 11))
    assert follower.checkpoint() == Head(10, ten[-1].chain)


def test_repeats_are_dropped(follower: Follower, database: Database, ten: list[Recorded]) -> None:
    follower.take(ten[:4])
    follower.take(ten[:4])
    follower.take(ten[2:6] + ten[3:5])
    follower.take([])
    assert effects(database) == [1, 2, 3, 4, 5, 6]


def test_disorder_is_put_in_order(follower: Follower, database: Database, ten: list[Recorded]) -> None:
    follower.take(ten[::-1])
    assert effects(database) == list(range(1, 11))


def test_a_hole_is_filled_from_the_log(follower: Follower, database: Database, ten: list[Recorded]) -> None:
    follower.take([ten[1], ten[7], ten[4]])
    assert effects(database) == list(range(1, 11))  # a whole page: what is yet to be brought will be a repeat


def test_catching_up_reads_to_the_head(follower: Follower, database: Database, ten: list[Recorded]) -> None:
    follower.take(ten[:3])
    assert follower.catch_up() == 7
    assert follower.catch_up() == 0
    assert effects(database) == list(range(1, 11))


def test_catching_up_goes_page_by_page(seen: Seen, database: Database, log: EventLog, ten: list[Recorded]) -> None:
    assert Follower(seen, database, log, FrozenClock(NOON), page=4).catch_up() == 10
    assert seen.calls == [4, 4, 2]
    assert effects(database) == list(range(1, 11))


def test_an_event_from_the_broker_that_the_log_does_not_hold_has_no_effect(
    follower: Follower, database: Database, ten: list[Recorded]
) -> None:
    forged = Recorded(**{**_fields(ten[2]), "body": ten[2].body.replace("审查", "免审")})
    beyond = Recorded(**{**_fields(ten[2]), "position": 99})
    follower.take([ten[0], ten[1], forged, beyond])
    assert effects(database) == list(range(1, 11))
    assert follower.checkpoint() == Head(10, ten[-1].chain)


@pytest.mark.parametrize("fault", [Park("no such item"), ZeroDivisionError("x")])
def test_a_bad_event_parks_its_stream_and_nothing_else(
    follower: Follower, seen: Seen, database: Database, ten: list[Recorded], fault: Exception
) -> None:
    seen.bad["e5"] = fault
    follower.take(ten[:6])
    follower.take(ten[6:])
    assert effects(database) == [1, 2, 3, 4, 6, 7, 9, 10]
    reason = "no such item" if isinstance(fault, Park) else "ZeroDivisionError: x"
    assert follower.parked() == [_parked(5, "B", reason), _parked(8, "B", None)]
    assert follower.checkpoint().position == 10


def test_a_database_error_of_one_event_is_its_own(
    follower: Follower, seen: Seen, database: Database, ten: list[Recorded]
) -> None:
    """The savepoint keeps the transaction alive, and none of the bad event's half-done effects stay."""

    def apply(tx: sa.Connection, events: Sequence[Recorded]) -> None:
        Seen.apply(seen, tx, events)
        if any(event.id in ("e1", "e9") for event in events):
            tx.exec_driver_sql("INSERT INTO seen VALUES (1, NULL)")

    seen.apply = apply  # type: ignore[method-assign]
    follower.take(ten)
    assert effects(database) == [2, 3, 5, 6, 8]
    assert [(event.position, event.reason is None) for event in follower.parked()] == [
        (1, False),
        (4, True),
        (7, True),
        (9, False),
        (10, True),
    ]


def test_requeued_events_take_effect_in_order(
    follower: Follower, seen: Seen, database: Database, ten: list[Recorded]
) -> None:
    seen.bad = {"e4": Park("first"), "e5": Park("B's")}
    follower.take(ten)
    assert effects(database) == [1, 2, 3, 6, 9]
    seen.bad = {"e7": Park("second")}
    follower.requeue("A")
    assert effects(database) == [1, 2, 3, 6, 9, 4]
    assert [(event.position, event.reason) for event in follower.parked()] == [
        (5, "B's"),
        (7, "second"),
        (8, None),
        (10, None),
    ]
    seen.bad = {}
    follower.requeue("A")
    follower.requeue("B")
    follower.requeue("unknown")
    assert effects(database) == [1, 2, 3, 6, 9, 4, 7, 10, 5, 8]
    assert follower.parked() == []


def test_what_follows_a_requeued_stream_takes_effect_at_once(
    follower: Follower, seen: Seen, database: Database, ten: list[Recorded], log: EventLog
) -> None:
    seen.bad = {"e10": Park("no")}
    follower.take(ten)
    seen.bad = {}
    follower.requeue("A")
    log.append(request("A", 4))
    follower.catch_up()
    assert effects(database) == list(range(1, 12))


def test_an_effect_and_its_checkpoint_share_their_fate(
    follower: Follower, seen: Seen, database: Database, ten: list[Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise InterruptedError

    with monkeypatch.context() as broken:
        broken.setattr(follower, "_move", lost)
        with pytest.raises(InterruptedError):
            follower.take(ten)
    assert (effects(database), follower.checkpoint().position) == ([], 0)
    follower.take(ten)
    assert effects(database) == list(range(1, 11))


def test_a_database_that_goes_away_parks_nothing(postgres: Database) -> None:
    log = make_log(postgres)
    seen = Seen(postgres)
    follower = Follower(seen, postgres, log, FrozenClock(NOON))
    log.append_all([request("A", n) for n in range(3)])

    def cut_off(tx: sa.Connection, events: Sequence[Recorded]) -> None:
        pid = tx.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with postgres.single() as other:
            other.exec_driver_sql("SELECT pg_terminate_backend(%s)", (pid,))
        Seen.apply(seen, tx, events)

    seen.apply = cut_off  # type: ignore[method-assign]
    with pytest.raises(sa.exc.DBAPIError) as raised:
        follower.catch_up()
    assert is_away(raised.value)
    del seen.apply  # type: ignore[method-assign]
    assert (follower.parked(), follower.catch_up(), effects(postgres)) == ([], 3, [1, 2, 3])


def test_two_processes_of_one_consumer_take_each_event_once(database: Database, log: EventLog, seen: Seen) -> None:
    log.append_all([request(f"S{n % 7}", n // 7) for n in range(200)])
    events = log.read(0)
    followers = [Follower(seen, database, log, FrozenClock(NOON)) for _ in range(3)]

    def take_all(follower: Follower) -> None:
        for start in range(0, 200, 5):
            follower.take(events[start : start + 8])
        follower.catch_up()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(take_all, followers))
    assert effects(database) == list(range(1, 201))


def test_without_the_lock_two_processes_double_effects(postgres: Database) -> None:
    """The negative control: both read the checkpoint before either moves it."""
    log = make_log(postgres)
    seen = Seen(postgres)
    with postgres.write() as tx:
        tx.exec_driver_sql("ALTER TABLE seen DROP CONSTRAINT seen_pkey")
    log.append(request("A", 0))
    both_have_read = threading.Barrier(2, timeout=10)
    followers = [Follower(seen, postgres, log, FrozenClock(NOON)) for _ in range(2)]
    followers[0].catch_up()
    log.append(request("A", 1))
    for follower in followers:
        locked = follower._locked
        follower._lock = sa.text("SELECT position, chain FROM checkpoint WHERE consumer = :consumer")

        def unlocked(tx: sa.Connection, locked: object = locked) -> Head:
            at: Head = locked(tx)  # type: ignore[operator]
            both_have_read.wait()
            return at

        follower._locked = unlocked  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda follower: follower.take(log.read(1)), followers))
    assert effects(postgres) == [1, 2, 2]


def test_lag_is_told_by_position_and_by_age(follower: Follower, seen: Seen, ten: list[Recorded], log: EventLog) -> None:
    seen.bad["e2"] = Park("no")
    follower.take(ten[:6])
    assert follower.lag() == Lag(consumer="seen", checkpoint=6, head=10, oldest_unprocessed=parse_time(NOON), parked=2)
    follower.catch_up()
    assert follower.lag() == Lag(consumer="seen", checkpoint=10, head=10, oldest_unprocessed=None, parked=3)


def test_a_consumer_knows_the_log_it_saw(
    follower: Follower, ten: list[Recorded], log: EventLog, database: Database
) -> None:
    assert follower.check()
    follower.take(ten)
    assert follower.check()
    log.append(request("A", 4))
    assert follower.check()
    tamper(database, "UPDATE event SET chain = (SELECT chain FROM event WHERE position = 9) WHERE position = 10")
    assert not follower.check()


def test_a_log_that_was_cut_off_is_noticed(
    follower: Follower, ten: list[Recorded], database: Database, log: EventLog
) -> None:
    follower.take(ten)
    back = "UPDATE log_head SET position = 8, chain = (SELECT chain FROM event WHERE position = 8)"
    tamper(database, back, "DELETE FROM event WHERE position > 8")
    assert not follower.check()
    log.append_all([request("X", n) for n in range(4)])  # others go on, over the positions that we saw
    with pytest.raises(LogDamaged):
        follower.catch_up()
    assert effects(database) == list(range(1, 11))


def test_nothing_is_taken_behind_a_hole_in_the_log_itself(
    follower: Follower, ten: list[Recorded], database: Database
) -> None:
    tamper(database, "DELETE FROM event WHERE position = 5")
    with pytest.raises(LogDamaged):
        follower.catch_up()
    assert effects(database) == [1, 2, 3, 4]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Database]:
    opened = open_url(f"sqlite:///{tmp_path}/elsewhere.sqlite3", "elsewhere")
    yield opened
    opened.close()


def test_the_log_may_live_in_another_database(elsewhere: Database, log: EventLog, database: Database) -> None:
    make_log(elsewhere)
    log.append(request("A", 0))
    follower = Follower(Seen(elsewhere), elsewhere, LogReader(database), FrozenClock(NOON))
    assert (follower.catch_up(), effects(elsewhere)) == (1, [1])


def _fields(event: Recorded) -> dict[str, object]:
    names = ("position", "stream", "stream_version", "source", "id", "type", "version", "recorded", "body", "chain")
    return {name: getattr(event, name) for name in names}


def _parked(position: int, stream: str, reason: str | None) -> ParkedEvent:
    return ParkedEvent(
        consumer="seen",
        position=position,
        stream=stream,
        type="case.step",
        reason=reason,
        parked_at=parse_time(NOON),
    )
