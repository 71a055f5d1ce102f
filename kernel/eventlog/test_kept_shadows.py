"""What is kept of a rebuild that was broken off or not swapped yet, and what rebuilds leave out: on both databases."""

import pytest

from kernel.clock import FrozenClock
from kernel.eventlog import LogDamaged
from kernel.eventlog.rebuilding import ShadowParked, mend
from kernel.eventlog.shadow import Scope, Shadow
from kernel.eventlog.testing import NOON, request
from kernel.eventlog.testing_rebuilding import BAD, Site, differs


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
        assert (differs(rebuild.compare()), rebuild.parked()) == (False, [])
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
        assert not differs(again.compare())


def test_another_event_at_the_position_of_one_that_was_skipped_is_taken(skipping: Site) -> None:
    skipping.cut_off(3)
    BAD.clear()
    skipping.log.append_all([request("D", 0), request("E", 0)])
    with skipping.open() as rebuild:
        rebuild.build(Scope())
        rebuild.swap(new_log=True)
    assert skipping.rows("tally") == [(name, 1) for name in "ABCDE"]
