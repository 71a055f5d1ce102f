"""Messages that were there before visits were told of: kept as they stood, on both databases."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import kernel.database
from kernel.database import Database, migrate, open_url
from services.notify.adapters.messages import SqlMessages
from services.notify.bootstrap import MIGRATIONS

BEFORE = {
    "source": "/filing",
    "event_id": "e-1",
    "type": "case.received",
    "language": "zh-Hans",
    "recipient": "a-1",
    "text": "…",
    "attempts": 1,
    "claim": 1,
    "unsure": False,
    "created_at": 1,
    "updated_at": 1,
}
ROWS = [
    {"id": "m-1", "serial": "S-1", "position": 1, "channel": "sms", "state": "sending", "due_at": 5, "accepted_at": 3},
    {"id": "m-2", "serial": "S-1", "position": 1, "channel": "email", "state": "delivered", "accepted_at": 3},
    {"id": "m-3", "serial": "S-2", "position": 2, "channel": "sms", "state": "failed_for_now", "due_at": 9},
]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path, unique_name: str) -> Iterator[Database]:
    """As it was before the third migration, with messages in it."""
    url = f"sqlite:///{tmp_path}/notify.sqlite3"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    found = open_url(url, f"{unique_name}_notify")
    old = tmp_path / "old"
    old.mkdir()
    for name in ("0001_notify.py", "0002_order.py"):
        shutil.copy(MIGRATIONS / name, old)
    migrate(found, old)
    with found.write() as tx:
        for row in ROWS:
            add(tx, **row)
    yield found
    found.close()


def add(tx: sa.Connection, **changes: Any) -> None:
    values = {**BEFORE, **changes}
    names = ", ".join(values)
    tx.execute(sa.text(f"INSERT INTO message ({names}) VALUES ({', '.join(':' + name for name in values)})"), values)


def rows(database: Database) -> list[dict[str, Any]]:
    with database.read() as tx:
        return [dict(row) for row in tx.execute(sa.text("SELECT * FROM message ORDER BY id")).mappings()]


def shape(database: Database) -> dict[str, Any]:
    """Indexes with what they hold, and constraints, by name."""
    found = sa.inspect(database.engine)
    indexes = {one["name"]: (one["column_names"], _which(one)) for one in found.get_indexes("message")}
    unique = {one["name"]: one["column_names"] for one in found.get_unique_constraints("message")}
    return {"indexes": {name: value for name, value in indexes.items() if name not in unique}, "unique": unique}


def _which(index: Any) -> list[str]:
    options = index.get("dialect_options", {})
    return [str(value) for name, value in options.items() if name.endswith("_where")]


def downgrade(database: Database) -> None:
    with database.write() as tx:
        config = Config()
        config.set_main_option("script_location", str(Path(kernel.database.__file__).parent / "alembic"))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", str(MIGRATIONS))
        config.attributes["connection"] = tx
        command.downgrade(config, "0002_order")


def refused(database: Database, **row: Any) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.write() as tx:
        add(tx, **row)


def test_messages_stay_as_they_stood_and_are_of_filings_log(database: Database) -> None:
    before = rows(database)
    migrate(database, MIGRATIONS)
    unknown = dict.fromkeys(("expires_at", "traceparent", "chain"))
    assert rows(database) == [{**row, "log": "filing", **unknown} for row in before]
    assert SqlMessages(database).standing().counts == {
        "created": 0,
        "sending": 1,
        "failed_for_now": 1,
        "failed_for_good": 0,
    }


def test_a_message_is_one_for_its_log_position_and_channel(database: Database) -> None:
    migrate(database, MIGRATIONS)
    again = {"serial": "V-1", "position": 1, "channel": "sms"}
    with database.write() as tx:
        add(tx, id="m-4", log="appointment", state="past", **again)
    refused(database, id="m-5", log="appointment", state="created", **again)
    refused(database, id="m-5", log="filing", state="created", **again)
    refused(database, id="m-5", log="filing", state="lost", **{**again, "position": 7})


def test_a_process_of_the_version_before_still_takes_cases_in(database: Database) -> None:
    migrate(database, MIGRATIONS)
    with database.write() as tx:
        add(tx, id="m-4", serial="S-3", position=3, channel="sms", state="created", due_at=1)
    assert [row["log"] for row in rows(database)] == ["filing"] * 4


def test_the_indexes_are_there(database: Database) -> None:
    migrate(database, MIGRATIONS)
    found = shape(database)
    assert found["unique"] == {"message_of_event": ["log", "position", "channel"]}
    assert {name: columns for name, (columns, _) in found["indexes"].items()} == {
        "message_unsent": ["due_at", "position"],
        "message_in_line": ["log", "serial", "channel", "position"],
        "message_unreported": ["due_at"],
        "message_of_case": ["serial", "position"],
        "message_failed": ["log", "position"],
    }


def test_the_way_back(database: Database) -> None:
    before, was = rows(database), shape(database)
    migrate(database, MIGRATIONS)
    with database.write() as tx:
        add(tx, id="m-4", log="appointment", serial="V-1", position=1, channel="sms", state="created")
    downgrade(database)
    assert (rows(database), shape(database)) == (before, was)
    refused(database, id="m-5", serial="S-1", position=7, channel="sms", state="past")
    migrate(database, MIGRATIONS)
    assert [row["log"] for row in rows(database)] == ["filing"] * 3
