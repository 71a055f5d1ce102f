"""RabbitMQ and PostgreSQL for tests: those that can be reached, else private ones, else installed first.

    python -m operations.setup.backing_services     makes sure that tests have all they need, or says what is missing

Only TEST_AMQP_URI and TEST_DATABASE_URL are looked at; without them, the usual ports of this machine. TEST_PRIVATE=1
hides what can be reached. Programs are needed in any case: fault tests kill servers, and only ever their own.
"""

import contextlib
import os
import sys
from collections.abc import Iterator

from operations.setup import postgres, rabbitmq
from operations.setup.installing import Missing, find, install
from operations.setup.postgres import PrivatePostgres
from operations.setup.rabbitmq import Broker, PrivateRabbitMQ, ReachableRabbitMQ

__all__ = ["Broker", "PrivatePostgres", "PrivateRabbitMQ", "ensure_installed", "postgres_server", "rabbitmq_server"]

_PROGRAMS = {
    "postgres": "postgresql",
    "initdb": "postgresql",
    "rabbitmq-server": "rabbitmq-server",
    "epmd": "erlang-base",
    "docker-compose": "docker-compose",
}


def ensure_installed() -> None:
    """Install what tests start, where it is missing. Raises Missing with one line that says what to do."""
    missing = sorted({package for program, package in _PROGRAMS.items() if find(program) is None})
    if missing:
        install(missing)


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a server that lets us make databases; a private one is stopped at the end."""
    url = os.environ.get("TEST_DATABASE_URL") or postgres.LOCAL_URL
    if not _hidden() and postgres.reachable(url):
        yield url
        return
    with PrivatePostgres() as server:
        yield server.url


@contextlib.contextmanager
def rabbitmq_server() -> Iterator[Broker]:
    """A broker; a private one is stopped at the end. Only one that can also be managed is taken as it stands."""
    broker = ReachableRabbitMQ(os.environ.get("TEST_AMQP_URI") or rabbitmq.LOCAL_URI)
    if not _hidden() and rabbitmq.reachable(broker.uri) and broker.manageable:
        try:
            yield broker
        finally:
            broker.forget_vhosts()
            broker.forget_users()
        return
    with PrivateRabbitMQ() as private:
        yield private


def _hidden() -> bool:
    return os.environ.get("TEST_PRIVATE", "") not in ("", "0")


def main() -> int:
    """Make sure that all is there. Exit code 1 and one line when it is not."""
    try:
        ensure_installed()
    except Missing as missing:
        sys.stderr.write(f"make test: {missing}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
