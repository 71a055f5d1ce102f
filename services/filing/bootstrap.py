"""The only place where filing is wired together."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from kernel.clock import Clock, SystemClock
from kernel.config import Settings
from kernel.database import Database, migrate, open_database
from kernel.eventlog import EventLog, LogReader
from kernel.idempotency import KEPT, Idempotency
from kernel.messaging.publishing import Publisher
from kernel.messaging.relay import Relay
from kernel.messaging.topology import CASE_EVENTS
from kernel.vault import Vault
from services.filing.adapters.cases import CaseTables
from services.filing.adapters.deadlines import DeadlineTables
from services.filing.adapters.drafts import DraftTables
from services.filing.adapters.intake import IntakeTables
from services.filing.adapters.standing import standing
from services.filing.application.answering import Answering
from services.filing.application.drafts import Drafts
from services.filing.application.intake import Intake
from services.filing.application.loading import Cases
from services.filing.application.own_cases import OwnCases
from services.filing.application.ports import Publishing
from services.filing.application.sample_department import SampleDepartment
from services.filing.application.submission import Submissions
from services.filing.application.timekeeping import Timekeeping
from services.filing.application.tools import Tools

OWNER = "filing"
MIGRATIONS = Path(__file__).parent / "migrations"


class Tables(DraftTables, CaseTables, IntakeTables, DeadlineTables):
    """All tables beside the log."""


class Filing:
    """The application: handlers of drafts, submissions, cases and department events."""

    def __init__(self, tools: Tools, publisher: Publishing, sample_department: bool = False) -> None:
        self._tools = tools
        self.drafts = Drafts(tools)
        self.submissions = Submissions(tools)
        self.own_cases = OwnCases(tools)
        cases = Cases(tools)
        self.answering = Answering(tools, Intake(tools, cases), publisher)
        self.timekeeping = Timekeeping(tools, cases)
        self.sample_department = SampleDepartment(tools, self.answering) if sample_department else None
        self._publisher = publisher

    def status(self) -> dict[str, Any]:
        """What waits and what is late, in the form of `kernel.contracts.filing.Status`."""
        return standing(self._tools.database, self._tools.clock.now())

    def clean(self) -> None:
        """Drop idempotency keys that nobody repeats any more, and drafts that nobody is going to submit."""
        with self._tools.database.write() as tx:
            self._tools.idempotency.forget(tx, self._tools.clock.now() - KEPT)
        self.drafts.clean()

    def close(self) -> None:
        close = getattr(self._publisher, "close", None)
        if close is not None:
            close()
        self._tools.database.close()


class Relaying:
    """The application of the relay, which publishes filing's log."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self.relay = Relay(LogReader(database), database, publisher, CASE_EVENTS, SystemClock())

    def close(self) -> None:
        self.relay.resign()
        self._publisher.close()
        self._database.close()


def make_tools(database: Database, settings: Settings, clock: Clock) -> Tools:
    """What handlers work with, on a database that is migrated."""
    vault = Vault(settings.key())
    return Tools(
        database=database,
        log=EventLog(database, clock),
        store=Tables(),
        vault=vault,
        idempotency=Idempotency(vault, clock),
        clock=clock,
        skew=timedelta(seconds=settings.clock_skew),
        wait=timedelta(seconds=settings.intake_wait),
    )


def build(settings: Settings) -> Filing:
    """The application on the installation's database, migrated, and its broker."""
    database = _open(settings)
    publisher = Publisher(settings.amqp_uri)
    return Filing(make_tools(database, settings, SystemClock()), publisher, settings.sample_department)


def build_relay(settings: Settings) -> Relaying:
    """The relay's application."""
    return Relaying(_open(settings), Publisher(settings.amqp_uri))


def _open(settings: Settings) -> Database:
    database = open_database(settings, OWNER)
    migrate(database, MIGRATIONS)
    return database
