"""A department's rights in RabbitMQ: enough to work, and nothing of anybody else's."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import amqp
import pika
import pika.exceptions
import pytest

from kernel.messaging import topology
from operations.department_client import DepartmentClient, NoReply
from operations.department_rights import rabbitmqctl_commands
from operations.setup.backing_services import Broker

ORGAN, OTHER = "11440100RIGHTS001A", "11440100RIGHTS002B"


@dataclass
class Department:
    """A department's user on a virtual host where the hall has declared what it uses."""

    uri: str

    @contextlib.contextmanager
    def channel(self) -> Iterator[Any]:
        with pika.BlockingConnection(pika.URLParameters(self.uri)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            yield channel


@pytest.fixture(scope="module")
def department(rabbitmq_broker: Broker, unique_vhost: str) -> Department:
    _declare(unique_vhost)
    vhost = unquote(urlsplit(unique_vhost).path[1:])
    uri = rabbitmq_broker.add_user(ORGAN, "secret", vhost=vhost)
    for words in rabbitmqctl_commands(ORGAN, vhost):
        rabbitmq_broker.control(*words)
    return Department(uri)


@pytest.fixture(scope="module")
def unique_vhost(rabbitmq_broker: Broker) -> Iterator[str]:
    with rabbitmq_broker.fresh_vhost() as uri:
        yield uri


def _declare(uri: str) -> None:
    parts = urlsplit(uri)
    connection = amqp.Connection(
        f"{parts.hostname}:{parts.port}", parts.username, parts.password, virtual_host=unquote(parts.path[1:])
    )
    connection.connect()
    topology.declare(connection.channel())
    connection.close()


def test_other_tests_give_their_departments_the_same(
    rabbitmq_broker: Broker, unique_vhost: str, department: Department
) -> None:
    rabbitmq_broker.add_department(OTHER, "secret", unquote(urlsplit(unique_vhost).path[1:]))
    for listed in ("list_user_permissions", "list_user_topic_permissions"):
        ours, others = (rabbitmq_broker.control(listed, organ) for organ in (ORGAN, OTHER))
        assert set(others.replace(OTHER, ORGAN).splitlines()) == set(ours.splitlines())
        assert ORGAN in ours


@contextlib.contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as caught:
        yield
    assert caught.value.reply_code in (403, 406)


def test_it_can_publish_as_itself_and_wait_for_its_replies(department: Department) -> None:
    with DepartmentClient(department.uri, ORGAN) as client, pytest.raises(NoReply):
        # Nobody answers here; but it was taken, or this would be Undeliverable.
        client.publish([client.event("case.step", "S1")], timeout=0.5)


def test_it_can_follow_its_own_cases(department: Department) -> None:
    with department.channel() as channel:
        channel.queue_declare(f"department.{ORGAN}.cases", exclusive=True)
        channel.queue_bind(f"department.{ORGAN}.cases", "case-events", f"#.{ORGAN}")


@pytest.mark.parametrize(
    ("exchange", "routing_key"),
    [
        ("department-events", f"{OTHER}.case.step"),
        ("department-replies", ORGAN),
        ("case-events", f"case.accepted.{ORGAN}"),
        ("", "filing.department-events"),
        ("", "progress.case-events"),
    ],
)
def test_it_cannot_publish_where_others_speak(department: Department, exchange: str, routing_key: str) -> None:
    with department.channel() as channel, refused():
        channel.basic_publish(exchange, routing_key, b"{}", pika.BasicProperties(user_id=ORGAN))


def test_it_cannot_publish_under_another_name(department: Department) -> None:
    with department.channel() as channel, refused():
        channel.basic_publish("department-events", f"{ORGAN}.case.step", b"{}", pika.BasicProperties(user_id=OTHER))


@pytest.mark.parametrize(
    ("exchange", "binding"),
    [
        ("department-replies", OTHER),
        ("department-replies", "#"),
        ("case-events", "#"),
        ("case-events", f"case.accepted.{OTHER}"),
        ("department-events", "#"),
    ],
)
def test_it_cannot_listen_to_what_concerns_others(department: Department, exchange: str, binding: str) -> None:
    with department.channel() as channel:
        channel.queue_declare(f"department.{ORGAN}.spy", exclusive=True)
        with refused():
            channel.queue_bind(f"department.{ORGAN}.spy", exchange, binding)


@pytest.mark.parametrize("queue", [queue.name for queue in topology.QUEUES])
def test_it_cannot_touch_the_halls_queues(department: Department, queue: str) -> None:
    with department.channel() as channel, refused():
        channel.basic_get(queue)
    with department.channel() as channel, refused():
        channel.queue_purge(queue)


def test_it_cannot_make_anything_under_other_names(department: Department) -> None:
    with department.channel() as channel, refused():
        channel.queue_declare("filing.other")
    with department.channel() as channel, refused():
        channel.exchange_declare("case-events-2")
