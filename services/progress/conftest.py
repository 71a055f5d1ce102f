"""A progress on each kind of database, with a case log that it follows."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kernel.clock import FrozenClock
from kernel.contracts.case import Fact
from kernel.database import open_url
from kernel.eventlog import EventLog
from kernel.eventlog.testing import rebuilt
from kernel.testing.cases import START, appends, make_log
from kernel.testing.tables import migrated
from services.progress.bootstrap import CONSUMER, MIGRATIONS, Progress

KEY = bytes(range(32))


class Watched:
    """progress beside a log; tests write facts to the log and look at what progress makes of them."""

    def __init__(self, url: Callable[[str], str], name: str) -> None:
        self.database = open_url(url("progress"), f"{name}_progress")
        migrated(self.database, MIGRATIONS)
        self.log_database = make_log(open_url(url("filing"), f"{name}_filing"))
        self.log = EventLog(self.log_database, FrozenClock(START))
        self.progress = Progress(self.database, self.log_database, KEY, FrozenClock(START))

    def write(self, serial: str, *life: Fact, expected_version: int = 0) -> None:
        self.log.append(appends(serial, life, expected_version))

    def follow(self) -> int:
        return self.progress.follower.catch_up()

    def rebuild(self) -> int:
        return rebuilt(CONSUMER, self.database, self.log_database, FrozenClock(START))

    def tables(self) -> dict[str, list[Any]]:
        with self.database.read() as tx:
            return {
                table: [tuple(row) for row in tx.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2")]
                for table in ("case_progress", "case_step", "checkpoint")
            }


@pytest.fixture(params=["sqlite", "postgresql"])
def watched(request: pytest.FixtureRequest, tmp_path: Path, unique_name: str) -> Iterator[Watched]:
    if request.param == "sqlite":
        found = Watched(lambda owner: f"sqlite:///{tmp_path}/{owner}.sqlite3", unique_name)
    else:
        postgres_url: str = request.getfixturevalue("postgres_url")
        found = Watched(lambda owner: postgres_url, unique_name)
    yield found
    found.progress.close()
