"""One database per service: PostgreSQL (a schema per owner) or SQLite (a file per owner), used the same way.

Never blocks the event loop of a process that `kernel.green` has patched, and never waits for a lock for ever.
"""

from kernel.database.away import DatabaseAway, is_away
from kernel.database.database import Database, open_database, open_existing, open_url
from kernel.database.migrating import migrate, newest, present

__all__ = [
    "Database",
    "DatabaseAway",
    "is_away",
    "migrate",
    "newest",
    "open_database",
    "open_existing",
    "open_url",
    "present",
]
