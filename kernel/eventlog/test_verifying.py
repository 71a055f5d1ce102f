"""Whatever somebody with all rights does to the log's database, verify finds it and names the place."""

import pytest

from kernel import tracing
from kernel.database import Database
from kernel.eventlog import Broken, Duplicate, EventLog, Head, Sound, verify
from kernel.eventlog.events import link
from kernel.eventlog.testing import request, step, tamper


@pytest.fixture
def log(log: EventLog) -> EventLog:
    """Six events; A1's are 1, 3 and 5."""
    log.append_all([request(f"{'AB'[n % 2]}1", n // 2, step(f"e{n + 1}")) for n in range(6)])
    return log


def test_a_log_that_nobody_touched_is_sound(log: EventLog) -> None:
    seen: list[int] = []
    assert verify(log, seen=lambda page: seen.append(page[-1].position)) == Sound(log.head())
    assert seen == [6]


def test_events_with_a_trace_go_on_behind_those_without(log: EventLog) -> None:
    own, bound = f"00-{'a' * 32}-{'b' * 16}-01", f"00-{'c' * 32}-{'d' * 16}-01"
    with tracing.joined(bound):
        log.append_all([request("C1", 0, step("e7", traceparent=own, digest="d1"), step("e8"))])
        log.append(request("D1", 0, step("e9")))
    assert [event.traceparent for event in log.read(5)] == [None, own, bound, bound]
    assert verify(log) == Sound(log.head())


def test_a_repeat_in_another_trace_is_still_a_repeat(log: EventLog) -> None:
    with tracing.joined(None):
        assert log.append(request("A1", 0, step("e1"))) == Duplicate(1, 1)


def test_a_trace_that_was_changed_afterwards_is_found(log: EventLog, database: Database) -> None:
    with tracing.joined(f"00-{'a' * 32}-{'b' * 16}-01"):
        log.append(request("C1", 0, step("e7")))
    tamper(database, "UPDATE event SET body = replace(body, 'aaaa', 'abab') WHERE position = 7")
    assert verify(log) == Broken(7, "the body was changed, or the chain value")


def test_verifying_goes_on_from_an_earlier_head(log: EventLog) -> None:
    chain = log.chain_at(4)
    assert chain is not None
    assert verify(log, after=Head(4, chain)) == Sound(log.head())
    assert verify(log, after=Head(4, bytes(32))) == Broken(5, "the body was changed, or the chain value")


def test_a_changed_body_is_found(log: EventLog, database: Database) -> None:
    tamper(database, "UPDATE event SET body = replace(body, '审查', '免审') WHERE position = 3")
    assert verify(log) == Broken(3, "the body was changed, or the chain value")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("stream", "'C1'"),
        ("stream_version", "9"),
        ("source", "'/filing'"),
        ("id", "'other'"),
        ("type", "'case.approved'"),
        ("version", "2"),
        ("recorded_at", "1"),
    ],
)
def test_a_changed_column_is_found(log: EventLog, database: Database, column: str, value: str) -> None:
    tamper(database, f"UPDATE event SET {column} = {value} WHERE position = 4")
    assert verify(log) == Broken(4, f"columns disagree with the body: {column}")


@pytest.mark.parametrize("position", [1, 3, 6])
def test_a_removed_event_is_found(log: EventLog, database: Database, position: int) -> None:
    tamper(database, f"DELETE FROM event WHERE position = {position}")
    assert verify(log) == Broken(position, "the event was removed")


def test_a_removed_event_whose_followers_moved_up_is_found(log: EventLog, database: Database) -> None:
    moves = [f"UPDATE event SET position = {n - 1} WHERE position = {n}" for n in (4, 5, 6)]
    head = "UPDATE log_head SET position = 5, chain = (SELECT chain FROM event WHERE position = 5)"
    tamper(database, "DELETE FROM event WHERE position = 3", *moves, head)
    assert verify(log) == Broken(3, "the body was changed, or the chain value")


def test_swapped_events_are_found(log: EventLog, database: Database) -> None:
    moves = [f"UPDATE event SET position = {to} WHERE position = {at}" for at, to in ((2, 99), (5, 2), (99, 5))]
    tamper(database, *moves)
    assert verify(log) == Broken(2, "the event was swapped with that at 5")


def test_swapped_bodies_are_found(log: EventLog, database: Database) -> None:
    first, second = log.read(2, 2)
    with_body = "UPDATE event SET body = '{}' WHERE position = {}"
    tamper(database, with_body.format(second.body, 3), with_body.format(first.body, 4))
    assert verify(log) == Broken(3, "the event was swapped with that at 4")


def test_a_forged_chain_value_shows_at_the_next_event(log: EventLog, database: Database) -> None:
    third = log.read(2, 1)[0]
    body = third.body.replace("审查", "免审")
    chain = link(log.chain_at(2) or b"", 3, body).hex()
    literal = f"'\\x{chain}'" if database.dialect == "postgresql" else f"x'{chain}'"
    tamper(database, f"UPDATE event SET body = '{body}', chain = {literal} WHERE position = 3")
    assert verify(log) == Broken(4, "the body was changed, or the chain value")


def test_a_head_moved_back_is_found(log: EventLog, database: Database) -> None:
    tamper(database, "UPDATE log_head SET position = 4, chain = (SELECT chain FROM event WHERE position = 4)")
    assert verify(log) == Broken(5, "the event is behind the head")


def test_a_changed_head_is_found(log: EventLog, database: Database) -> None:
    tamper(database, "UPDATE log_head SET chain = (SELECT chain FROM event WHERE position = 4)")
    assert verify(log) == Broken(6, "the head's chain value is not that of the last event")


def test_an_unreadable_body_with_a_right_chain_value_is_found(log: EventLog, database: Database) -> None:
    chain = link(log.chain_at(2) or b"", 3, "nonsense").hex()
    literal = f"'\\x{chain}'" if database.dialect == "postgresql" else f"x'{chain}'"
    tamper(database, f"UPDATE event SET body = 'nonsense', chain = {literal} WHERE position = 3")
    assert verify(log) == Broken(3, "the body is not an event")
