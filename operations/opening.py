"""An owner's database for as long as a tool works on it."""

from collections.abc import Iterator
from contextlib import contextmanager

from kernel.config import Settings
from kernel.database import Database, open_database


@contextmanager
def opened(settings: Settings, owner: str) -> Iterator[Database]:
    """Open it; its connections are closed at the end."""
    database = open_database(settings, owner)
    try:
        yield database
    finally:
        database.close()
