"""The tables of a log, and how the database itself keeps them append-only.

Made from a service's migration. Nothing here, and nothing that writes through it, can change or remove an event.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from kernel.eventlog.events import GENESIS

_metadata = sa.MetaData()

# Compared byte by byte on both databases, and much faster so on PostgreSQL.
_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # on SQLite only an INTEGER key is the row's own number

event = sa.Table(
    "event",
    _metadata,
    sa.Column("position", _BIG, primary_key=True, autoincrement=False),
    sa.Column("stream", _NAME, nullable=False),
    sa.Column("stream_version", sa.Integer, nullable=False),
    sa.Column("source", _NAME, nullable=False),
    sa.Column("id", _NAME, nullable=False),
    sa.Column("type", _NAME, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("recorded_at", _BIG, nullable=False),  # microseconds since 1970
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("chain", sa.LargeBinary, nullable=False),
    sa.Index("event_stream", "stream", "stream_version", unique=True),
    sa.Index("event_id", "source", "id", unique=True),
    sa.Index("event_recorded_at", "recorded_at", "position"),
)

log_head = sa.Table(
    "log_head",
    _metadata,
    sa.Column("single", sa.Integer, sa.CheckConstraint("single = 1"), primary_key=True, autoincrement=False),
    sa.Column("position", _BIG, nullable=False),
    sa.Column("chain", sa.LargeBinary, nullable=False),
)

_POSTGRESQL_GUARDS = (
    "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " RAISE restrict_violation USING MESSAGE ="
    " format('the log is append-only: %s of %s refused', TG_OP, TG_TABLE_NAME); END $$",
    "CREATE FUNCTION only_forward() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF NEW.position <= OLD.position THEN"
    " RAISE restrict_violation USING MESSAGE = 'the head of the log only moves forward'; END IF;"
    " RETURN NEW; END $$",
    "CREATE TRIGGER event_unchanged BEFORE UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER event_kept BEFORE TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER head_forward BEFORE UPDATE ON log_head FOR EACH ROW EXECUTE FUNCTION only_forward()",
    "CREATE TRIGGER head_kept BEFORE DELETE ON log_head FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER head_kept_whole BEFORE TRUNCATE ON log_head FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
)

# INSERT OR REPLACE deletes without firing a delete trigger: hence those on insert.
_SQLITE_GUARDS = (
    "CREATE TRIGGER event_unchanged BEFORE UPDATE ON event"
    " BEGIN SELECT RAISE(ABORT, 'the log is append-only: UPDATE of event refused'); END",
    "CREATE TRIGGER event_kept BEFORE DELETE ON event"
    " BEGIN SELECT RAISE(ABORT, 'the log is append-only: DELETE of event refused'); END",
    "CREATE TRIGGER event_not_replaced BEFORE INSERT ON event"
    " WHEN EXISTS (SELECT 1 FROM event WHERE position = NEW.position"
    " UNION ALL SELECT 1 FROM event WHERE source = NEW.source AND id = NEW.id"
    " UNION ALL SELECT 1 FROM event WHERE stream = NEW.stream AND stream_version = NEW.stream_version)"
    " BEGIN SELECT RAISE(ABORT, 'the log is append-only: the event is there already'); END",
    "CREATE TRIGGER head_forward BEFORE UPDATE ON log_head WHEN NEW.position <= OLD.position"
    " BEGIN SELECT RAISE(ABORT, 'the head of the log only moves forward'); END",
    "CREATE TRIGGER head_kept BEFORE DELETE ON log_head"
    " BEGIN SELECT RAISE(ABORT, 'the log is append-only: DELETE of log_head refused'); END",
    "CREATE TRIGGER head_not_replaced BEFORE INSERT ON log_head WHEN (SELECT count(*) FROM log_head) > 0"
    " BEGIN SELECT RAISE(ABORT, 'the head of the log only moves forward'); END",
)


def create_log(op: Any) -> None:
    """Make an empty log. `op`: alembic's operations, as a migration has them."""
    connection = op.get_bind()
    _metadata.create_all(connection, checkfirst=False)
    connection.execute(log_head.insert().values(single=1, position=0, chain=GENESIS))
    if connection.dialect.name == "postgresql":
        _execute(connection, (*_POSTGRESQL_GUARDS, _append_function(connection)))
        _execute(connection, ("REVOKE ALL ON FUNCTION append_events FROM PUBLIC",))
    else:
        _execute(connection, _SQLITE_GUARDS)


def add_imported(op: Any) -> None:
    """Let the head tell up to which position the log came from elsewhere. `op`: alembic's operations, as above.

    What stands up to there was told where it comes from: here nobody is told of it, and nobody hears it again. It is
    written with the events themselves, so that whoever reads one of them can know.
    """
    op.add_column("log_head", sa.Column("imported", _BIG, nullable=False, server_default="0"))


def _append_function(connection: sa.Connection) -> str:
    return Path(__file__).with_name("append.sql").read_text("utf-8").replace("@schema", _schema(connection))


def drop_log(op: Any) -> None:
    """Remove a log with all that is in it. For tests and for downgrades of an empty installation."""
    connection = op.get_bind()
    _metadata.drop_all(connection)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP FUNCTION append_events, refuse_change, only_forward")


def grant_append(connection: sa.Connection, role: str) -> None:
    """Let the PostgreSQL role `role` read the log and append to it through its function, and nothing else.

    Services that run as such a role (and not as the owner of the tables) cannot switch the triggers off either.
    """
    _grant(connection, role, "GRANT EXECUTE ON FUNCTION append_events TO {role}")


def grant_read(connection: sa.Connection, role: str) -> None:
    """Let the PostgreSQL role `role` read the log, and nothing else."""
    _grant(connection, role)


def _grant(connection: sa.Connection, role: str, *more: str) -> None:
    schema = _schema(connection)
    quoted = connection.dialect.identifier_preparer.quote_identifier(role)
    rights = (f"GRANT USAGE ON SCHEMA {schema} TO {{role}}", "GRANT SELECT ON event, log_head TO {role}", *more)
    _execute(connection, [right.format(role=quoted) for right in rights])


def _schema(connection: sa.Connection) -> str:
    schema = connection.exec_driver_sql("SELECT current_schema()").scalar_one()
    return connection.dialect.identifier_preparer.quote_identifier(schema)


def _execute(connection: sa.Connection, statements: Iterable[str]) -> None:
    """Word for word: a percent sign is a percent sign."""
    for statement in statements:
        connection.exec_driver_sql(
            statement.replace("%", "%%") if connection.dialect.name == "postgresql" else statement
        )
