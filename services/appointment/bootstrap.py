"""The only place where appointment is wired together."""

import secrets
from datetime import timedelta
from pathlib import Path

from kernel.clock import Clock
from kernel.config import Settings
from kernel.database import Database
from kernel.eventlog import EventLog
from kernel.idempotency import KEPT, Idempotency
from kernel.vault import Vault
from services.appointment.adapters.bookings import BookingTables
from services.appointment.adapters.halls import HallTables
from services.appointment.adapters.slots import SlotTables
from services.appointment.application.booking import Bookings
from services.appointment.application.free_slots import FreeTimes
from services.appointment.application.own_bookings import OwnBookings
from services.appointment.application.planning import Planning
from services.appointment.application.sweeping import Sweeping
from services.appointment.application.tools import Tools

OWNER = "appointment"
MIGRATIONS = Path(__file__).parent / "migrations"
RETURN_SECONDS = (60, 900)  # a place that was given up stays away for so long, nobody knows how long


class Tables(HallTables, SlotTables, BookingTables):
    """All tables beside the log."""


class Appointments:
    """The application: halls and their slots, bookings, and what happens by itself."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self.planning = Planning(tools)
        self.free_times = FreeTimes(tools)
        self.bookings = Bookings(tools)
        self.own_bookings = OwnBookings(tools)
        self.sweeping = Sweeping(tools)

    def clean(self) -> None:
        """Drop idempotency keys that nobody repeats any more."""
        with self._tools.database.write() as tx:
            self._tools.idempotency.forget(tx, self._tools.clock.now() - KEPT)

    def close(self) -> None:
        self._tools.database.close()


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
