"""A log and a consumer of it whose tables are made again, for tests of that. Never used by a service."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from kernel.clock import FrozenClock, SystemClock
from kernel.database import migrate, open_url
from kernel.errors import Park
from kernel.eventlog import EventLog, Follower, Recorded, add_imported, create_log
from kernel.eventlog.consumers import Consumer, Table
from kernel.eventlog.rebuilding import Comparison, rebuilding
from kernel.eventlog.testing import NOON, operations, request, step, tamper

MIGRATION = """
from alembic import op
import sqlalchemy as sa
from kernel.eventlog import create_follower_tables, create_skipped_table
revision = "0001"
down_revision = None
def upgrade():
    op.create_table("tally", sa.Column("stream", sa.Text, primary_key=True), sa.Column("events", sa.Integer))
    op.create_index("tally_events", "tally", ["events"])
    op.create_table("seen", sa.Column("position", sa.Integer, primary_key=True), sa.Column("stream", sa.Text))
    op.create_table("told", sa.Column("position", sa.Integer, primary_key=True))
    create_follower_tables(op)
    create_skipped_table(op)
"""
BAD: set[int] = set()  # positions that the projection cannot take


def differs(found: Comparison) -> bool:
    """Whether any row does."""
    return any(table.added or table.gone or table.changed for table in found.tables)


class Tally:
    """Counts the events of each stream, keeps a row for each, and tells of each."""

    name = "tally"

    def __init__(self, _: Any, quiet: bool = False) -> None:
        self.quiet = quiet

    def apply(self, tx: sa.Connection, events: Sequence[Recorded]) -> None:
        for event in events:
            if event.position in BAD:
                raise Park(f"cannot take {event.position}")
            tx.execute(
                sa.text(
                    "INSERT INTO tally VALUES (:stream, 1) ON CONFLICT (stream) DO UPDATE SET events = tally.events + 1"
                ),
                {"stream": event.stream},
            )
            tx.execute(sa.text("INSERT INTO seen VALUES (:p, :s)"), {"p": event.position, "s": event.stream})
            if not self.quiet:
                tx.execute(sa.text("INSERT INTO told VALUES (:p) ON CONFLICT DO NOTHING"), {"p": event.position})


class Site:
    """A log and a consumer of it, on a database of each kind."""

    def __init__(self, url: Any, name: str, migrations: Path) -> None:
        migrations.mkdir()
        (migrations / "0001_tally.py").write_text(MIGRATION)
        self.url, self.name = url, name
        self.log_database = open_url(url("log"), f"{name}_log")
        with self.log_database.write() as tx:
            create_log(operations(tx))
            add_imported(operations(tx))
        self.log = EventLog(self.log_database, SystemClock())
        self.live = open_url(url("live"), f"{name}_live")
        migrate(self.live, migrations)
        self.consumer = Consumer(
            name="tally",
            owner="live",
            log="log",
            migrations=migrations,
            tables=(Table("tally", "stream"), Table("seen", "stream")),
            projection=Tally,
        )
        self.telling = Consumer(**{**vars(self.consumer), "quiet": lambda clock: Tally(clock, quiet=True)})

    def open(self, consumer: Consumer | None = None, with_skipped: bool = False) -> Any:
        return rebuilding(consumer or self.consumer, self.live, self.log_database, FrozenClock(NOON), with_skipped)

    def follower(self) -> Follower:
        return self.consumer.follower(self.live, self.log, FrozenClock(NOON))

    def append(self, count: int, first: int = 0) -> None:
        for number in range(first, first + count):
            self.log.append_all([request("ABC"[number % 3], number // 3, step(f"e{number + 1}"))])

    def rows(self, table: str) -> list[Any]:
        with self.live.read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1")]

    def corrupt(self) -> None:
        """One row changed, one gone, one that should not be there, in the live tables."""
        with self.live.write() as tx:
            tx.exec_driver_sql("UPDATE tally SET events = 99 WHERE stream = 'A'")
            tx.exec_driver_sql("DELETE FROM tally WHERE stream = 'B'")
            tx.exec_driver_sql("INSERT INTO tally VALUES ('X', 1)")

    def cut_off(self, position: int) -> None:
        """The log as an older backup has it; what is appended then is of another log than what was."""
        chain = (self.log.chain_at(position) or b"").hex()
        blob = f"x'{chain}'" if self.live.dialect == "sqlite" else f"'\\x{chain}'"
        head = f"UPDATE log_head SET position = {position}, chain = {blob}"
        tamper(self.log_database, f"DELETE FROM event WHERE position > {position}", head)

    def set_back(self, position: int) -> None:
        """The live tables as an older backup has them."""
        with self.live.write() as tx:
            tx.exec_driver_sql("DELETE FROM tally")
            tx.exec_driver_sql(f"DELETE FROM seen WHERE position > {position}")
            tx.exec_driver_sql("INSERT INTO tally SELECT stream, count(*) FROM seen GROUP BY stream")
            values = {"position": position, "chain": self.log.chain_at(position)}
            tx.execute(sa.text("UPDATE checkpoint SET position = :position, chain = :chain"), values)

    def close(self) -> None:
        self.live.close()
        self.log_database.close()
