"""Tables made again beside the live ones, and put in their place: whatever happens meanwhile, on both databases."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.clock import FrozenClock, SystemClock
from kernel.database import migrate, open_url
from kernel.database.away import is_full
from kernel.errors import Park
from kernel.eventlog import EventLog, Follower, LogDamaged, Recorded, create_log
from kernel.eventlog.consumers import Consumer, Table
from kernel.eventlog.rebuilding import NotWhole, OtherLog, ShadowParked, mend, rebuilding
from kernel.eventlog.selecting import Selection
from kernel.eventlog.shadow import OtherShadow, RebuildRuns, Scope, Shadow, TablesInUse
from kernel.eventlog.testing import NOON, operations, request, step, tamper
from kernel.testing import eventually

MIGRATION = """
from alembic import op
import sqlalchemy as sa
from kernel.eventlog import create_follower_tables, create_skipped_table
revision = "0001"
down_revision = None
def upgrade():
    op.create_table("tally", sa.Column("stream", sa.Text, primary_key=True), sa.Column("events", sa.Integer))
    op.create_index("tally_events", "tally", ["events"])
    op.create_table("seen", sa.Column("position", sa.Integer, primary_key=True), sa.Column("stream", sa.Text))
    op.create_table("told", sa.Column("position", sa.Integer, primary_key=True))
    create_follower_tables(op)
    create_skipped_table(op)
"""
BAD: set[int] = set()  # positions that the projection cannot take


class Tally:
    """Counts the events of each stream, keeps a row for each, and tells of each."""

    name = "tally"

    def __init__(self, _: Any, quiet: bool = False) -> None:
        self.quiet = quiet

    def apply(self, tx: sa.Connection, events: Sequence[Recorded]) -> None:
        for event in events:
            if event.position in BAD:
                raise Park(f"cannot take {event.position}")
            tx.execute(
                sa.text(
                    "INSERT INTO tally VALUES (:stream, 1) ON CONFLICT (stream) DO UPDATE SET events = tally.events + 1"
                ),
                {"stream": event.stream},
            )
            tx.execute(sa.text("INSERT INTO seen VALUES (:p, :s)"), {"p": event.position, "s": event.stream})
            if not self.quiet:
                tx.execute(sa.text("INSERT INTO told VALUES (:p) ON CONFLICT DO NOTHING"), {"p": event.position})


class Site:
    """A log and a consumer of it, on a database of each kind."""

    def __init__(self, url: Any, name: str, migrations: Path) -> None:
        migrations.mkdir()
        (migrations / "0001_tally.py").write_text(MIGRATION)
        self.url, self.name = url, name
        self.log_database = open_url(url("log"), f"{name}_log")
        with self.log_database.write() as tx:
            create_log(operations(tx))
        self.log = EventLog(self.log_database, SystemClock())
        self.live = open_url(url("live"), f"{name}_live")
        migrate(self.live, migrations)
        self.consumer = Consumer(
            name="tally",
            owner="live",
            log="log",
            migrations=migrations,
            tables=(Table("tally", "stream"), Table("seen", "stream")),
            projection=Tally,
        )
        self.telling = Consumer(**{**vars(self.consumer), "quiet": lambda clock: Tally(clock, quiet=True)})

    def open(self, consumer: Consumer | None = None, with_skipped: bool = False) -> Any:
        return rebuilding(consumer or self.consumer, self.live, self.log_database, FrozenClock(NOON), with_skipped)

    def follower(self) -> Follower:
        return self.consumer.follower(self.live, self.log, FrozenClock(NOON))

    def append(self, count: int, first: int = 0) -> None:
        for number in range(first, first + count):
            self.log.append_all([request("ABC"[number % 3], number // 3, step(f"e{number + 1}"))])

    def rows(self, table: str) -> list[Any]:
        with self.live.read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1")]

    def corrupt(self) -> None:
        """One row changed, one gone, one that should not be there, in the live tables."""
        with self.live.write() as tx:
            tx.exec_driver_sql("UPDATE tally SET events = 99 WHERE stream = 'A'")
            tx.exec_driver_sql("DELETE FROM tally WHERE stream = 'B'")
            tx.exec_driver_sql("INSERT INTO tally VALUES ('X', 1)")

    def cut_off(self, position: int) -> None:
        """The log as an older backup has it; what is appended then is of another log than what was."""
        chain = self.log.chain_at(position).hex()
        blob = f"x'{chain}'" if self.live.dialect == "sqlite" else f"'\\x{chain}'"
        head = f"UPDATE log_head SET position = {position}, chain = {blob}"
        tamper(self.log_database, f"DELETE FROM event WHERE position > {position}", head)

    def set_back(self, position: int) -> None:
        """The live tables as an older backup has them."""
        with self.live.write() as tx:
            tx.exec_driver_sql("DELETE FROM tally")
            tx.exec_driver_sql(f"DELETE FROM seen WHERE position > {position}")
            tx.exec_driver_sql("INSERT INTO tally SELECT stream, count(*) FROM seen GROUP BY stream")
            values = {"position": position, "chain": self.log.chain_at(position)}
            tx.execute(sa.text("UPDATE checkpoint SET position = :position, chain = :chain"), values)

    def close(self) -> None:
        self.live.close()
        self.log_database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path, unique_name: str) -> Iterator[Site]:
    BAD.clear()
    if request.param == "sqlite":
        made = Site(lambda owner: f"sqlite:///{tmp_path}/{owner}.sqlite3", unique_name, tmp_path / "migrations")
    else:
        postgres_url = request.getfixturevalue("postgres_url")
        made = Site(lambda owner: postgres_url, unique_name, tmp_path / "migrations")
    yield made
    made.close()


def test_the_report_names_what_differs_and_the_swap_mends_it(site: Site) -> None:
    site.append(12)
    site.follower().catch_up()
    right = site.rows("tally")
    site.corrupt()
    with site.open() as rebuild:
        assert rebuild.build(Scope()).position == 12
        found = rebuild.compare()
        assert (found.live, found.shadow, found.none) == (12, 12, False)
        tally, seen = found.tables
        assert (tally.rows, tally.added, tally.gone, tally.changed) == (3, 1, 1, 1)
        assert (seen.rows, seen.none) == (12, True)
        assert {"kind": "changed", "key": {"stream": "A"}, "columns": {"events": [99, 4]}} in tally.samples
        assert {"kind": "gone", "key": {"stream": "X"}} in tally.samples
        assert rebuild.swap().position == 12
        assert not rebuild.begun
    assert site.rows("tally") == right
    site.append(3, 12)
    assert site.follower().catch_up() == 3
    assert [events for _, events in site.rows("tally")] == [5, 5, 5]


def test_what_arrives_between_report_and_swap_is_in_the_new_tables(site: Site) -> None:
    site.append(6)
    site.follower().catch_up()
    with site.open() as rebuild:
        rebuild.build(Scope())
        site.append(3, 6)
        site.follower().catch_up()
        assert rebuild.swap().position == 9
    assert len(site.rows("seen")) == 9


def test_the_report_is_of_one_moment_though_events_arrive(site: Site) -> None:
    site.append(6)
    with site.open() as rebuild:
        rebuild.build(Scope())
        site.append(3, 6)
        site.follower().catch_up()
        found = rebuild.compare()
        assert (found.live, found.shadow, found.none) == (9, 9, True)


def test_a_shadow_that_is_ahead_moves_the_consumer_on(site: Site) -> None:
    site.append(6)
    with site.open() as rebuild:
        rebuild.build(Scope())
        rebuild.swap()
    assert site.follower().catch_up() == 0
    assert len(site.rows("seen")) == 6


def test_a_rebuild_tells_nobody_and_forgets_nothing_that_is_owed(site: Site) -> None:
    site.append(6)
    BAD.add(4)
    live = site.telling.follower(site.live, site.log, FrozenClock(NOON))
    live.catch_up()  # 4 is parked: nobody has been told of it
    BAD.clear()
    site.append(3, 6)  # owed, as the live consumer has not come to it
    with site.open(site.telling) as rebuild:
        assert rebuild.build(Scope()).position == 6
        rebuild.swap()
    assert site.rows("told") == [(position,) for position in (1, 2, 3, 5, 6)]
    assert [one.position for one in live.parked()] == [4]
    live.catch_up()
    live.requeue("A")
    assert [position for (position,) in site.rows("told")] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert site.rows("tally") == [("A", 3), ("B", 3), ("C", 3)]


def test_a_shadow_of_a_part_is_looked_at_and_never_swapped(site: Site) -> None:
    site.append(12)
    site.follower().catch_up()
    with site.open() as rebuild:
        scope = Scope(until=7, selection=Selection(streams=("A", "B")))
        assert rebuild.build(scope).position == 7
        tally, seen = rebuild.compare().tables
        assert (tally.rows, tally.gone, tally.changed) == (2, 0, 2)
        assert (seen.rows, seen.gone) == (5, 3)  # 8, 10 and 11 happened later
        with pytest.raises(NotWhole):
            rebuild.swap()
        with pytest.raises(OtherShadow, match="other options"):
            rebuild.build(Scope())
        rebuild.discard()
        assert rebuild.build(Scope()).position == 12
    assert site.rows("tally") == [("A", 4), ("B", 4), ("C", 4)]


def test_types_and_organs_are_selected(site: Site) -> None:
    site.log.append_all([request("A", 0, step("e1", type="case.received"), step("e2"))])
    site.log.append_all([request("B", 0, step("e3", organ="other"))])
    site.follower().catch_up()
    for selection, rows in ((Selection(types=("case.step",)), 2), (Selection(organs=("other",)), 1)):
        with site.open() as rebuild:
            rebuild.build(Scope(selection=selection))
            seen = rebuild.compare().tables[1]
            assert (seen.rows, seen.gone) == (rows, None)
            rebuild.discard()


def test_a_second_replay_is_refused_and_goes_on_when_the_first_has_ended(site: Site) -> None:
    site.append(3)
    with site.open() as rebuild:
        rebuild.build(Scope())
        with pytest.raises(RebuildRuns, match="Another process is rebuilding tally"), site.open():
            pass
    with site.open() as again:
        assert again.begun
        assert again.build(Scope()).position == 3


def test_an_event_that_crashes_the_projection_is_parked_and_keeps_the_shadow_out(site: Site) -> None:
    site.append(6)
    site.follower().catch_up()
    BAD.add(5)
    with site.open() as rebuild:
        rebuild.build(Scope())
        assert [(one.position, one.reason) for one in rebuild.parked()] == [(5, "cannot take 5")]
        with pytest.raises(ShadowParked, match="position 5: cannot take 5"):
            rebuild.swap()
        assert len(site.rows("seen")) == 6
        rebuild.swap(with_parked=True)
    assert [one.position for one in site.follower().parked()] == [5]
    BAD.clear()
    site.follower().requeue("B")
    assert len(site.rows("seen")) == 6


def test_what_was_parked_live_and_can_be_taken_now_is_no_longer_parked(site: Site) -> None:
    site.append(6)
    BAD.add(5)
    site.follower().catch_up()
    BAD.clear()
    with site.open() as rebuild:
        rebuild.build(Scope())
        rebuild.swap()
    assert site.follower().parked() == []
    assert len(site.rows("seen")) == 6


def test_tables_of_another_log_are_not_overwritten_unasked(site: Site) -> None:
    site.append(6)
    site.follower().catch_up()
    with site.live.write() as tx:
        tx.execute(sa.text("UPDATE checkpoint SET chain = :chain"), {"chain": bytes(32)})
    with site.open() as rebuild:
        rebuild.build(Scope())
        with pytest.raises(OtherLog, match="up to position 6"):
            rebuild.swap()
        assert rebuild.swap(new_log=True).position == 6


def test_a_kept_shadow_of_a_log_that_is_no_more_is_made_anew(site: Site) -> None:
    site.append(6)
    with site.open() as rebuild:
        rebuild.build(Scope())
    site.cut_off(3)
    site.log.append_all([request("D", 0)])
    site.follower().catch_up()
    with site.open() as again:
        assert again.build(Scope()).position == 4
        again.swap()
    assert site.rows("tally") == [("A", 1), ("B", 1), ("C", 1), ("D", 1)]


def test_a_log_that_is_exchanged_before_the_swap_keeps_the_shadow_out(site: Site) -> None:
    site.append(6)
    with site.open() as rebuild:
        rebuild.build(Scope())
        site.cut_off(3)
        with pytest.raises(LogDamaged, match="no longer the one"):
            rebuild.swap(new_log=True)
    assert site.rows("tally") == []


def test_a_kept_shadow_that_another_version_made_is_made_anew(site: Site) -> None:
    site.append(6)
    site.follower().catch_up()
    BAD.add(5)
    with site.open() as faulty:
        faulty.build(Scope())
        with pytest.raises(ShadowParked):
            faulty.swap()
    BAD.clear()
    with site.open() as same:
        assert same.begin(Scope()) == 6
    (site.consumer.migrations.parent / "projection.py").write_text("MENDED = True\n")
    with site.open() as mended:
        assert mended.begin(Scope()) == 0
        mended.build(Scope())
        mended.swap()
    assert site.follower().parked() == []
    assert site.rows("tally") == [("A", 2), ("B", 2), ("C", 2)]


def test_who_dies_before_the_shadow_has_tables_leaves_nothing_in_the_way(site: Site) -> None:
    site.append(3)
    with site.open() as killed, killed._shadow.database.read() as connection:
        connection.exec_driver_sql("SELECT 1")
    with site.open() as again:
        assert again.begun
        assert again.begin(Scope()) == 0
        assert again.build(Scope()).position == 3


def test_who_dies_right_after_the_commit_of_a_swap_leaves_nothing_in_the_way(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.append(3)
    with site.open() as killed, monkeypatch.context() as patch:
        killed.build(Scope())
        patch.setattr(Shadow, "forget", lambda self: None)
        killed.swap()
    site.append(3, 3)
    with site.open() as again:
        again.build(Scope())
        again.swap()
    assert site.rows("tally") == [("A", 2), ("B", 2), ("C", 2)]


def test_nothing_is_left_to_be_taken_while_others_wait_for_a_swap(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.append(6)
    with site.open() as rebuild:
        rebuild.build(Scope())
        site.append(3, 6)
        site.follower().catch_up()
        adopt, reached = rebuild.live.adopt, list[int]()
        monkeypatch.setattr(
            rebuild.live,
            "adopt",
            lambda other, exchange, owed: (reached.append(other.checkpoint().position), adopt(other, exchange, owed))[
                1
            ],
        )
        rebuild.swap()
    assert reached == [9]


def test_whoever_reads_the_tables_for_long_is_not_told_as_a_database_that_is_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    if site.live.dialect == "sqlite":  # where nobody who reads is in the way
        return
    monkeypatch.setattr("kernel.eventlog.shadow._LOCK_SECONDS", 0.1)
    site.append(3)
    with site.open() as rebuild:
        rebuild.build(Scope())
        with site.live.read() as reading:
            reading.exec_driver_sql("SELECT count(*) FROM tally")
            with pytest.raises(TablesInUse, match="Nothing was changed"):
                rebuild.swap()
        rebuild.swap()
    assert len(site.rows("seen")) == 3


def test_the_tables_stay_their_owners_whoever_swaps(site: Site, unique_name: str) -> None:
    if site.live.dialect == "sqlite":
        return
    with site.live.write() as tx:
        tx.exec_driver_sql(f"CREATE ROLE {unique_name}")
        tx.exec_driver_sql(f"ALTER TABLE tally OWNER TO {unique_name}")
        tx.exec_driver_sql("GRANT SELECT ON tally TO PUBLIC")
    site.append(3)
    with site.open() as rebuild:
        rebuild.build(Scope())
        rebuild.swap()
    with site.live.write() as tx:
        owners = "SELECT tablename, tableowner FROM pg_tables WHERE schemaname = current_schema AND tablename IN"
        found = {row[0]: row[1] for row in tx.exec_driver_sql(f"{owners} ('tally', 'seen')")}
        assert found["tally"] == unique_name != found["seen"]
        assert tx.exec_driver_sql("SELECT has_table_privilege('public', 'tally', 'SELECT')").scalar_one()
        tx.exec_driver_sql(f"DROP OWNED BY {unique_name}")
        tx.exec_driver_sql(f"DROP ROLE {unique_name}")


def test_what_the_live_consumer_parks_during_the_swap_is_not_in_the_new_tables_yet(site: Site) -> None:
    site.append(6)
    live = site.telling.follower(site.live, site.log, FrozenClock(NOON))
    live.catch_up()
    with site.open(site.telling) as rebuild:
        rebuild.build(Scope())
        site.set_back(3)
        BAD.add(5)
        rebuild.swap()
    assert [one.position for one in live.parked()] == [5]
    assert site.rows("tally") == [("A", 2), ("B", 1), ("C", 2)]
    BAD.clear()
    live.requeue("B")
    assert live.parked() == []
    assert site.rows("tally") == [("A", 2), ("B", 2), ("C", 2)]


@pytest.fixture
def skipping(site: Site) -> Site:
    """One whose live consumer has given up the event at 5, of B."""
    site.append(6)
    BAD.add(5)
    site.follower().catch_up()
    assert site.follower().skip("B") is not None
    return site


def test_what_was_skipped_is_left_out_of_a_rebuild_and_of_a_case_that_is_mended(skipping: Site) -> None:
    skipping.append(3, 6)
    skipping.follower().catch_up()
    right = skipping.rows("tally")
    assert right == [("A", 3), ("B", 2), ("C", 3)]
    assert mend(skipping.consumer, skipping.live, skipping.log, FrozenClock(NOON), "B") == 3
    assert skipping.follower().parked() == []
    with skipping.open() as rebuild:
        rebuild.build(Scope())
        assert (rebuild.compare().none, rebuild.parked()) == (True, [])
        rebuild.swap()
    assert skipping.rows("tally") == right


def test_what_is_skipped_meanwhile_is_left_out_when_the_rebuild_is_begun_again(site: Site) -> None:
    site.append(6)
    BAD.add(5)
    site.follower().catch_up()
    with site.open() as rebuild:
        rebuild.build(Scope())
        site.follower().skip("B")
        with pytest.raises(ShadowParked):
            rebuild.swap()
        rebuild.build(Scope())
        rebuild.swap()
    assert site.rows("tally") == [("A", 2), ("B", 1), ("C", 2)]


@pytest.mark.parametrize("whole", [True, False])
def test_what_was_skipped_is_tried_again_when_it_is_asked_for(skipping: Site, whole: bool) -> None:
    BAD.clear()
    if whole:
        with skipping.open(with_skipped=True) as rebuild:
            rebuild.build(Scope())
            rebuild.swap()
    else:
        mend(skipping.consumer, skipping.live, skipping.log, FrozenClock(NOON), "B", with_skipped=True)
    assert skipping.rows("tally") == [("A", 2), ("B", 2), ("C", 2)]
    with skipping.open() as again:
        again.build(Scope())
        assert again.compare().none


def test_another_event_at_the_position_of_one_that_was_skipped_is_taken(skipping: Site) -> None:
    skipping.cut_off(3)
    BAD.clear()
    skipping.log.append_all([request("D", 0), request("E", 0)])
    with skipping.open() as rebuild:
        rebuild.build(Scope())
        rebuild.swap(new_log=True)
    assert skipping.rows("tally") == [(name, 1) for name in "ABCDE"]


def test_a_swap_that_fails_changes_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.append(6)
    site.follower().catch_up()
    site.corrupt()
    before = site.rows("tally")
    with site.open() as rebuild:
        rebuild.build(Scope())
        exchange = rebuild._shadow.exchange
        monkeypatch.setattr(rebuild._shadow, "exchange", lambda tx: (exchange(tx), 1 / 0))
        with pytest.raises(ZeroDivisionError):
            rebuild.swap()
        assert site.rows("tally") == before
        monkeypatch.undo()
        rebuild.swap()
    assert site.rows("tally") == [("A", 2), ("B", 2), ("C", 2)]


def test_one_case_is_mended_in_place(site: Site) -> None:
    site.append(12)
    site.follower().catch_up()
    site.corrupt()
    assert mend(site.consumer, site.live, site.log, FrozenClock(NOON), "A") == 4
    assert site.rows("tally") == [("A", 4), ("C", 4), ("X", 1)]
    assert mend(site.consumer, site.live, site.log, FrozenClock(NOON), "X") == 0
    assert site.rows("tally") == [("A", 4), ("C", 4)]


def test_a_case_is_not_mended_from_another_log_than_the_one_that_was_read(site: Site) -> None:
    site.append(6)
    site.follower().catch_up()
    site.cut_off(3)
    site.append(3, 3)  # other events at the same positions
    with pytest.raises(LogDamaged, match="nothing was made again"):
        mend(site.consumer, site.live, site.log, FrozenClock(NOON), "A")
    assert site.rows("tally") == [("A", 2), ("B", 2), ("C", 2)]


def test_mending_does_not_go_ahead_of_the_consumer(site: Site) -> None:
    site.append(6)
    site.follower().catch_up()
    site.append(6, 6)
    assert mend(site.consumer, site.live, site.log, FrozenClock(NOON), "A") == 2
    assert site.follower().catch_up() == 6
    assert site.rows("tally") == [("A", 4), ("B", 4), ("C", 4)]


def test_swaps_while_events_arrive_and_are_followed_lose_none(site: Site) -> None:
    """Up to 500 events a second, a follower that takes each at once, and three rebuilds beside it."""
    stop, failed, swapped = threading.Event(), list[BaseException](), list[int]()
    written, pace = 0, threading.Event()

    def write() -> None:
        nonlocal written
        while written < 1500 or (len(swapped) < 3 and written < 15_000):
            site.append(1, written)
            written += 1
            pace.wait(1 / 500)

    def follow() -> None:
        follower = site.follower()
        while not stop.is_set():
            try:
                follower.catch_up()
            except BaseException as error:  # shown by the test
                failed.append(error)
                return

    threads = [threading.Thread(target=write), threading.Thread(target=follow)]
    for thread in threads:
        thread.start()
    while threads[0].is_alive():
        with site.open() as rebuild:
            rebuild.build(Scope())
            swapped.append(rebuild.swap().position)
    threads[0].join()
    eventually(lambda: failed or site.follower().checkpoint().position == written, timeout=30)
    stop.set()
    threads[1].join()
    assert failed == []
    assert len(swapped) >= 3
    assert len(site.rows("seen")) == written
    assert site.rows("tally") == [(name, (written + 2 - at) // 3) for at, name in enumerate("ABC")]


def test_rights_and_index_names_are_those_of_the_live_tables(site: Site) -> None:
    if site.live.dialect == "postgresql":
        with site.live.write() as tx:
            tx.exec_driver_sql("GRANT SELECT ON tally TO PUBLIC")
    site.append(3)
    with site.open() as rebuild:
        rebuild.build(Scope())
        rebuild.swap()
    with site.live.read() as connection:
        assert [one["name"] for one in sa.inspect(connection).get_indexes("tally")] == ["tally_events"]
        if site.live.dialect == "postgresql":
            granted = "SELECT has_table_privilege('public', 'tally', 'SELECT')"
            assert connection.exec_driver_sql(granted).scalar_one()


def test_progress_is_told_and_a_throttle_holds(site: Site) -> None:
    site.append(9)
    told: list[tuple[int, int]] = []
    with site.open() as rebuild:
        rebuild.build(Scope(), lambda at, aim: told.append((at, aim)), most=100)
        assert told[-1] == (9, 9)
        rebuild.discard()


def test_a_full_disk_stops_a_rebuild_which_goes_on_when_there_is_room(tmp_path: Path, unique_name: str) -> None:
    site = Site(lambda owner: f"sqlite:///{tmp_path}/{owner}.sqlite3", unique_name, tmp_path / "migrations")
    site.log.append_all([request(f"S{number}", 0, step(), step(), step()) for number in range(8000)])
    site.follower().catch_up()
    before = site.rows("tally")
    with site.open() as rebuild:
        rebuild.begin(Scope())
        engine = rebuild._shadow.database.engine
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 150"))
        engine.dispose()
        with pytest.raises(sa.exc.OperationalError) as full:
            rebuild.build(Scope())
        assert is_full(full.value)
        assert site.rows("tally") == before
    with site.open() as again:
        begun = again.begin(Scope())
        assert 0 < begun < 24_000
        assert again.build(Scope()).position == 24_000
        assert again.compare().none
        again.swap()
    site.close()
