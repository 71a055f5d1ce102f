"""The servers that tests start for themselves, and what is said where one can't be had."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pika
import psycopg
import pytest

from kernel.testing import accepts, eventually, free_port
from operations.setup import backing_services, installing, postgres, rabbitmq
from operations.setup.backing_services import PrivatePostgres, PrivateRabbitMQ
from operations.setup.installing import Missing

ROOT = Path(__file__).parent.parent.parent


def connected(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def test_a_private_postgresql_keeps_what_was_committed_through_restart_and_kill(
    private_postgres: PrivatePostgres,
) -> None:
    with private_postgres.database() as url:
        with connected(url) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            connection.execute("CREATE TABLE kept (number int)")
        for number, stop in enumerate([private_postgres.stop, private_postgres.kill]):
            with connected(url) as connection:
                connection.execute("INSERT INTO kept VALUES (%s)", (number,))
            stop()
            assert not postgres.reachable(url)
            private_postgres.start()
        with connected(url) as connection:
            assert connection.execute("SELECT number FROM kept ORDER BY number").fetchall() == [(0,), (1,)]


def test_a_fresh_database_is_gone_afterwards_whoever_is_still_connected(private_postgres: PrivatePostgres) -> None:
    with private_postgres.database() as url:
        still_connected = connected(url)
    assert not postgres.reachable(url)
    assert private_postgres.url != url
    still_connected.close()


def test_a_removed_server_leaves_nothing_behind() -> None:
    with PrivatePostgres() as server:
        pid, home = server.process.pid, server.process.cwd
        assert home is not None
        assert home.exists()
    assert not Path(f"/proc/{pid}").exists()
    assert not home.exists()
    assert not accepts(server.port)


def test_a_private_broker_keeps_persistent_messages_through_restart_and_kill(private_rabbitmq: PrivateRabbitMQ) -> None:
    parameters = pika.URLParameters(private_rabbitmq.uri[:-2] + "/%2F")
    for number, stop in enumerate([private_rabbitmq.stop, private_rabbitmq.kill]):
        with pika.BlockingConnection(parameters) as connection:
            channel = connection.channel()
            channel.queue_declare("kept", durable=True, arguments={"x-queue-type": "quorum"})
            channel.confirm_delivery()
            channel.basic_publish("", "kept", str(number).encode(), pika.BasicProperties(delivery_mode=2))
        stop()
        assert not rabbitmq.reachable(private_rabbitmq.uri)
        private_rabbitmq.start()
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        found = [eventually(lambda: channel.basic_get("kept", auto_ack=True)[2]) for _ in range(2)]
    assert found == [b"0", b"1"]
    private_rabbitmq.purge("kept")


@pytest.fixture
def second_broker() -> Iterator[PrivateRabbitMQ]:
    with PrivateRabbitMQ() as broker:
        yield broker


def test_two_private_brokers_know_nothing_of_each_other(
    private_rabbitmq: PrivateRabbitMQ, second_broker: PrivateRabbitMQ
) -> None:
    private_rabbitmq.control("add_vhost", "only-in-the-first")
    assert "only-in-the-first" not in second_broker.control("list_vhosts")
    mapper = second_broker.mapper.pid
    second_broker.remove()
    assert not Path(f"/proc/{mapper}").exists()
    assert rabbitmq.reachable(private_rabbitmq.uri)


def test_users_are_given_their_rights_and_forgotten_with_their_virtual_host(private_rabbitmq: PrivateRabbitMQ) -> None:
    with private_rabbitmq.fresh_vhost() as uri:
        vhost = uri.rsplit("/", 1)[1]
        theirs = private_rabbitmq.add_user("somebody", "secret", vhost=vhost)
        assert rabbitmq.reachable(theirs)
        assert private_rabbitmq.add_user("somebody", "changed", vhost=vhost) != theirs
        assert not rabbitmq.reachable(theirs)
        private_rabbitmq.forget_users()
        assert "somebody" in private_rabbitmq.control("list_users")
    private_rabbitmq.forget_users()
    assert "somebody" not in private_rabbitmq.control("list_users")


def test_only_test_settings_say_which_servers_are_used(
    private_postgres: PrivatePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody@production/hall")
    monkeypatch.setenv("TEST_DATABASE_URL", private_postgres.url)
    monkeypatch.delenv("TEST_PRIVATE", raising=False)
    with backing_services.postgres_server() as url:
        assert url == private_postgres.url


def test_what_can_be_reached_may_be_hidden(private_postgres: PrivatePostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", private_postgres.url)
    monkeypatch.setenv("TEST_PRIVATE", "1")
    with backing_services.postgres_server() as url:
        assert url != private_postgres.url


def test_nobody_answers_on_a_free_port() -> None:
    assert not postgres.reachable(f"postgresql+psycopg://postgres@127.0.0.1:{free_port()}/postgres")
    assert not rabbitmq.reachable(f"amqp://guest:guest@127.0.0.1:{free_port()}//")


def test_what_is_missing_and_may_not_be_installed_is_said_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(backing_services, "find", lambda program: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert backing_services.main() == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "apt-get install docker-compose erlang-base postgresql rabbitmq-server" in said


def test_a_program_that_is_nowhere_is_named_with_its_package() -> None:
    with pytest.raises(Missing, match="apt-get install some-package"):
        installing.need("no-such-program-anywhere", "some-package")


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("#!/bin/sh\nexit 127\n", "make: Python 3.11 or newer is needed"),
        (None, "make: python3 is not installed"),
    ],
    ids=["too old", "not there"],
)
def test_without_a_fitting_python_set_up_says_so_in_a_line(tmp_path: Path, python: str | None, said: str) -> None:
    program = tmp_path / "python"
    if python is not None:
        program.write_text(python)
        program.chmod(0o755)
    script = ["sh", ROOT / "operations/setup/virtualenv.sh", tmp_path / "venv"]
    env = {**os.environ, "PYTHON": str(program)}
    done = subprocess.run(script, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "venv").exists()
