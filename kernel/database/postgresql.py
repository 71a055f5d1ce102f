"""Connections to PostgreSQL: one schema per owner, bounded waits, and none handed out that the server has closed."""

import re
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.exc import DisconnectionError

WRITING: dict[str, Any] = {}  # READ COMMITTED: a writer that waited for a lock sees what the holder committed
READING: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

# A process that was stopped in the middle of a transaction must not hold its locks for ever.
IDLE_IN_TRANSACTION_SECONDS = 60

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,47}")
_LAST_WORDS = "last words"
_SCHEMA_LOCK = 0x79696368756E67  # any number that nobody else uses for an advisory lock


def is_name(owner: str) -> bool:
    """Whether `owner` can name a schema without quoting, and a file."""
    return _NAME.fullmatch(owner) is not None


def normalised(url: str) -> str:
    """The URL with the driver named that we use."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg://", url)


def make_engines(url: sa.URL, owner: str, lock_seconds: float, *, making: bool) -> tuple[sa.Engine, sa.Engine]:
    """An engine for transactions and one for single statements. `making`: the schema `owner`, if it is missing.

    To switch a pooled connection to autocommit and back costs as much as a short statement itself.
    """
    autocommit = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}
    engines = _engine(url, owner, lock_seconds), _engine(url, owner, lock_seconds, **autocommit)
    if making:
        for engine in engines:
            sa.event.listen(engine, "connect", lambda connection, _: _make_schema(connection, owner))
    return engines


def _engine(url: sa.URL, owner: str, lock_seconds: float, **options: Any) -> sa.Engine:
    """An engine whose connections live in the schema `owner`. `options`: SQLAlchemy's."""
    limits = {
        "search_path": owner,
        "lock_timeout": f"{lock_seconds:.0f}s",
        "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS}s",
        "jit": "off",  # our statements are short; compiling one takes longer than running it
    }
    engine = sa.create_engine(
        url,
        pool_size=6,
        max_overflow=0,
        pool_timeout=lock_seconds,
        pool_use_lifo=True,
        hide_parameters=True,  # errors end up in logs and in reasons, where no one's data and no secret may be
        use_native_hstore=False,  # else every engine asks the server about a type that nobody uses
        connect_args={
            "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
            "application_name": f"yichuang {owner}",
            "connect_timeout": 5,
            "keepalives_idle": 30,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            # Keepalives are silent while what we sent is not acknowledged: a network that is cut under a statement
            # would be noticed after a quarter of an hour.
            "tcp_user_timeout": 30_000,  # milliseconds
        },
        **options,
    )
    sa.event.listen(engine, "connect", _hear_last_words)
    sa.event.listen(engine, "checkout", _refuse_closed)
    return engine


def _make_schema(connection: psycopg.Connection[Any], owner: str) -> None:
    known = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", (owner,)).fetchone()
    if known is None or not known[0]:
        # CREATE … IF NOT EXISTS is no protection against two that find it missing at the same moment: one would fail.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(owner)))
    connection.commit()


def _hear_last_words(connection: psycopg.Connection[Any], record: Any) -> None:
    def hear(said: psycopg.errors.Diagnostic) -> None:
        if said.severity_nonlocalized == "FATAL":
            record.info[_LAST_WORDS] = said.message_primary

    connection.add_notice_handler(hear)


def _refuse_closed(connection: psycopg.Connection[Any], record: Any, proxy: Any) -> None:
    """Without a round trip: what the server said when it ended the connection waits in the socket, and the end behind.

    A connection that vanished without a word is found only by using it.
    """
    try:
        connection.pgconn.consume_input()
        connection.pgconn.is_busy()  # takes in what was said, for the notice handler
        connection.pgconn.consume_input()
    except psycopg.Error as error:
        raise DisconnectionError(str(error)) from error
    if _LAST_WORDS in record.info:  # the end itself may still be on its way
        raise DisconnectionError(record.info[_LAST_WORDS])
