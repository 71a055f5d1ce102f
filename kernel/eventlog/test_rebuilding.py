"""Tables made again beside the live ones, and put in their place: whatever happens meanwhile, on both databases."""

import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.clock import FrozenClock
from kernel.database.away import is_full
from kernel.eventlog import Follower, LogDamaged
from kernel.eventlog.rebuilding import NotWhole, OtherLog, ShadowParked, mend
from kernel.eventlog.selecting import Selection
from kernel.eventlog.shadow import OtherShadow, RebuildRuns, Scope, TablesInUse
from kernel.eventlog.testing import NOON, request, step
from kernel.eventlog.testing_rebuilding import BAD, Site, differs
from kernel.testing import eventually


def test_the_report_names_what_differs_and_the_swap_mends_it(site: Site) -> None:
    site.append(12)
    site.follower().catch_up()
    right = site.rows("tally")
    site.corrupt()
    with site.open() as rebuild:
        assert rebuild.build(Scope()).position == 12
        found = rebuild.compare()
        assert (found.live, found.shadow, differs(found)) == (12, 12, True)
        tally, seen = found.tables
        assert (tally.rows, tally.added, tally.gone, tally.changed) == (3, 1, 1, 1)
        assert (seen.rows, seen.added, seen.gone, seen.changed) == (12, 0, 0, 0)
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
        assert (found.live, found.shadow, differs(found)) == (9, 9, False)


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


def test_nothing_is_left_to_be_taken_while_others_wait_for_a_swap(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.append(6)
    with site.open() as rebuild:
        rebuild.build(Scope())
        site.append(3, 6)
        site.follower().catch_up()
        adopt, reached = rebuild.live.adopt, list[int]()

        def adopting(other: Follower, *words: Any, **more: Any) -> Any:
            reached.append(other.checkpoint().position)
            return adopt(other, *words, **more)

        monkeypatch.setattr(rebuild.live, "adopt", adopting)
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
        assert not differs(again.compare())
        again.swap()
    site.close()
