"""What every handler of filing works with, handed to each as one value.

Made by the bootstrap; holds no logic.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from kernel.clock import Clock
from kernel.database import Database
from kernel.eventlog import EventLog
from kernel.idempotency import Idempotency
from kernel.vault import Vault
from services.filing.application.ports import CaseStore, DeadlineStore, DraftStore, IntakeStore
from services.filing.domain.case import Now


class Store(DraftStore, CaseStore, IntakeStore, DeadlineStore, Protocol):
    """All that is kept beside the log."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """The log, what is kept beside it, and the time."""

    database: Database
    log: EventLog
    store: Store
    vault: Vault
    idempotency: Idempotency
    clock: Clock
    skew: timedelta  # how far ahead of ours another's clock may be
    wait: timedelta  # how long an event waits for the one it needs

    def now(self) -> Now:
        """The moment of a decision."""
        return Now(at=self.clock.now(), skew=self.skew)
