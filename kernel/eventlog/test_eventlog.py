"""What every log does, run on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from kernel.clock import parse_time, to_micros
from kernel.database import Database, open_url
from kernel.eventlog import (
    GENESIS,
    Append,
    Appended,
    Conflict,
    Duplicate,
    EventIdReused,
    EventLog,
    Head,
    Recorded,
    Reused,
    Sound,
    VersionConflict,
    create_log,
    drop_log,
    verify,
)
from kernel.eventlog.events import body_of, link
from kernel.eventlog.testing import NOON, SOURCE, make_log, operations, request, step


class EventLogSuite:
    """The rules. A subclass says on which database."""

    @pytest.fixture
    def log(self, database: Database) -> EventLog:
        return make_log(database)

    def test_the_first_event_is_recorded_whole(self, log: EventLog) -> None:
        event = step()
        assert log.append(request("A1", 0, event)) == Appended(1, 1)
        body = body_of(event, "A1", 1, parse_time(NOON))
        assert log.read(0) == [
            Recorded(
                position=1,
                stream="A1",
                stream_version=1,
                source=SOURCE,
                id=event.id,
                type="case.step",
                version=1,
                recorded=to_micros(parse_time(NOON)),
                body=body,
                chain=link(GENESIS, 1, body),
            )
        ]
        assert log.head() == Head(1, link(GENESIS, 1, body))

    def test_an_empty_log_stands_at_its_beginning(self, log: EventLog) -> None:
        assert log.head() == Head(0, GENESIS)
        assert log.read(0) == []
        assert log.append_all([]) == []

    def test_positions_and_versions_have_no_gaps(self, log: EventLog) -> None:
        log.append(request("A1", 0, step(), step()))
        log.append(request("B1", 0, step()))
        log.append(request("A1", 2, step()))
        assert [(e.position, e.stream, e.stream_version) for e in log.read(0)] == [
            (1, "A1", 1),
            (2, "A1", 2),
            (3, "B1", 1),
            (4, "A1", 3),
        ]
        assert verify(log) == Sound(log.head())

    def test_a_repeated_append_writes_nothing_and_says_where_its_events_are(self, log: EventLog) -> None:
        first = request("A1", 0, step(), step())
        log.append(first)
        log.append(request("A1", 2))
        assert log.append(first) == Duplicate(1, 2)
        assert log.head().position == 3

    def test_a_stream_at_another_version_is_a_conflict(self, log: EventLog) -> None:
        log.append(request("A1", 0, step(), step()))
        for wrong in (0, 1, 3):
            with pytest.raises(VersionConflict) as raised:
                log.append(request("A1", wrong))
            assert (raised.value.stream, raised.value.version) == ("A1", 2)
        assert log.head().position == 2

    @pytest.mark.parametrize(
        ("stream", "changes"),
        [("B1", {}), ("A1", {"type": "case.approved"}), ("A1", {"digest": "d2"}), ("A1", {"digest": None})],
    )
    def test_an_id_used_before_for_something_else_is_refused(
        self, log: EventLog, stream: str, changes: dict[str, str]
    ) -> None:
        log.append(request("A1", 0, step("e1", digest="d1")))
        with pytest.raises(EventIdReused) as raised:
            log.append(request(stream, 0, step("e1", **{"digest": "d1", **changes})))
        assert raised.value.params == {"source": SOURCE, "id": "e1"}
        assert log.append(request("A1", 0, step("e1", digest="d1"))) == Duplicate(1, 1)

    def test_the_same_id_from_another_source_is_another_event(self, log: EventLog) -> None:
        log.append(request("A1", 0, step("e1")))
        assert log.append(request("A1", 1, step("e1", source="/filing"))) == Appended(2, 2)

    def test_an_append_of_which_a_part_is_there_already_is_a_conflict(self, log: EventLog) -> None:
        log.append(request("A1", 0, step("e1")))
        assert log.append_all([request("A1", 1, step("e1"), step("e2"))]) == [Conflict(1)]
        assert log.append_all([request("A1", 0, step("e1"), step("e2"))]) == [Conflict(1)]
        assert log.head().position == 1

    def test_requests_for_one_stream_in_one_call_count_those_before(self, log: EventLog) -> None:
        outcomes = log.append_all([request("A1", 0, step(), step()), request("B1", 0), request("A1", 2)])
        assert outcomes == [Appended(1, 2), Appended(3, 3), Appended(4, 4)]

    def test_one_that_fails_does_not_stop_the_others(self, log: EventLog) -> None:
        log.append(request("A1", 0, step("e1", digest="d1")))
        outcomes = log.append_all(
            [
                request("A1", 0, step("e1", digest="d1")),
                request("A1", 0),
                request("A1", 1, step(), step()),
                request("B1", 1),
                request("A1", 1),
                request("B1", 0, step("e1", digest="other")),
                request("A1", 3),
                request("B1", 0),
            ]
        )
        assert outcomes == [
            Duplicate(1, 1),
            Conflict(1),
            Appended(2, 3),
            Conflict(0),
            Conflict(3),
            Reused(SOURCE, "e1"),
            Appended(4, 4),
            Appended(5, 5),
        ]
        assert verify(log) == Sound(log.head())

    def test_one_event_in_two_requests_of_a_call_is_written_once(self, log: EventLog) -> None:
        assert log.append_all([request("A1", 0, step("e1")), request("A1", 0, step("e1"))]) == [
            Appended(1, 1),
            Duplicate(1, 1),
        ]
        assert log.append_all([request("B1", 0, step("e2")), request("C1", 0, step("e2"))]) == [
            Appended(2, 2),
            Reused(SOURCE, "e2"),
        ]

    def test_one_event_twice_in_a_request_is_refused_and_the_others_are_not(self, log: EventLog) -> None:
        outcomes = log.append_all([request("A1", 0, step("e1"), step("e1")), request("B1", 0)])
        assert outcomes == [Reused(SOURCE, "e1"), Appended(1, 1)]

    def test_an_append_without_events_or_with_control_characters_is_a_mistake(self, log: EventLog) -> None:
        for mistake in (
            Append(stream="A1", expected_version=0, events=()),
            request("A\x1e1", 0),
            request("A1", 0, step("e\x001")),
            request("A1", 0, step("e1", digest="\x1e")),
        ):
            with pytest.raises(ValueError, match=r"nothing to append|control characters"):
                log.append(mistake)
        assert log.head().position == 0

    def test_any_text_survives_in_the_data(self, log: EventLog) -> None:
        data = {"opinion": "同意\x00\x1e\u2028🏛", "quote": "\"'\\%s %(x)s {}"}
        log.append(request("A1", 0, step("e%s", data=data, digest="d")))
        assert log.read(0)[0].data == data
        assert log.append(request("A1", 0, step("e%s", data=data, digest="d"))) == Duplicate(1, 1)
        assert verify(log) == Sound(log.head())

    def test_within_a_transaction_the_events_share_its_fate(self, log: EventLog, database: Database) -> None:
        with database.write() as tx:
            tx.exec_driver_sql("CREATE TABLE effect (x INTEGER)")

        def effect_and_append() -> None:
            with database.write() as tx:
                tx.exec_driver_sql("INSERT INTO effect VALUES (1)")
                assert log.append_within(tx, [request("A1", 0)]) == [Appended(1, 1)]
                if fails:
                    raise InterruptedError

        fails = True
        with pytest.raises(InterruptedError):
            effect_and_append()
        assert (log.head(), _count(database, "effect")) == (Head(0, GENESIS), 0)
        fails = False
        effect_and_append()
        assert (log.head().position, _count(database, "effect")) == (1, 1)

    def test_reading_by_position_is_in_pages(self, log: EventLog) -> None:
        log.append_all([request(f"A{n}", 0) for n in range(5)])
        assert [e.position for e in log.read(1, limit=3)] == [2, 3, 4]
        assert log.read(5) == []

    def test_reading_by_stream(self, log: EventLog) -> None:
        log.append_all([request("A1", 0), request("B1", 0), request("A1", 1)])
        assert [e.position for e in log.stream("A1")] == [1, 3]
        found = log.streams(["A1", "B1", "C1"])
        assert {stream: [e.position for e in events] for stream, events in found.items()} == {
            "A1": [1, 3],
            "B1": [2],
            "C1": [],
        }

    def test_finding_by_id(self, log: EventLog) -> None:
        log.append_all([request("A1", 0, step("e1")), request("A1", 1, step("e'2"))])
        found = log.find([(SOURCE, "e'2"), (SOURCE, "e3"), ("/filing", "e1")])
        assert {key: e.position for key, e in found.items()} == {(SOURCE, "e'2"): 2}
        assert log.find([]) == {}

    def test_the_chain_value_at_a_position(self, log: EventLog) -> None:
        log.append(request("A1", 0))
        assert log.chain_at(1) == log.head().chain
        assert log.chain_at(0) is None
        assert log.chain_at(2) is None

    def test_a_dropped_log_leaves_nothing_behind(self, log: EventLog, database: Database) -> None:
        log.append(request("A1", 0))
        with database.write() as tx:
            drop_log(operations(tx))
            create_log(operations(tx))
        assert log.head() == Head(0, GENESIS)


def _count(database: Database, table: str) -> int:
    with database.read() as connection:
        return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


class TestOnSqlite(EventLogSuite):
    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Database]:
        opened = open_url(f"sqlite:///{tmp_path}/log.sqlite3", "log")
        yield opened
        opened.close()


class TestOnPostgresql(EventLogSuite):
    @pytest.fixture
    def database(self, postgres: Database) -> Database:
        return postgres
