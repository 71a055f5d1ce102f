"""An installation for tests of commands: its databases migrated, cases on its log, consumers that have read them.

On SQLite files or on a PostgreSQL database of its own; no service runs, so that a test decides who does what when.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from kernel.clock import SystemClock
from kernel.config import load_settings
from kernel.contracts.case import Fact
from kernel.database import Database, open_database
from kernel.eventlog import EventLog
from kernel.testing.cases import appends, corrected_and_concluded
from kernel.testing.processes import Process
from operations.cli import main
from operations.consumers import following

DAY = "440106-20260209"


def serial(number: int) -> str:
    return f"{DAY}-{number:08d}"


class Installation:
    """What the environment's settings name."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._opened: list[Database] = []

    def run(self, *words: str) -> Result:
        """A command, in this process."""
        return CliRunner().invoke(main, words)

    def lines(self, *words: str) -> list[dict[str, Any]]:
        """What a command answers in JSON."""
        return [json.loads(line) for line in self.run(*words, "--json").stdout.splitlines()]

    def process(self, *words: str) -> Process:
        """A command, in a process of its own."""
        command = [sys.executable, "-c", "from operations.cli import main; main()", *words]
        return Process(command, log=self.directory / "command.log")

    def database(self, owner: str) -> Database:
        opened = open_database(load_settings(), owner)
        self._opened.append(opened)
        return opened

    def rows(self, owner: str, statement: str) -> list[Any]:
        with self.database(owner).read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

    def change(self, owner: str, *statements: str) -> None:
        with self.database(owner).write() as tx:
            for statement in statements:
                tx.exec_driver_sql(statement)

    @property
    def log(self) -> EventLog:
        return EventLog(self.database("filing"), SystemClock())

    def file(self, numbers: Iterable[int], life: Sequence[Fact] | None = None) -> None:
        """Put whole lives of cases on the log: nine events each, unless `life` is given."""
        facts = corrected_and_concluded() if life is None else life
        self.log.append_all([appends(serial(number), facts) for number in numbers])

    def follow(self, *consumers: str) -> None:
        """Let these read the log to its head, as their services do."""
        for name in consumers:
            with following(load_settings(), name) as one:
                one.follower.catch_up()

    def close(self) -> None:
        for database in self._opened:
            database.close()
