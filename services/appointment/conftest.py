"""A desk of appointment's on each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.database import Database, open_url
from services.appointment.testing import Desk


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path, unique_name: str) -> Iterator[Database]:
    """An owner's database without tables."""
    on_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/appointment.sqlite3" if on_sqlite else request.getfixturevalue("postgres_url")
    database = open_url(url, unique_name)
    yield database
    database.close()


@pytest.fixture
def on_postgresql(postgres_url: str, unique_name: str) -> Iterator[Desk]:
    """Where several may write at once; on SQLite the writing transaction itself is the guard."""
    database = open_url(postgres_url, unique_name)
    yield Desk.new(database)
    database.close()


@pytest.fixture
def desk(empty_database: Database) -> Desk:
    """Appointment, with its tables made and a hall to book at."""
    return Desk.new(empty_database)
