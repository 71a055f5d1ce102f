"""Asks who runs: the gateway over HTTP, the services over RabbitMQ. No answer is an answer.

An embedded hall is one process with its broker inside: what its queues hold only its own figures say.
"""

from collections.abc import Mapping

import requests
from prometheus_client.parser import text_string_to_metric_families

from gateway.health import OPTIONAL, PROBES, ask_all
from kernel.config import Settings
from kernel.messaging.calling import ServiceClient, request_queue
from kernel.messaging.depths import Depth

PATIENCE = 3.0  # seconds; the gateway itself waits for a second, and for another one
ASKED = (*PROBES, *OPTIONAL)
REQUEST_QUEUES = {request_queue(name): name for name in ASKED}


def address(settings: Settings) -> str:
    """Where the gateway of these settings answers on this machine."""
    host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host
    return f"http://{host}:{settings.port}"


def gateway(settings: Settings) -> dict[str, bool | None]:
    """Whether a gateway answers on this machine."""
    return {"gateway": _get(settings, "/health/live") is not None}


def services(settings: Settings) -> dict[str, bool | None]:
    """Which services answer over RabbitMQ."""
    client = ServiceClient(settings.amqp_uri, PATIENCE)
    try:
        answers = ask_all(client, dict.fromkeys(ASKED, "status"))
    finally:
        client.close()
    return {name: answer is not None for name, answer in answers.items()}


def hall(settings: Settings) -> tuple[dict[str, Depth | None] | None, dict[str, bool | None], dict[str, int]]:
    """An embedded hall's queues and services, and one process each, as it says itself; all down where it does not."""
    told = _get(settings, "/metrics")
    figures = {} if told is None else _figures(told.text)
    up: dict[str, bool | None] = {name: figures.get(("yichuang_service_up", name)) == 1 for name in ASKED}
    processes = {name: 1 for name, well in up.items() if well}
    return _queues(figures), {**up, "gateway": bool(figures)}, processes


def _queues(figures: Mapping[tuple[str, str], float]) -> dict[str, Depth | None] | None:
    if figures.get(("yichuang_broker_up", "")) != 1:
        return None
    names = [label for name, label in figures if name == "yichuang_queue_messages"]
    return {name: _depth(figures, name) for name in names}


def _depth(figures: Mapping[tuple[str, str], float], queue: str) -> Depth | None:
    messages, consumers = (figures[f"yichuang_queue_{what}", queue] for what in ("messages", "consumers"))
    return None if messages != messages else Depth(int(messages), int(consumers))  # not a number: there is none


def _figures(text: str) -> dict[tuple[str, str], float]:
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {(one.name, "".join(one.labels.values())): one.value for one in samples if one.name.startswith("yichuang_")}


def _get(settings: Settings, path: str) -> requests.Response | None:
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy of the environment's lies between us and this machine
            answer = session.get(address(settings) + path, timeout=PATIENCE)
    except requests.RequestException:
        return None
    return answer if answer.ok else None
