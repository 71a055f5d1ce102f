"""Fixtures of the tests of operations."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from kernel.config import load_settings
from operations.services import migrate_all
from operations.setup.postgres import fresh_database
from operations.testing import PretendHall
from operations.testing_installation import Installation

Another = Callable[[str], Installation]


@pytest.fixture
def hall(rabbitmq_vhost: str) -> Iterator[PretendHall]:
    hall = PretendHall(rabbitmq_vhost)
    yield hall
    hall.stop()


@pytest.fixture(scope="session")
def migrated_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Empty SQLite databases of every owner: copied, as to make them takes a second."""
    directory = tmp_path_factory.mktemp("migrated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATA_DIR", str(directory))
        for name in ("AMQP_URI", "DATABASE_URL"):
            patch.delenv(name, raising=False)
        migrate_all(load_settings())
    return directory


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a PostgreSQL database with the empty tables of every owner."""
    with fresh_database(postgres_server) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATA_DIR", str(tmp_path_factory.mktemp("nowhere")))
        patch.setenv("DATABASE_URL", url)
        patch.delenv("AMQP_URI", raising=False)
        migrate_all(load_settings())
        yield url


@pytest.fixture
def installations(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes installations, each on databases of its own, and moves the settings to the one that was made last."""
    with ExitStack() as stack:

        def make(kind: str) -> Installation:
            monkeypatch.delenv("AMQP_URI", raising=False)
            monkeypatch.delenv("DATABASE_URL", raising=False)
            directory = tmp_path / f"installation-{len(list(tmp_path.glob('installation-*')))}"
            monkeypatch.setenv("DATA_DIR", str(directory))
            if kind == "sqlite":
                shutil.copytree(request.getfixturevalue("migrated_files"), directory)
                (directory / "secrets.json").unlink()
            else:
                like = request.getfixturevalue("migrated_postgres")
                server = request.getfixturevalue("postgres_server")
                monkeypatch.setenv("DATABASE_URL", stack.enter_context(fresh_database(server, like, durable=False)))
            load_settings()  # its key is made as by the first start
            made = Installation(tmp_path)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Of database."""
    return str(request.param)


@pytest.fixture
def installation(kind: str, installations: Another) -> Installation:
    """An installation, migrated and empty."""
    return installations(kind)
