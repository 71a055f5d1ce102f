"""The only place where catalog is wired together."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from kernel.clock import Clock, SystemClock
from kernel.config import Settings
from kernel.database import Database, migrate, open_database
from kernel.database.size import size_of
from kernel.eventlog import EventLog, LogReader
from kernel.eventlog.consumers import Consumer, Table
from kernel.eventlog.following import Follower
from kernel.messaging.publishing import Publisher
from kernel.messaging.relay import Relay, standing
from kernel.messaging.topology import CATALOG_EVENTS
from services.catalog.adapters.filings import FilingsProjection, SqlFilings
from services.catalog.adapters.queries import SqlCatalogue
from services.catalog.adapters.reading_out import SqlContents
from services.catalog.adapters.writing import SqlStore
from services.catalog.application.departments import Departments
from services.catalog.application.exporting import Exporting
from services.catalog.application.guides import Guides
from services.catalog.application.halls import Halls
from services.catalog.application.importing import Importing, demo
from services.catalog.application.lists import Lists
from services.catalog.application.searching import Searching
from services.catalog.application.snapshots import Snapshots
from services.catalog.domain.unfit import Overtaken

OWNER = "catalog"
LOG_OWNER = "filing"  # whose log is followed
MIGRATIONS = Path(__file__).parent / "migrations"
CONSUMER = Consumer(
    name=FilingsProjection.name,
    owner=OWNER,
    log=LOG_OWNER,
    migrations=MIGRATIONS,
    tables=(Table("item_filed"),),
    projection=lambda _: FilingsProjection(),
)


class Catalog:
    """The application: answers questions, imports, follows the case log, and publishes its own."""

    def __init__(self, database: Database, cases: Database, publisher: Publisher, clock: Clock) -> None:
        """`cases`: the database of the case log."""
        self._database = database
        self._cases = cases
        self._publisher = publisher
        self._clock = clock
        self._catalogue = SqlCatalogue(database)
        self.snapshots = Snapshots(self._catalogue.version, self._catalogue.contents)
        self.lists = Lists(self.snapshots.current, SqlFilings(database), clock)
        self.searching = Searching(self.snapshots.current)
        self.departments = Departments(self.snapshots.current)
        self.halls = Halls(self.snapshots.current)
        self.guides = Guides(self._catalogue)
        self.importing = Importing(SqlStore(database, EventLog(database, clock)), clock)
        self.exporting = Exporting(SqlContents(database))
        self.follower = Follower(FilingsProjection(), database, LogReader(cases), clock)
        self.relay = Relay(LogReader(database), database, publisher, CATALOG_EVENTS, clock)

    def import_demo(self) -> None:
        """Fill an empty catalogue with the demo."""
        if self._catalogue.version() == 0:
            # Another process that starts at the same moment may be the first: then it is filled as well.
            with suppress(Overtaken):
                self.importing.run(demo(), by="start")

    def status(self) -> dict[str, Any]:
        """Versions, and how far the case log has been read (`Status`)."""
        snapshot, now = self.snapshots.current(), self._clock.now()
        return {
            **self.follower.lag().figures(now),
            "relay": standing(self._database).figures(now),
            "database_bytes": size_of(self._database),
            "version": self._catalogue.version(),
            "searched": snapshot.version,
            "items": len(snapshot),
        }

    def ping(self) -> None:
        """Raises what the database raises when it is away."""
        self._catalogue.version()

    def close(self) -> None:
        """Let another process publish at once, and end all connections."""
        self.relay.resign()
        self._publisher.close()
        self._database.close()
        self._cases.close()


def open_catalog(settings: Settings) -> Catalog:
    """The application on the installation's database, migrated; an empty catalogue stays empty."""
    database = open_database(settings, OWNER)
    migrate(database, MIGRATIONS)
    return Catalog(database, open_database(settings, LOG_OWNER), Publisher(settings.amqp_uri), SystemClock())


def build(settings: Settings) -> Catalog:
    """The application as the service has it: with the demo, on an empty catalogue where the settings want it."""
    catalog = open_catalog(settings)
    if settings.demo_catalogue:
        catalog.import_demo()
    return catalog
