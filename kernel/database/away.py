"""Tells a database that is gone, restarting, full or locked from a statement that is wrong.

What is away comes back: the caller tries again later. What is wrong stays wrong.
"""

import sqlite3

import psycopg
import sqlalchemy.exc

# Classes of SQLSTATE (PostgreSQL, Appendix A): connection, rollback (deadlock, serialisation), resources, operator
# intervention, system and internal errors; and a lock that was not to be had in time.
_AWAY_CLASSES = ("08", "40", "53", "57", "58", "XX")
_LOCK_NOT_AVAILABLE = "55P03"
_IDLE_IN_TRANSACTION = "25P03"

_AWAY_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_CORRUPT,
    }
)


class DatabaseAway(Exception):
    """The database can't be used for the moment; the same call may succeed later."""


def is_away(error: BaseException) -> bool:
    """Whether `error` says that the database is gone, restarting, full or locked: try again later."""
    if isinstance(error, DatabaseAway | sqlalchemy.exc.TimeoutError):  # the latter: no connection free in the pool
        return True
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        return error.connection_invalidated or (error.orig is not None and _driver_away(error.orig))
    return _driver_away(error)


def away_beneath(error: BaseException) -> BaseException | None:
    """The error that says that the database is gone or full, if it is `error` or what `error` came of.

    A full SQLite rolls all of a transaction back by itself. Whoever then goes back to a savepoint hears that there is
    none, and would go on outside of any transaction if that were all that is looked at.
    """
    seen: BaseException | None = error
    while seen is not None and not is_away(seen):
        seen = seen.__context__
    return seen


def is_full(error: BaseException) -> bool:
    """Whether the disk of the database has no room left."""
    # The latter: no room for what the connections of several processes share.
    return _said(error, "53100", sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


def lacks_rights(error: BaseException) -> bool:
    """Whether the database's user may not do it."""
    return _said(error, "42501", sqlite3.SQLITE_READONLY)


def _said(error: BaseException, state: str, *codes: int) -> bool:
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    if isinstance(cause, psycopg.Error):
        return cause.sqlstate == state
    if not isinstance(cause, sqlite3.Error):
        return False
    code = getattr(cause, "sqlite_errorcode", 0)
    return code in codes or code & 0xFF in codes


def _driver_away(error: BaseException) -> bool:
    if isinstance(error, psycopg.Error):
        return _postgresql_away(error)
    if isinstance(error, sqlite3.Error):
        # The low byte is the primary code; a closed connection carries none and is the caller's mistake.
        code: int | None = getattr(error, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in _AWAY_SQLITE
    return False


def _postgresql_away(error: psycopg.Error) -> bool:
    if error.sqlstate is None:  # not the server's words: the connection was refused, lost or closed
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate.startswith(_AWAY_CLASSES) or error.sqlstate in (_LOCK_NOT_AVAILABLE, _IDLE_IN_TRANSACTION)
