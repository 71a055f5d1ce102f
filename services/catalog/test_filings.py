"""Hot items: the case log counted, each case once, by the hall's day, on both databases."""

from datetime import timedelta
from typing import Any

import pytest

from kernel.contracts.case import CaseWithdrawn, Fact
from kernel.contracts.catalog import Status
from kernel.eventlog.testing import rebuilt
from kernel.testing.cases import APPLICANT, START, corrected_and_concluded, received
from services.catalog.bootstrap import CONSUMER
from services.catalog.conftest import Kept
from services.catalog.testing import document

ITEMS = [document(code, name) for code, name in (("a", "签注居住证"), ("b", "普通护照签发"), ("c", "出生登记"))]
MIDNIGHT = START.replace(hour=0)


def filed(kept: Kept, **counts: int) -> None:
    for code, count in counts.items():
        for number in range(count):
            kept.file(f"S-{code}-{number}", received(item=code))
    kept.catalog.follower.catch_up()


def counted(kept: Kept) -> list[Any]:
    with kept.database.read() as tx:
        rows = tx.exec_driver_sql("SELECT item, day, filed FROM item_filed ORDER BY item, day")
        return [(item, str(day), filed) for item, day, filed in rows]


def test_the_most_filed_comes_first_and_ties_stand_as_in_lists(kept: Kept) -> None:
    kept.put(*ITEMS)
    filed(kept, a=2, b=1, c=3)
    assert kept.hot() == [("c", 3), ("a", 2), ("b", 1)]
    assert kept.hot(page_size=1) == [("c", 3)]
    filed(kept, x=9)
    assert kept.hot() == [("c", 3), ("a", 2), ("b", 1)]


def test_a_case_counts_once_however_often_it_is_corrected(kept: Kept) -> None:
    kept.file("S-1", *corrected_and_concluded())
    kept.catalog.follower.catch_up()
    assert counted(kept) == [("residence-permit", "2026-02-09", 1)]


def test_counted_again_from_the_log_it_is_the_same(kept: Kept) -> None:
    for day in range(3):
        kept.file(f"S-{day}", received(START + timedelta(days=day), item="a"))
        assert kept.catalog.follower.catch_up() == 1
    kept.file("S-3", received(START, item="a"), CaseWithdrawn(occurred_at=START, by=APPLICANT))
    kept.catalog.follower.catch_up()
    live = counted(kept)
    assert live == [("a", "2026-02-09", 2), ("a", "2026-02-10", 1), ("a", "2026-02-11", 1)]
    assert rebuilt(CONSUMER, kept.database, kept.cases, kept.clock) == 5
    assert counted(kept) == live


def test_events_that_come_twice_count_once(kept: Kept) -> None:
    kept.file("S-1", received(item="a"))
    events = kept.case_log.read(0)
    for _ in range(3):
        kept.catalog.follower.take(events)
    assert counted(kept) == [("a", "2026-02-09", 1)]


@pytest.mark.parametrize(
    ("fact", "day"),
    [
        (received(MIDNIGHT - timedelta(microseconds=1), item="a"), "2026-02-08"),
        (received(MIDNIGHT, item="a"), "2026-02-09"),
    ],
)
def test_a_day_begins_at_midnight_in_china(kept: Kept, fact: Fact, day: str) -> None:
    kept.file("S-1", fact)
    kept.catalog.follower.catch_up()
    assert counted(kept) == [("a", day, 1)]


def test_thirty_days_make_an_item_hot(kept: Kept) -> None:
    kept.put(*ITEMS)
    kept.file("S-before", received(MIDNIGHT - timedelta(days=29, microseconds=1), item="a"))
    kept.file("S-first", received(MIDNIGHT - timedelta(days=29), item="b"))
    kept.catalog.follower.catch_up()
    assert kept.hot() == [("b", 1)]


def test_what_is_retired_is_not_hot(kept: Kept) -> None:
    kept.put(*ITEMS)
    filed(kept, a=2, b=1)
    kept.put(*ITEMS[1:], missing="complete")
    assert kept.hot() == [("b", 1)]


def test_status_says_how_far_the_case_log_was_read(kept: Kept) -> None:
    kept.put(*ITEMS)
    kept.file("S-1", received(item="a"))
    kept.clock.advance(timedelta(seconds=90))
    behind = {"consumer": "catalog", "checkpoint": 0, "head": 1, "oldest_unprocessed_seconds": 90.0, "parked": 0}
    status = kept.catalog.status()
    assert Status().validate(status) == {}
    assert status.pop("database_bytes") > 0
    relay = {"position": 0, "head": 1, "oldest_unpublished_seconds": 90.0, "led": False}
    assert status == {"version": 1, "searched": 1, "items": 3, **behind, "relay": relay}
    kept.catalog.follower.catch_up()
    assert kept.catalog.status()["checkpoint"] == 1
