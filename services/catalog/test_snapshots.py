"""Snapshots: always whole, always of one version, and the one in use answers until the next takes its place."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kernel.contracts import catalog as contract
from services.catalog.application.snapshots import Snapshots
from services.catalog.conftest import Kept
from services.catalog.domain.rows import Contents
from services.catalog.domain.search import ANALYSIS
from services.catalog.testing import DEPARTMENTS, document, listed

RESIDENCE = document("r", "签注居住证")


class Growing:
    """A catalogue that has as many items as its version says."""

    def __init__(self) -> None:
        self.at = 1
        self.readable = threading.Event()
        self.readable.set()
        self.read = 0

    def version(self) -> int:
        return self.at

    def contents(self) -> Contents:
        version = self.at
        self.readable.wait(timeout=30)
        self.read += 1
        items = [listed(str(number), f"居住证登记{number}") for number in range(version)]
        return Contents(version, items, list(DEPARTMENTS), [])


def test_a_snapshot_is_made_when_the_version_moves_and_only_then() -> None:
    growing = Growing()
    snapshots = Snapshots(growing.version, growing.contents)
    first = snapshots.current()
    assert snapshots.current() is first
    assert not snapshots.refresh()
    growing.at = 2
    assert snapshots.current() is first
    assert snapshots.refresh()
    assert (snapshots.current().version, len(snapshots.current()), len(first)) == (2, 2, 1)
    assert growing.read == 2


def test_the_one_in_use_answers_while_the_next_is_made() -> None:
    growing = Growing()
    snapshots = Snapshots(growing.version, growing.contents)
    first = snapshots.current()
    growing.at = 2
    growing.readable.clear()
    with ThreadPoolExecutor(1) as pool:
        refreshing = pool.submit(snapshots.refresh)
        assert snapshots.current() is first
        assert not refreshing.done()
        growing.readable.set()
        assert refreshing.result()
    assert snapshots.current().version == 2


def test_many_who_come_first_make_one_snapshot() -> None:
    growing = Growing()
    snapshots = Snapshots(growing.version, growing.contents)
    with ThreadPoolExecutor(8) as pool:
        found = {id(snapshot) for snapshot in pool.map(lambda _: snapshots.current(), range(8))}
    assert (len(found), growing.read) == (1, 1)


def test_what_could_not_be_read_is_read_the_next_time() -> None:
    growing = Growing()
    faults = [OSError("gone")]

    def contents() -> Contents:
        if faults:
            raise faults.pop()
        return growing.contents()

    snapshots = Snapshots(growing.version, contents)
    with pytest.raises(OSError, match="gone"):
        snapshots.refresh()
    assert snapshots.current().version == 1


def test_a_search_is_answered_from_one_version_however_often_it_is_swapped(kept: Kept) -> None:
    kept.put(RESIDENCE)
    stop = threading.Event()

    def ask() -> set[tuple[int, int]]:
        seen = set()
        while not stop.is_set():
            page: dict[str, Any] = kept.catalog.searching.search(contract.SearchAsked().load({"q": "居住证"}))
            assert len(page["items"]) == page["total"] == page["facets"]["department"][0]["count"]
            seen.add((page["as_of"], page["total"]))
        return seen

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        for number in range(2, 8):
            kept.put(document(f"r-{number}", f"签注居住证（{number}）"))
        stop.set()
        seen = set().union(*(each.result() for each in asking))
    assert seen <= {(version, version) for version in range(1, 8)}


def test_terms_of_another_analysis_are_made_anew(kept: Kept) -> None:
    kept.put(RESIDENCE)
    with kept.database.write() as tx:
        tx.exec_driver_sql(f"UPDATE item SET terms = '{ANALYSIS + 1}|unreadable'")
    kept.put(document("p", "普通护照签发"))
    assert kept.listed(q="居住证") == ["r"]
