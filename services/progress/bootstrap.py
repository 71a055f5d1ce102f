"""The only place where progress is wired together."""

from pathlib import Path
from typing import Any

from kernel.clock import Clock, SystemClock
from kernel.config import Settings
from kernel.database import Database, migrate, open_database
from kernel.database.size import size_of
from kernel.eventlog import LogReader
from kernel.eventlog.consumers import Consumer, Table
from kernel.eventlog.following import Follower
from kernel.vault import Vault
from services.progress.adapters.projection import CaseProjection
from services.progress.adapters.queries import SqlCases
from services.progress.application.reading import Reading

OWNER = "progress"
LOG_OWNER = "filing"  # whose log is followed
MIGRATIONS = Path(__file__).parent / "migrations"
CONSUMER = Consumer(
    name=CaseProjection.name,
    owner=OWNER,
    log=LOG_OWNER,
    migrations=MIGRATIONS,
    tables=(Table("case_progress", "serial"), Table("case_step", "serial")),
    projection=lambda _: CaseProjection(),
)


class Progress:
    """The application: what follows the log, and what answers questions."""

    def __init__(self, database: Database, log: Database, master_key: bytes, clock: Clock) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self.follower = Follower(CaseProjection(), database, LogReader(log), clock)
        self.reading = Reading(SqlCases(database), Vault(master_key), lambda: self.follower.checkpoint().position)

    def status(self) -> dict[str, Any]:
        """How far we have come (`Status`)."""
        return {**self.follower.lag().figures(self._clock.now()), "database_bytes": size_of(self._database)}

    def ping(self) -> None:
        """Raises what the database raises when it is away."""
        self.follower.checkpoint()

    def close(self) -> None:
        self._database.close()
        self._log.close()


def build(settings: Settings) -> Progress:
    """The application on the installation's database, migrated."""
    database = open_database(settings, OWNER)
    migrate(database, MIGRATIONS)
    return Progress(database, open_database(settings, LOG_OWNER), settings.key(), SystemClock())
