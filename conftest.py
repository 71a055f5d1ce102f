"""Fixtures for every test: databases, brokers, deadlines.

Nothing is started that no test asks for, and everything that was started is stopped.
"""

import gc
import logging
import secrets
import signal
from collections.abc import Iterator

import pytest

from kernel import green
from operations.setup import backing_services
from operations.setup.backing_services import Broker, PrivatePostgres, PrivateRabbitMQ
from operations.setup.postgres import fresh_database

pytest_plugins = ["tests.together"]


def pytest_configure(config: pytest.Config) -> None:
    # Tests look again and again whether a broker is there yet; pika reports each look as an error.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    if not config.getoption("numprocesses", None) or hasattr(config, "workerinput"):
        # Ended by SIGTERM, pytest would leave private servers behind; ended like this, it stops them first.
        signal.signal(signal.SIGTERM, lambda *_: pytest.exit("ended by SIGTERM", returncode=143))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Begun in the background of a script. Programs that tests start would not hear Ctrl-C either.
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish(session: pytest.Session) -> None:
    # In a patched process threads are greenlets: races are none, and pytest-xdist waits for ever.
    if green.is_patched():
        raise pytest.UsageError(
            "a test imports a module that calls kernel.green.patch(): run that in a process of its own"
        )
    # Thousands of tests and all modules stay to the end: no garbage collection needs to pass through them again.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server that lets tests make databases. Tests ask for `postgres_url` instead."""
    with backing_services.postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of a database of this session, shared by its tests: use an owner (schema) of your own, `unique_name`."""
    with fresh_database(postgres_server, durable=False) as url:
        yield url


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[str]:
    """URL of an empty database of this test alone."""
    with fresh_database(postgres_server, durable=False) as url:
        yield url


@pytest.fixture
def unique_name() -> str:
    """A name that no other test uses, fit for a schema, a queue or a user."""
    return f"t_{secrets.token_hex(6)}"


@pytest.fixture(scope="session")
def rabbitmq_broker() -> Iterator[Broker]:
    """A broker on which users and virtual hosts can be made; may be shared with others, so restart nothing."""
    with backing_services.rabbitmq_server() as broker:
        yield broker


@pytest.fixture(scope="session")
def rabbitmq_uri(rabbitmq_broker: Broker) -> Iterator[str]:
    """URI of a virtual host of this session, shared by its tests."""
    with rabbitmq_broker.fresh_vhost() as uri:
        yield uri


@pytest.fixture
def rabbitmq_vhost(rabbitmq_broker: Broker) -> Iterator[str]:
    """URI of an empty virtual host of this test alone."""
    with rabbitmq_broker.fresh_vhost() as uri:
        yield uri


@pytest.fixture(scope="session")
def private_postgres() -> Iterator[PrivatePostgres]:
    """A running server that a test may restart and kill. Whoever stops it starts it again."""
    with PrivatePostgres() as server:
        yield server


@pytest.fixture(scope="session")
def private_rabbitmq() -> Iterator[PrivateRabbitMQ]:
    """A running broker that a test may restart, kill and purge. Whoever stops it starts it again."""
    with PrivateRabbitMQ() as broker:
        yield broker
