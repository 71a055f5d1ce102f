"""What changes the catalogue is published once, by one process at a time; an empty catalogue begins with the demo."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from kernel.clock import FrozenClock
from kernel.config import Settings, load_settings
from kernel.contracts.catalog_facts import CatalogChanged, load_changed
from kernel.database import migrate
from kernel.messaging import topology
from kernel.messaging.broadcasting import BOUND, Hearing
from kernel.messaging.publishing import Publisher
from kernel.testing.cases import START
from services.catalog.bootstrap import MIGRATIONS, Catalog, build, open_catalog
from services.catalog.conftest import Kept, Open
from services.catalog.testing import document

ITEM = document("r", "签注居住证")


@pytest.fixture
def uri(unique_name: str) -> str:
    """A broker of this test alone, inside this process."""
    return f"memory:///{unique_name}"


@pytest.fixture
def hearing(uri: str) -> Iterator[Hearing]:
    found = Hearing(uri, "test", topology.CATALOG_EVENTS)
    found.listener.start()
    assert found.take(timeout=10) == BOUND
    yield found
    found.close()
    found.listener.stop()


def another(open_: Open, uri: str) -> Catalog:
    """A process of the catalog, on the same data."""
    database = open_("catalog")
    migrate(database, MIGRATIONS)
    return Catalog(database, open_("filing"), Publisher(uri), FrozenClock(START))


def heard(hearing: Hearing) -> CatalogChanged:
    news = hearing.take(timeout=10)
    assert news is not None
    assert news[0] is not None
    assert news[0].type == CatalogChanged.TYPE
    return load_changed(news[0].data)


def test_a_change_is_heard_once_and_from_one_process(kept: Kept, open_: Open, uri: str, hearing: Hearing) -> None:
    leader, other = another(open_, uri), another(open_, uri)
    kept.put(ITEM)
    kept.put({**ITEM, "conditions": ["新的条件"]})
    assert (leader.relay.run_once(), other.relay.run_once(), leader.relay.run_once()) == (2, 0, 0)
    assert [(fact.version, fact.added, fact.changed, fact.codes) for fact in (heard(hearing), heard(hearing))] == [
        (1, 1, 0, ("r",)),
        (2, 0, 1, ("r",)),
    ]
    leader.close()  # lets the other lead at once
    kept.put(document("p", "普通护照签发"))
    assert other.relay.run_once() == 1
    assert heard(hearing).version == 3
    other.close()


def test_an_import_that_changes_nothing_is_not_heard_of(kept: Kept, open_: Open, uri: str) -> None:
    process = another(open_, uri)
    kept.put(ITEM)
    kept.put(ITEM)
    assert process.relay.run_once() == 1
    process.close()


@pytest.fixture
def settings(tmp_path: Path, uri: str) -> Settings:
    return replace(load_settings({"DATA_DIR": str(tmp_path)}), amqp_uri=uri)


def test_an_empty_catalogue_begins_with_the_demo_once(settings: Settings) -> None:
    found = build(settings)
    assert found.snapshots.current().version == 1
    assert len(found.snapshots.current()) >= 50
    found.close()
    again = build(settings)
    assert again.snapshots.current().version == 1
    again.close()


def test_without_the_demo_it_stays_empty(settings: Settings) -> None:
    for opened in (build(replace(settings, demo_catalogue=False)), open_catalog(settings)):
        assert opened.snapshots.current().version == 0
        opened.close()


def test_processes_that_start_together_import_the_demo_once(settings: Settings) -> None:
    with ThreadPoolExecutor(3) as pool:
        started = list(pool.map(lambda _: build(settings), range(3)))
    assert {catalog.snapshots.current().version for catalog in started} == {1}
    for catalog in started:
        catalog.close()
