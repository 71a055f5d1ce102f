"""The only place where appointment is wired together."""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

from kernel.clock import Clock, SystemClock
from kernel.config import Settings
from kernel.database import Database, migrate, open_database
from kernel.eventlog import EventLog, LogReader
from kernel.eventlog.consumers import Consumer, Table
from kernel.idempotency import KEPT, Idempotency
from kernel.messaging.publishing import Publisher
from kernel.messaging.relay import Relay
from kernel.messaging.topology import VISIT_EVENTS
from kernel.vault import Vault
from services.appointment.adapters import documents
from services.appointment.adapters.blocks import BlockTables
from services.appointment.adapters.bookings import BookingTables
from services.appointment.adapters.forgetting import ForgettingTables
from services.appointment.adapters.halls import HallTables
from services.appointment.adapters.slots import SlotTables
from services.appointment.adapters.standing import standing
from services.appointment.adapters.statistics import StatisticsProjection, StatisticTables
from services.appointment.adapters.tickets import TicketTables
from services.appointment.adapters.waiting import WaitingTables
from services.appointment.adapters.windows import WindowTables
from services.appointment.application.adopting import Adopting
from services.appointment.application.appeals import Appeals
from services.appointment.application.booking import Bookings
from services.appointment.application.calling import Calling
from services.appointment.application.checking_in import CheckingIn
from services.appointment.application.closing import Closings
from services.appointment.application.contacts import Contacts
from services.appointment.application.expected import Expected
from services.appointment.application.files import Files
from services.appointment.application.forgetting import Forgetting
from services.appointment.application.free_slots import FreeTimes
from services.appointment.application.hall_cancelling import HallCancelling
from services.appointment.application.offering import Offering
from services.appointment.application.own_bookings import OwnBookings
from services.appointment.application.planning import Planning
from services.appointment.application.queue_day import QueueDay
from services.appointment.application.queue_views import QueueViews
from services.appointment.application.statistics import Statistics
from services.appointment.application.sweeping import Sweeping
from services.appointment.application.tools import Tools
from services.appointment.application.waiting import Waiting
from services.appointment.application.walk_ins import WalkIns

OWNER = "appointment"
MIGRATIONS = Path(__file__).parent / "migrations"
CONSUMER = Consumer(
    name=StatisticsProjection.name,
    owner=OWNER,
    log=OWNER,
    migrations=MIGRATIONS,
    tables=(Table("hall_statistic"), Table("counted_stream", "stream")),
    projection=lambda _: StatisticsProjection(),
)
RETURN_SECONDS = (60, 900)  # a place that was given up stays away for so long, nobody knows how long


class Tables(
    HallTables,
    SlotTables,
    BookingTables,
    BlockTables,
    WaitingTables,
    ForgettingTables,
    WindowTables,
    TicketTables,
    StatisticTables,
):
    """All tables beside the log."""


class Appointments:
    """The application: halls and their slots, bookings, and what happens by itself."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self.planning = Planning(tools)
        self.free_times = FreeTimes(tools)
        self.bookings = Bookings(tools)
        self.own_bookings = OwnBookings(tools)
        self.files = Files(tools, self.own_bookings, documents)
        self.expected = Expected(tools)
        self.hall_cancelling = HallCancelling(tools)
        self.contacts = Contacts(tools)
        self.adopting = Adopting(self.planning)
        self.waiting = Waiting(tools)
        self.appeals = Appeals(tools)
        self.sweeping = Sweeping(tools)
        self.offering = Offering(tools)
        self.closings = Closings(tools)
        self.checking_in = CheckingIn(tools)
        self.walk_ins = WalkIns(tools)
        self.calling = Calling(tools)
        self.queue_day = QueueDay(tools)
        self.queue_views = QueueViews(tools)
        self.statistics = Statistics(tools)
        self.forgetting = Forgetting(tools)
        self.follower = CONSUMER.follower(tools.database, tools.log, tools.clock)

    def give_back(self) -> None:
        """Places that are free again, to whom they are due. Holds end first, so that theirs come back at once."""
        self.sweeping.holds()
        self.offering.returns()

    def look_after_closures(self) -> None:
        """Those whose times were closed are offered others; closed visits whose time has come are over."""
        self.closings.closures()
        self.closings.ended()

    def look_back(self) -> None:
        """What is over, whenever that is found: yesterday's visits were missed, and its tickets are dealt with no more.

        Idempotency keys that nobody repeats any more are dropped as well, and last what tells of people for no reason.
        """
        self.sweeping.missed()
        self.queue_day.close()
        with self._tools.database.write() as tx:
            self._tools.idempotency.forget(tx, self._tools.clock.now() - KEPT)
        self.forgetting.turn()

    def status(self) -> dict[str, Any]:
        """How long the log is, how far the statistics have come, and what is late."""
        lag, now = self.follower.lag(), self._tools.clock.now()
        return {**lag.figures(now), "log_position": lag.head, **standing(self._tools.database, now)}

    def ping(self) -> None:
        """Raises what the database raises when it is away."""
        self.follower.checkpoint()

    def close(self) -> None:
        self._tools.database.close()


class Served(Appointments):
    """The same, publishing its log."""

    def __init__(self, tools: Tools, publisher: Publisher) -> None:
        super().__init__(tools)
        self._publisher = publisher
        self.relay = Relay(LogReader(tools.database), tools.database, publisher, VISIT_EVENTS, tools.clock)

    def close(self) -> None:
        """Let another process publish at once, and end all connections."""
        self.relay.resign()
        self._publisher.close()
        super().close()


def build(settings: Settings, clock: Clock | None = None) -> Served:
    """The application on the installation's database, migrated, and its broker."""
    database = open_database(settings, OWNER)
    migrate(database, MIGRATIONS)
    return Served(make_tools(database, settings, clock or SystemClock()), Publisher(settings.amqp_uri))


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
        return_delay=a_while,
    )


def a_while() -> timedelta:
    """As long as nobody can foresee."""
    shortest, longest = RETURN_SECONDS
    return timedelta(seconds=shortest + secrets.randbelow(longest - shortest + 1))
