"""Consuming and publishing, over RabbitMQ and over the in-process broker: one suite, both transports."""

import threading
import time
from collections.abc import Iterator
from itertools import count

import pytest

from kernel.messaging import topology
from kernel.messaging.conftest import eventually
from kernel.messaging.connection import Channel, connect
from kernel.messaging.consuming import Inbox
from kernel.messaging.messages import Incoming
from kernel.messaging.publishing import BrokerAway, BrokerRefuses, Outgoing, Publisher
from kernel.testing import free_port

_vhosts = count(1)


def event(number: int, routing_key: str = "organ.type", **properties: object) -> Outgoing:
    """A department event that carries its number."""
    return Outgoing(
        exchange=topology.DEPARTMENT_EVENTS,
        routing_key=routing_key,
        body=str(number).encode(),
        properties={"message_id": str(number), **properties},
    )


def numbers(batch: list[Incoming]) -> list[int]:
    return [int(message.body) for message in batch]


class TransportSuite:
    """What a carrier of messages must do. A subclass has the fixture `uri`, of a broker with nothing on it."""

    @pytest.fixture
    def publisher(self, uri: str) -> Iterator[Publisher]:
        publisher = Publisher(uri)
        yield publisher
        publisher.close()

    @pytest.fixture
    def inbox(self, uri: str) -> Iterator[Inbox]:
        inbox = Inbox(uri, topology.FILING, max_size=10, linger=0.05)
        inbox.start()
        inbox.listener.channel(timeout=10)
        yield inbox
        inbox.close()
        inbox.listener.stop()

    def test_messages_come_in_order_and_in_batches(self, publisher: Publisher, inbox: Inbox) -> None:
        publisher.publish_batch([event(n) for n in range(25)])
        taken: list[int] = []
        while len(taken) < 25:
            channel, batch = inbox.take(timeout=5)
            assert channel is not None
            assert 1 <= len(batch) <= 10
            taken += numbers(batch)
            inbox.done(channel, batch)
        assert taken == list(range(25))

    def test_a_message_keeps_what_was_said_about_it(self, publisher: Publisher, inbox: Inbox) -> None:
        publisher.publish_batch(
            [event(1, "organ.case.step", user_id="guest", content_type="application/json", headers={"a": "b"})]
        )
        _, (message,) = inbox.take(timeout=5)
        assert message.user_id == "guest"
        assert message.routing_key == "organ.case.step"
        assert message.properties == {
            "user_id": "guest",
            "message_id": "1",
            "content_type": "application/json",
            "headers": {"a": "b"},
        }
        assert not message.redelivered

    def test_a_message_wakes_its_consumer_at_once(self, publisher: Publisher, inbox: Inbox) -> None:
        publisher.publish_batch([event(0)])
        inbox.take(timeout=5)
        waits = []
        for number in range(1, 6):
            begun = time.monotonic()
            publisher.publish_batch([event(number)])
            assert numbers(inbox.take(timeout=5)[1]) == [number]
            waits.append(time.monotonic() - begun)
        assert min(waits) < 0.25  # the linger of the inbox, and a confirmation; polling would take half a second

    def test_what_failed_comes_again_in_order(self, publisher: Publisher, inbox: Inbox) -> None:
        publisher.publish_batch([event(n) for n in range(30)])
        channel, first = inbox.take(timeout=5)
        assert channel is not None
        inbox.done(channel, first)
        channel, second = inbox.take(timeout=5)
        assert channel is not None
        inbox.failed(channel, pause=0.1)
        taken: list[int] = []
        while len(taken) < 20:
            channel, batch = inbox.take(timeout=10)
            assert channel is not None
            assert batch[0].redelivered or taken
            taken += numbers(batch)
            inbox.done(channel, batch)
        assert numbers(second) == taken[: len(second)]
        assert taken == list(range(10, 30))

    def test_what_was_not_acknowledged_goes_to_the_next_consumer(self, uri: str, publisher: Publisher) -> None:
        first = Inbox(uri, topology.FILING, max_size=10, linger=0.05)
        first.start()
        publisher.publish_batch([event(n) for n in range(5)])
        assert numbers(first.take(timeout=10)[1]) == list(range(5))
        first.listener.stop()
        second = Inbox(uri, topology.FILING, max_size=10, linger=0.2)
        second.start()
        assert numbers(second.take(timeout=10)[1]) == list(range(5))
        second.listener.stop()

    def test_acknowledged_messages_never_come_again(self, uri: str, publisher: Publisher, inbox: Inbox) -> None:
        publisher.publish_batch([event(n) for n in range(5)])
        channel, batch = inbox.take(timeout=5)
        assert channel is not None
        inbox.done(channel, batch)
        inbox.close()
        inbox.listener.stop()
        second = Inbox(uri, topology.FILING, max_size=10, linger=0.05)
        second.start()
        publisher.publish_batch([event(99)])
        assert numbers(second.take(timeout=10)[1]) == [99]
        second.listener.stop()

    def test_a_message_that_no_queue_wants_is_handed_back_if_asked_for(self, uri: str) -> None:
        returned = threading.Event()
        with connect(uri) as session:
            channel: Channel = session.channel()
            channel.events["basic_return"].add(lambda *_about: returned.set())
            channel.send(b"", "", "no such queue", mandatory=True)
            eventually(lambda: returned.is_set() or session.drain(0.05) or returned.is_set())

    def test_an_expired_message_is_not_delivered(self, uri: str) -> None:
        with connect(uri) as session:
            channel: Channel = session.channel()
            channel.queue_declare("patience", durable=False, auto_delete=False)
            channel.send(b"late", "", "patience", expiration="1")
            channel.send(b"still good", "", "patience", expiration="60000")
            deadline = time.monotonic() + 0.05
            eventually(lambda: time.monotonic() > deadline)
            seen: list[bytes | str] = []
            channel.basic_consume(
                "patience", consumer_tag="c", no_ack=True, callback=lambda message: seen.append(message.body)
            )
            eventually(lambda: session.drain(0.05) or seen)
            assert [bytes(body) for body in seen if isinstance(body, bytes)] == [b"still good"]

    def test_topics_route_by_word(self, uri: str, publisher: Publisher) -> None:
        with connect(uri) as session:
            channel: Channel = session.channel()
            topology.declare(channel)
            for name, binding in (("all", "#"), ("mine", "*.ORGAN"), ("one", "case.step.ORGAN")):
                channel.queue_declare(name, durable=False, auto_delete=False)
                channel.queue_bind(name, topology.CASE_EVENTS, binding)
            keys = ("case.step.ORGAN", "case.step.OTHER", "step.ORGAN")
            publisher.publish_batch(
                [Outgoing(exchange=topology.CASE_EVENTS, routing_key=key, body=key.encode()) for key in keys]
            )
            ready = {name: channel.queue_declare(name, passive=True).message_count for name in ("all", "mine", "one")}
        assert ready == {"all": 3, "mine": 1, "one": 1}

    def test_notify_is_carried_what_it_tells_of_visits_each_once_and_no_tickets(
        self, uri: str, publisher: Publisher
    ) -> None:
        inbox = Inbox(uri, topology.NOTIFY_VISITS, max_size=10, linger=0.05)
        inbox.start()
        inbox.listener.channel(timeout=10)
        keys = ["ticket.called.tianhe", "visit.booked.tianhe", "visit.served.tianhe", "visit.moved.hall.2", "ticket.x"]
        sent = [Outgoing(exchange=topology.VISIT_EVENTS, routing_key=key, body=key.encode()) for key in keys]
        publisher.publish_batch([*sent, *sent[1:2]])
        taken: list[str] = []
        while len(taken) < 3:
            channel, batch = inbox.take(timeout=5)
            assert channel is not None
            taken += [message.routing_key for message in batch]
            inbox.done(channel, batch)
        inbox.close()
        inbox.listener.stop()
        assert taken == ["visit.booked.tianhe", "visit.moved.hall.2", "visit.booked.tianhe"]

    def test_declaring_everything_again_changes_nothing(self, uri: str, publisher: Publisher, inbox: Inbox) -> None:
        with connect(uri) as session:
            topology.declare(session.channel())
            topology.declare(session.channel())
        publisher.publish_batch([event(1)])
        assert numbers(inbox.take(timeout=5)[1]) == [1]

    def test_threads_may_share_a_publisher(self, publisher: Publisher, inbox: Inbox) -> None:
        writers = [
            threading.Thread(target=lambda first=first: publisher.publish_batch([event(first + n) for n in range(20)]))
            for first in (0, 100, 200, 300)
        ]
        for writer in writers:
            writer.start()
        taken: list[int] = []
        while len(taken) < 80:
            channel, batch = inbox.take(timeout=10)
            assert channel is not None
            taken += numbers(batch)
            inbox.done(channel, batch)
        for first in (0, 100, 200, 300):
            assert [n for n in taken if first <= n < first + 20] == list(range(first, first + 20))

    def test_a_queue_that_was_deleted_is_made_again(self, uri: str, publisher: Publisher, inbox: Inbox) -> None:
        with connect(uri) as session:
            session.channel().queue_delete(topology.FILING)
        inbox.listener.restart(0.0)

        def arrives() -> list[int]:
            publisher.publish_batch([event(7)])
            return numbers(inbox.take(timeout=0.2)[1])

        assert eventually(arrives)[0] == 7


class TestInOneProcess(TransportSuite):
    @pytest.fixture
    def uri(self) -> str:
        return f"memory:///transport{next(_vhosts)}"


class TestOverRabbitMQ(TransportSuite):
    @pytest.fixture
    def uri(self, rabbitmq_vhost: str) -> str:
        return rabbitmq_vhost

    def test_a_message_that_the_broker_refuses_is_not_published(self, uri: str, publisher: Publisher) -> None:
        with connect(uri) as session:
            channel: Channel = session.channel()
            topology.declare(channel)
            channel.queue_declare(
                "full",
                durable=True,
                auto_delete=False,
                arguments={"x-queue-type": "quorum", "x-max-length": 5, "x-overflow": "reject-publish"},
            )
            channel.queue_bind("full", topology.DEPARTMENT_EVENTS, "#")
            with pytest.raises(BrokerRefuses):
                publisher.publish_batch([event(n) for n in range(500)])

    def test_without_a_broker_publishing_fails_at_once(self) -> None:
        begun = time.monotonic()
        with pytest.raises(BrokerAway):
            Publisher(f"amqp://guest:guest@127.0.0.1:{free_port()}//").publish_batch([event(1)])
        assert time.monotonic() - begun < 2
