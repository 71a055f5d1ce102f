"""Fixtures of the tests of operations."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.config import load_settings
from operations.services import migrate_all
from operations.testing import PretendHall
from operations.testing_installation import Installation


@pytest.fixture
def hall(rabbitmq_vhost: str) -> Iterator[PretendHall]:
    hall = PretendHall(rabbitmq_vhost)
    yield hall
    hall.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def installation(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """An installation, migrated and empty."""
    for name in ("AMQP_URI", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    if request.param == "postgresql":
        monkeypatch.setenv("DATABASE_URL", request.getfixturevalue("postgres_database"))
    migrate_all(load_settings())
    made = Installation(tmp_path)
    yield made
    made.close()
