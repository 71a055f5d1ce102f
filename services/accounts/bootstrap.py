"""The only place where accounts is wired together."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from kernel.clock import Clock, SystemClock
from kernel.config import Settings
from kernel.database import Database, migrate, open_database
from kernel.database.size import size_of
from kernel.idempotency import Idempotency
from kernel.vault import Vault
from services.accounts.adapters.passwords import Passwords
from services.accounts.adapters.store import Store
from services.accounts.application.guests import Guests
from services.accounts.application.people import People
from services.accounts.application.sessions import Sessions

OWNER = "accounts"
MIGRATIONS = Path(__file__).parent / "migrations"


class Accounts:
    """The application: handlers about people and sessions, and what the command line needs of them."""

    def __init__(self, database: Database, master_key: bytes, clock: Clock, passwords: Passwords) -> None:
        self.database = database
        vault = Vault(master_key)
        store = Store()
        shared = (database, store, vault, Idempotency(vault, clock), passwords, clock)
        self.people = People(*shared)
        self.sessions = Sessions(*shared)
        self.guests = Guests(database, store, vault, clock)

    def add_staff(
        self, name: str, password: str, role: str, organ: str | None = None, hall: str | None = None
    ) -> dict[str, Any]:
        """See People.add_staff."""
        return self.people.add_staff(name, password, role, organ, hall)

    def issue_department_key(self, organ: str) -> str:
        """See Sessions.issue_department_key."""
        return self.sessions.issue_department_key(organ)

    def status(self) -> dict[str, Any]:
        """How much is kept (`kernel.contracts.standing.Sized`)."""
        return {"database_bytes": size_of(self.database)}

    def ping(self) -> None:
        """Raises what the database raises when it is away."""
        with self.database.read() as tx:
            tx.execute(sa.text("SELECT 1"))

    def close(self) -> None:
        self.database.close()


def build(settings: Settings) -> Accounts:
    """The application on the installation's database, migrated."""
    database = open_database(settings, OWNER)
    migrate(database, MIGRATIONS)
    return Accounts(database, settings.key(), SystemClock(), Passwords())
