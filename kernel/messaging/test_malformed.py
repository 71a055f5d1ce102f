"""Messages that only a program with a fault, or with bad intentions, publishes: none may hold up those behind it."""

import struct
from collections.abc import Iterator
from typing import Any

import amqp
import pytest
from amqp import spec

from kernel.messaging import topology
from kernel.messaging.connection import connect
from kernel.messaging.consuming import Inbox
from kernel.messaging.following import readable
from kernel.messaging.messages import Incoming

HEADERS, MESSAGE_ID, USER_ID = 0x2000, 0x0080, 0x0010  # flags of the properties that follow


def short(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def table(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def nested(levels: int) -> bytes:
    content = b""
    for _ in range(levels):
        content = short(b"x") + b"F" + table(content)
    return table(content)


MALFORMED = {
    "a text that is not UTF-8": struct.pack(">H", MESSAGE_ID | USER_ID) + short(b"\xff\xfe") + short(b"guest"),
    "a time beyond the calendar": struct.pack(">H", HEADERS) + table(short(b"at") + b"T" + struct.pack(">Q", 2**62)),
    "tables within tables": struct.pack(">H", HEADERS) + nested(2000),
}
PLAIN = struct.pack(">H", USER_ID) + short(b"guest")


class Raw(amqp.Message):  # type: ignore[misc]
    """A message whose properties are these bytes."""

    def __init__(self, body: bytes, properties: bytes) -> None:
        super().__init__(body)
        self.__dict__["raw"] = properties

    def _serialize_properties(self) -> bytes:
        return bytes(self.__dict__["raw"])


@pytest.fixture
def inbox(rabbitmq_vhost: str) -> Iterator[Inbox]:
    inbox = Inbox(rabbitmq_vhost, topology.FILING, max_size=2, linger=2.0)
    inbox.start()
    inbox.listener.channel(timeout=10)
    yield inbox
    inbox.close()
    inbox.listener.stop()


def publish(uri: str, *messages: tuple[bytes, bytes]) -> None:
    """Bodies 1, 2, … with these routing keys and properties."""
    with connect(uri) as session:
        channel: Any = session.channel()
        for number, (key, properties) in enumerate(messages, 1):
            address = (0, topology.DEPARTMENT_EVENTS, key, False, False)
            channel.send_method(spec.Basic.Publish, "Bssbb", address, Raw(str(number).encode(), properties))


def taken(inbox: Inbox) -> list[Incoming]:
    return inbox.take(timeout=10)[1]


@pytest.mark.parametrize("properties", MALFORMED.values(), ids=MALFORMED.keys())
def test_properties_that_cannot_be_read_are_none_and_the_next_message_comes(
    rabbitmq_vhost: str, inbox: Inbox, properties: bytes
) -> None:
    publish(rabbitmq_vhost, (b"organ.type", properties), (b"organ.type", PLAIN))
    malformed, plain = taken(inbox)
    assert (malformed.body, malformed.properties) == (b"1", {"headers": {}})
    assert malformed.user_id is None  # nobody's word, whatever it says
    assert (plain.body, plain.user_id) == (b"2", "guest")


def test_a_routing_key_that_is_not_utf_8_is_read_with_question_marks(rabbitmq_vhost: str, inbox: Inbox) -> None:
    publish(rabbitmq_vhost, (b"organ.\xff\xfe", PLAIN), ("organ.类型".encode(), PLAIN))
    assert [message.routing_key for message in taken(inbox)] == ["organ.??", "organ.类型"]


@pytest.mark.parametrize("schema", [b"1", b"null", b"[]", b"{}", b'"urn"'])
def test_what_only_looks_like_an_event_of_a_log_is_left_out(schema: bytes) -> None:
    body = b'{"dataschema":' + schema + b',"sequence":"1","chainvalue":"00"}'
    message = Incoming(body=body, properties={"headers": {}}, routing_key="", redelivered=False)
    assert readable(topology.PROGRESS, [message]) == []
