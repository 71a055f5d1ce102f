"""A catalog on each kind of database, beside a case log, and files to import into it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kernel.clock import FrozenClock
from kernel.contracts import catalog as contract
from kernel.contracts.case import Fact
from kernel.database import Database, open_url
from kernel.eventlog import EventLog
from kernel.messaging.publishing import Publisher
from kernel.testing.cases import START, appends, make_log
from kernel.testing.tables import migrated
from services.catalog.application.importing import Source
from services.catalog.bootstrap import MIGRATIONS, Catalog
from services.catalog.desk import Desk
from services.catalog.domain.changes import Report
from services.catalog.testing import DEPARTMENTS

Open = Callable[[str], Database]  # a database of this name


class Kept:
    """catalog beside a log of cases; tests import into it, write facts to the log, and ask."""

    def __init__(self, open_: Open, folder: Path) -> None:
        self._folder = folder
        self.clock = FrozenClock(START)
        self.database = open_("catalog")
        migrated(self.database, MIGRATIONS)
        self.cases = make_log(open_("filing"))
        self.case_log = EventLog(self.cases, self.clock)
        self.catalog = Catalog(self.database, self.cases, Publisher("memory://tests"), self.clock)

    def put(self, *items: dict[str, Any], halls: tuple[dict[str, Any], ...] = (), missing: Any = "keep") -> Report:
        """Import these items and halls, as one version."""
        departments = [
            {**department.shown(), "organ_codes": list(department.organ_codes)} for department in DEPARTMENTS
        ]
        said = {"format": "yichuang-catalogue/1", "departments": departments, "items": items, "halls": halls}
        path = self._folder / "catalogue.json"
        path.write_text(json.dumps(said))
        report = self.catalog.importing.run(Source.of(path), missing=missing)
        assert not report.problems
        self.catalog.snapshots.refresh()
        return report

    def file(self, serial: str, *life: Fact) -> None:
        """Write facts of a case."""
        self.case_log.append(appends(serial, life))

    def item(self, code: str, version: int | None = None) -> dict[str, Any]:
        """The guide."""
        return self.catalog.guides.item(contract.ItemAsked().load({"code": code, "version": version}))

    def listed(self, **request: Any) -> list[str]:
        """The codes of a page of items."""
        return [item["code"] for item in self.catalog.lists.items(contract.ItemsAsked().load(request))["items"]]

    def hot(self, page_size: int = 10) -> list[tuple[str, int]]:
        """What was filed most."""
        hot = self.catalog.lists.hot_items(contract.HotAsked().load({"page_size": page_size}))
        return [(item["code"], item["filed"]) for item in hot["items"]]


@pytest.fixture(params=["sqlite", "postgresql"])
def open_(request: pytest.FixtureRequest, tmp_path: Path, unique_name: str) -> Open:
    """Opens databases of this test alone, by name."""
    if request.param == "sqlite":
        return lambda name: open_url(f"sqlite:///{tmp_path}/{name}.sqlite3", f"{unique_name}_{name}")
    postgres_url: str = request.getfixturevalue("postgres_url")
    return lambda name: open_url(postgres_url, f"{unique_name}_{name}")


@pytest.fixture
def kept(open_: Open, tmp_path: Path) -> Iterator[Kept]:
    found = Kept(open_, tmp_path)
    yield found
    found.catalog.close()


@pytest.fixture
def desk(open_: Open, tmp_path: Path) -> Iterator[Desk]:
    database = open_("catalog")
    yield Desk(database, tmp_path)
    database.close()
