"""What services tell of themselves, as figures: relays, timers, providers, queues, room on the disk.

A figure of which nothing is known is NaN, or it would look as fresh as the others.
"""

import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prometheus_client import Gauge

from gateway.traffic import REGISTRY
from kernel import logs
from kernel.contracts.standing import OWNERS, PROVIDERS, RELAYS, TIMERS
from kernel.messaging.connection import BrokerAway
from kernel.messaging.depths import Depth, depths
from kernel.messaging.topology import QUEUES

log = logs.get(__name__)

UNKNOWN = float("nan")

Answers = Mapping[str, dict[str, Any] | None]


SERVICE_UP = Gauge("yichuang_service_up", "Whether a service answers.", ["service"], registry=REGISTRY)
_RELAYS = {
    "position": Gauge(
        "yichuang_relay_position", "Last log position that RabbitMQ has confirmed.", ["log"], registry=REGISTRY
    ),
    "head": Gauge("yichuang_relay_log_head", "Last position of a log that is published.", ["log"], registry=REGISTRY),
    "oldest_unpublished_seconds": Gauge(
        "yichuang_relay_oldest_unpublished_seconds",
        "Age of the oldest event not yet published; 0 when there is none.",
        ["log"],
        registry=REGISTRY,
    ),
    "led": Gauge("yichuang_relay_led", "Whether a relay holds the lease of a log.", ["log"], registry=REGISTRY),
}
_TIMERS = {
    "due": Gauge("yichuang_timer_due", "What should have happened by now.", ["timer"], registry=REGISTRY),
    "oldest_due_seconds": Gauge(
        "yichuang_timer_oldest_due_seconds",
        "For how long the first of it has been due; 0 when nothing is.",
        ["timer"],
        registry=REGISTRY,
    ),
}
_PROVIDERS = {
    "failures_running": Gauge(
        "yichuang_provider_failures_running",
        "Failures of a provider since it last answered as it should.",
        ["provider"],
        registry=REGISTRY,
    ),
    "accepted": Gauge(
        "yichuang_provider_accepted", "Messages that a provider has taken, ever.", ["provider"], registry=REGISTRY
    ),
    "failed": Gauge("yichuang_provider_failed", "Failures of a provider, ever.", ["provider"], registry=REGISTRY),
    "answered_seconds": Gauge(
        "yichuang_provider_answered_seconds", "Since a provider was last asked.", ["provider"], registry=REGISTRY
    ),
    "accepted_seconds": Gauge(
        "yichuang_provider_accepted_seconds", "Since a provider last took a message.", ["provider"], registry=REGISTRY
    ),
}
_DATABASES = Gauge("yichuang_database_bytes", "Size of a service's tables.", ["service"], registry=REGISTRY)
_QUEUES = {
    "messages": Gauge("yichuang_queue_messages", "Messages that wait in a queue.", ["queue"], registry=REGISTRY),
    "consumers": Gauge("yichuang_queue_consumers", "Who takes from a queue.", ["queue"], registry=REGISTRY),
}
_BROKER_UP = Gauge("yichuang_broker_up", "Whether the broker answers this gateway.", registry=REGISTRY)
_FREE = Gauge("yichuang_disk_free_bytes", "Room left where DATA_DIR is.", registry=REGISTRY)
_SIZE = Gauge("yichuang_disk_size_bytes", "All the room there is where DATA_DIR is.", registry=REGISTRY)


def tell_services(answers: Answers) -> None:
    """What each service's `status` says."""
    for name, answer in answers.items():
        SERVICE_UP.labels(name).set(answer is not None)
    for owner in RELAYS:
        _tell(_RELAYS, owner, (answers.get(owner) or {}).get("relay"))
    for timer, owner in TIMERS.items():
        _tell(_TIMERS, timer, ((answers.get(owner) or {}).get("timers") or {}).get(timer))
    heard = {one["provider"]: one for one in (answers.get("notify") or {}).get("providers", [])}
    for provider in PROVIDERS:
        _tell(_PROVIDERS, provider, heard.get(provider))
    for owner in OWNERS:
        _DATABASES.labels(owner).set((answers.get(owner) or {}).get("database_bytes", UNKNOWN))


def tell_disk(data_dir: Path) -> None:
    """How much room is left; nobody knows where there is no such directory."""
    try:
        usage = shutil.disk_usage(data_dir)
        free, total = float(usage.free), float(usage.total)
    except OSError:
        free = total = UNKNOWN
    _FREE.set(free)
    _SIZE.set(total)


def tell_queues(found: Mapping[str, Depth | None] | None) -> None:
    """None: the broker did not answer in time."""
    _BROKER_UP.set(found is not None)
    for queue in QUEUES:
        depth = (found or {}).get(queue.name)
        _tell(_QUEUES, queue.name, None if depth is None else vars(depth))


def ask_queues(uri: str, patience: float) -> dict[str, Depth | None] | None:
    """How full the hall's queues are; None when that is not known in time."""
    found: list[dict[str, Depth | None]] = []

    def ask() -> None:
        try:
            found.append(depths(uri, [queue.name for queue in QUEUES]))
        except BrokerAway:
            log.debug("queues not asked")

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience)
    return found[0] if found else None


def _tell(gauges: Mapping[str, Gauge], label: str, told: Mapping[str, Any] | None) -> None:
    for name, gauge in gauges.items():
        value = None if told is None else told.get(name)
        gauge.labels(label).set(UNKNOWN if value is None else value)
