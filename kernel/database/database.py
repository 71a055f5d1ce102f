"""An owner's database, opened: transactions to write in, snapshots to read from.

Never begins a write that finds out later that somebody else was first: SQLite takes its write lock at the beginning.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import sqlalchemy as sa

from kernel.config import Settings
from kernel.database import postgresql, sqlite
from kernel.database.away import DatabaseAway

LOCK_SECONDS = 10.0  # until a writer gives up waiting for another


class Database:
    """Transactions on one owner's tables. Safe to share among threads and greenlets."""

    def __init__(self, engine: sa.Engine, single: sa.Engine, owner: str) -> None:
        """`single`: the engine for `single()`, whose connections commit by themselves."""
        self.engine = engine
        self.single_engine = single
        self.owner = owner
        self.dialect: str = engine.dialect.name
        # SQLite has one writer. Those of this process queue here, not inside the driver: there each would hold one of
        # the few threads that the holder of the lock needs to get on (and to let go).
        self._writer = threading.Lock() if self.dialect == "sqlite" else None
        module = sqlite if self.dialect == "sqlite" else postgresql
        self._writing = engine.execution_options(**module.WRITING)
        self._reading = engine.execution_options(**module.READING)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction: commits on exit, rolls back on an exception. Not to be nested on SQLite.

        Raises what `is_away` tells when the database is gone or another writer holds its lock for too long.
        """
        with self._turn(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A snapshot: every statement sees the same state. Nothing may be written."""
        with self._reading.connect() as connection:
            yield connection

    @contextmanager
    def single(self) -> Iterator[sa.Connection]:
        """For statements that are each a transaction of their own (autocommit): one round trip each."""
        with self.single_engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()
        self.single_engine.dispose()

    def _turn(self) -> AbstractContextManager[None]:
        return nullcontext() if self._writer is None else _held(self._writer)


@contextmanager
def _held(lock: threading.Lock) -> Iterator[None]:
    if not lock.acquire(timeout=LOCK_SECONDS):
        raise DatabaseAway(f"another writer of this process held the database for more than {LOCK_SECONDS:.0f} s")
    try:
        yield
    finally:
        lock.release()


def open_database(settings: Settings, owner: str) -> Database:
    """The database of `owner` (a service's name): its schema in DATABASE_URL, or its file in DATA_DIR."""
    return open_url(settings.database_url or f"sqlite:///{_file(settings, owner)}", owner)


def open_existing(settings: Settings, owner: str) -> Database | None:
    """The same for who only looks: makes neither directory nor file nor schema. None where there is no such file.

    Raises OSError for one that may not be looked at.
    """
    if settings.database_url:
        return open_url(settings.database_url, owner, making=False)
    try:
        _file(settings, owner).stat()
    except FileNotFoundError:
        return None
    return open_url(f"sqlite:///{_file(settings, owner)}", owner)


def _file(settings: Settings, owner: str) -> Path:
    return Path(settings.data_dir).resolve() / f"{owner}.sqlite3"


def open_url(url: str, owner: str, *, making: bool = True) -> Database:
    """The database of `owner` at `url`: sqlite:///path, or postgresql:// (any spelling of it).

    A file that is missing is made; a schema, too, where `making`.
    """
    if not postgresql.is_name(owner):
        raise ValueError(f"not fit for a schema or a file name: {owner!r}")
    parsed = sa.make_url(postgresql.normalised(url))
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return Database(*sqlite.make_engines(parsed, LOCK_SECONDS), owner)
    if backend == "postgresql":
        return Database(*postgresql.make_engines(parsed, owner, LOCK_SECONDS, making=making), owner)
    raise ValueError(f"neither SQLite nor PostgreSQL: {backend}")
