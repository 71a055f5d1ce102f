"""What every handler of appointment works with, handed to each as one value.

Made by the bootstrap; holds no logic.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from kernel.clock import Clock
from kernel.database import Database
from kernel.eventlog import EventLog
from kernel.idempotency import Idempotency
from kernel.vault import Vault
from services.appointment.application.ports import Store


@dataclass(frozen=True, kw_only=True)
class Tools:
    """The log, what is kept beside it, the time, and how long a place that was given up stays away."""

    database: Database
    log: EventLog
    store: Store
    vault: Vault
    idempotency: Idempotency
    clock: Clock
    return_delay: Callable[[], timedelta]
