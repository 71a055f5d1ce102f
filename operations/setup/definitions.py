"""RabbitMQ's definitions file, made from the topology in the kernel.

    python -m operations.setup.definitions > deploy/rabbitmq/definitions.json

Holds no users and no passwords: the broker's own user comes from its environment, departments' from a command.
"""

import json
import sys
from typing import Any, cast

from kernel.messaging import topology


class _Recorder:
    """Stands where `topology.declare` expects a channel and writes down what it declares."""

    def __init__(self) -> None:
        self.exchanges: list[dict[str, Any]] = []
        self.queues: list[dict[str, Any]] = []
        self.bindings: list[dict[str, Any]] = []

    def exchange_declare(self, exchange: str, type: str, *, durable: bool, auto_delete: bool) -> None:
        self.exchanges.append(
            {
                "name": exchange,
                "vhost": "/",
                "type": type,
                "durable": durable,
                "auto_delete": auto_delete,
                "internal": False,
                "arguments": {},
            }
        )

    def queue_declare(self, queue: str, *, durable: bool, auto_delete: bool, arguments: dict[str, Any]) -> None:
        self.queues.append(
            {"name": queue, "vhost": "/", "durable": durable, "auto_delete": auto_delete, "arguments": arguments}
        )

    def queue_bind(self, queue: str, exchange: str, routing_key: str) -> None:
        self.bindings.append(
            {
                "source": exchange,
                "vhost": "/",
                "destination": queue,
                "destination_type": "queue",
                "routing_key": routing_key,
                "arguments": {},
            }
        )


def definitions() -> dict[str, Any]:
    """The virtual host `/` with all exchanges, queues and bindings, as `rabbitmqctl import_definitions` reads them."""
    recorder = _Recorder()
    topology.declare(cast(Any, recorder))
    return {
        "vhosts": [{"name": "/"}],
        "exchanges": recorder.exchanges,
        "queues": recorder.queues,
        "bindings": recorder.bindings,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(definitions(), indent=2) + "\n")
