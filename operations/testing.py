"""A hall of a few lines, for tests of what departments use: declares, listens and answers, and remembers."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pika

Answer = Callable[[dict[str, Any]], dict[str, Any] | None]


class PretendHall:
    """Declares what a hall declares and answers each event with `answer`; keeps what came in `heard`."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.heard: list[tuple[pika.BasicProperties, str, dict[str, Any]]] = []
        self.answer: Answer = lambda event: {"position": len(self.heard)}
        self._connection = pika.BlockingConnection(pika.URLParameters(uri))
        self._channel = self._connection.channel()
        for exchange in ("department-events", "department-replies"):
            self._channel.exchange_declare(exchange, "topic", durable=True)
        self._channel.queue_declare("filing.department-events", durable=True)
        self._channel.queue_bind("filing.department-events", "department-events", "#")
        self._channel.basic_consume("filing.department-events", self._hear, auto_ack=True)
        self._thread = threading.Thread(target=self._channel.start_consuming)
        self._thread.start()

    def _hear(self, channel: Any, method: Any, properties: pika.BasicProperties, body: bytes) -> None:
        heard = json.loads(body)
        self.heard.append((properties, method.routing_key, heard))
        data = self.answer(heard)
        if data is None:
            return
        kind = "event.refused" if "code" in data else "event.appended"
        reply = {"type": kind, "data": {"id": heard["id"], "subject": heard["subject"], **data}}
        organ = heard["source"].rsplit("/", 1)[1]
        channel.basic_publish("department-replies", organ, json.dumps(reply).encode())

    def stop(self) -> None:
        self._connection.add_callback_threadsafe(self._channel.stop_consuming)
        self._thread.join(10)
        self._connection.close()
