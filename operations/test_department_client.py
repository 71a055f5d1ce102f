"""The departments' client against a real broker, with a hall of a few lines behind it."""

import threading
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pika
import pytest

from kernel.testing import eventually, free_port
from operations.department_client import DepartmentClient, NoReply, Reply, Undeliverable, Unreachable, event
from operations.setup.backing_services import Broker, PrivateRabbitMQ
from operations.setup.rabbitmq import user_in
from operations.testing import PretendHall

ORGAN = "11440100TEST00001X"


@pytest.fixture
def client(hall: PretendHall) -> Iterator[DepartmentClient]:
    with DepartmentClient(hall.uri, ORGAN) as client:
        yield client


def test_an_event_is_published_as_its_department_and_answered(client: DepartmentClient, hall: PretendHall) -> None:
    sent = client.event("case.step", "S1", {"name": "审查"}, id="e1")
    reply = client.publish([sent])["e1"]
    assert (reply.appended, reply.position, reply.subject) == (True, 1, "S1")
    properties, routing_key, heard = hall.heard[0]
    assert heard == sent
    assert routing_key == f"{ORGAN}.case.step"
    assert properties.user_id == "guest"
    assert properties.delivery_mode == 2
    assert properties.content_type == "application/cloudevents+json"


def test_a_refusal_says_why_and_what_is_allowed(client: DepartmentClient, hall: PretendHall) -> None:
    hall.answer = lambda event: {
        "code": "not_in_this_state", "detail": "不可以。", "detail_en": "No.", "state": "received", "allowed": ["x.y"]
    }  # fmt: skip
    reply = client.publish([client.event("case.step", "S1", id="e1")])["e1"]
    assert not reply.appended
    assert (reply.code, reply.detail, reply.state, reply.allowed) == (
        "not_in_this_state", "不可以。", "received", ("x.y",)
    )  # fmt: skip


def test_many_events_are_on_their_way_at_once_and_each_gets_its_own_answer(client: DepartmentClient) -> None:
    events = [client.event("case.step", f"S{number}", id=f"e{number}") for number in range(2000)]
    replies = client.publish(events)
    assert [replies[each["id"]].subject for each in events] == [each["subject"] for each in events]


def test_what_is_not_answered_is_named_and_can_be_published_again(client: DepartmentClient, hall: PretendHall) -> None:
    hall.answer = lambda event: None if event["id"] == "silent" else {"position": 7}
    events = [client.event("case.step", "S1", id="heard"), client.event("case.step", "S1", id="silent")]
    with pytest.raises(NoReply) as caught:
        client.publish(events, timeout=0.5)
    assert caught.value.missing == ("silent",)
    assert caught.value.replies["heard"].position == 7
    hall.answer = lambda event: {"position": 8}
    assert client.publish(events[1:])["silent"].position == 8


def test_a_hall_without_a_queue_is_undeliverable(client: DepartmentClient, hall: PretendHall) -> None:
    client.publish([client.event("case.step", "S1")])
    with pika.BlockingConnection(pika.URLParameters(hall.uri)) as connection:
        connection.channel().queue_unbind("filing.department-events", "department-events", "#")
    with pytest.raises(Undeliverable, match="no queue takes"):
        client.publish([client.event("case.step", "S1")])


def test_a_broker_that_is_away_is_unreachable() -> None:
    client = DepartmentClient(f"amqp://guest:guest@127.0.0.1:{free_port()}//", ORGAN)
    with pytest.raises(Unreachable):
        client.publish([client.event("case.step", "S1")], timeout=0.5)


def test_a_wrong_password_is_said_at_once(hall: PretendHall) -> None:
    client = DepartmentClient(user_in(hall.uri, "guest", "wrong"), ORGAN)
    with pytest.raises(Unreachable, match=r"(?i)auth"):
        client.publish([client.event("case.step", "S1")], timeout=60)


def test_a_restarted_broker_is_connected_to_again(private_rabbitmq: PrivateRabbitMQ) -> None:
    with private_rabbitmq.fresh_vhost() as uri, DepartmentClient(uri, ORGAN) as client:
        hall = PretendHall(uri)
        assert client.publish([client.event("case.step", "S1", id="before")])["before"].appended
        hall.stop()
        private_rabbitmq.kill()
        private_rabbitmq.start()
        hall = PretendHall(uri)
        assert client.publish([client.event("case.step", "S1", id="after")])["after"].appended
        hall.stop()


def test_events_lost_with_the_connection_are_published_again_under_their_ids(
    hall: PretendHall, rabbitmq_broker: Broker, unique_name: str
) -> None:
    hall.answer = lambda event: None
    uri = rabbitmq_broker.add_user(unique_name, "secret", vhost=unquote(urlsplit(hall.uri).path[1:]))
    with DepartmentClient(uri, ORGAN) as client:
        answered: list[dict[str, Reply]] = []
        waiting = threading.Thread(target=lambda: answered.append(client.publish([client.event("a.b", "S1", id="e1")])))
        waiting.start()
        eventually(lambda: hall.heard)
        hall.answer = lambda event: {"position": 1, "duplicate": True}
        rabbitmq_broker.control("close_all_user_connections", unique_name, "a test of what is lost")
        waiting.join(20)
    rabbitmq_broker.remove_user(unique_name)
    assert answered[0]["e1"].duplicate
    assert [(properties.user_id, heard["id"]) for properties, _, heard in hall.heard] == [(unique_name, "e1")] * 2


def test_an_event_says_when_and_by_whom_unless_told() -> None:
    plain = event(ORGAN, "case.step", "S1", {"name": "审查"}, by="officer-7")
    assert plain["data"]["by"] == "officer-7"
    assert plain["data"]["occurred_at"] == plain["time"]
    told = event(ORGAN, "case.step", "S1", {"occurred_at": "2026-02-09T09:00:00+08:00", "by": "x"}, id="1", version=2)
    assert told == {
        "specversion": "1.0",
        "id": "1",
        "source": f"/departments/{ORGAN}",
        "type": "case.step",
        "subject": "S1",
        "time": "2026-02-09T09:00:00+08:00",
        "datacontenttype": "application/json",
        "dataschema": "urn:yichuang:case.step:2",
        "data": {"occurred_at": "2026-02-09T09:00:00+08:00", "by": "x"},
    }
