"""Whether the hall is fit to serve, and how it stands: asked of the services, all at once.

Never waits longer than a second for anybody, and never fails because somebody else does.
"""

import threading
from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter, Gauge, generate_latest

from gateway import standing
from gateway.auth import Caller
from gateway.cache import Cache
from gateway.standing import UNKNOWN
from gateway.traffic import REGISTRY
from kernel.config import Settings
from kernel.contracts.notify import COUNTED
from kernel.errors import Refusal

PATIENCE = 1.0

# What each is asked. Without the first four nobody can file or look up; without appointment visits cannot be
# booked, without notify people only hear later.
PROBES: dict[str, str] = {"accounts": "ping", "catalog": "status", "filing": "status", "progress": "status"}
OPTIONAL: dict[str, str] = {"appointment": "status", "notify": "status"}
# By consumer: whose status tells of it, and in which member; None: in the status itself.
CONSUMERS: dict[str, tuple[str, str | None]] = {
    "progress": ("progress", None),
    "notify": ("notify", None),
    "notify-visits": ("notify", "visits"),
    "catalog": ("catalog", None),
    "statistics": ("appointment", None),
}

UP = Gauge("yichuang_consumer_up", "Whether a consumer of a log answers.", ["consumer"], registry=REGISTRY)
_OF_CONSUMERS = {
    "checkpoint": Gauge("yichuang_consumer_checkpoint", "Last log position taken in.", ["consumer"], registry=REGISTRY),
    "head": Gauge("yichuang_consumer_log_head", "Last log position there is.", ["consumer"], registry=REGISTRY),
    "oldest_unprocessed_seconds": Gauge(
        "yichuang_consumer_oldest_unprocessed_seconds",
        "Age of the oldest event not yet taken in; 0 when there is none.",
        ["consumer"],
        registry=REGISTRY,
    ),
    "parked": Gauge("yichuang_consumer_parked", "Events set aside for an operator.", ["consumer"], registry=REGISTRY),
}
_OF_FILING = {
    "waiting_events": Gauge(
        "yichuang_filing_waiting_events", "Department events that wait for the one they need.", registry=REGISTRY
    ),
    "unsent_replies": Gauge("yichuang_filing_unsent_replies", "Replies not yet published.", registry=REGISTRY),
    "log_position": Gauge("yichuang_filing_log_position", "Last position of the case log.", registry=REGISTRY),
}
_OF_CATALOG = {
    "version": Gauge("yichuang_catalogue_version", "Version of the catalogue.", registry=REGISTRY),
    "searched": Gauge("yichuang_catalogue_searched", "The version that is searched and listed.", registry=REGISTRY),
    "items": Gauge("yichuang_catalogue_items", "Service items that are offered.", registry=REGISTRY),
}

_ANSWERS = Counter(
    "yichuang_cache_answers",
    "Requests for shared pages: kept (answered from memory), asked (of catalog), joined (waited for one that asked).",
    ["how"],
    registry=REGISTRY,
)
_DROPS = Counter("yichuang_cache_drops", "How often all kept pages were dropped.", registry=REGISTRY)
_BYTES = Gauge("yichuang_cache_bytes", "Memory of kept pages.", registry=REGISTRY)
_LISTENING = Gauge("yichuang_cache_listening", "Whether changes are heard, so that pages are kept.", registry=REGISTRY)

_LISTENERS = Gauge("yichuang_display_listeners", "Displays that are fed now.", registry=REGISTRY)

_MESSAGES = Gauge("yichuang_messages", "Messages to applicants, by how they stand.", ["state"], registry=REGISTRY)
_OLDEST_UNSENT = Gauge(
    "yichuang_message_oldest_unsent_seconds",
    "Age of the oldest message that no provider has taken yet; 0 when there is none.",
    registry=REGISTRY,
)

Answers = dict[str, dict[str, Any] | None]


def ask_all(services: Caller, probes: Mapping[str, str]) -> Answers:
    """Every service's answer by name, None from those that did not give one in time."""
    answers: Answers = dict.fromkeys(probes)

    def ask(service: str, method: str) -> None:
        try:
            answers[service] = services.call(service, method, {}, timeout=PATIENCE)
        except Refusal:  # down, slow, or failing: no answer is the answer
            answers[service] = None

    asking = [threading.Thread(target=ask, args=probe, daemon=True) for probe in probes.items()]
    for one in asking:
        one.start()
    for one in asking:
        one.join(PATIENCE + 0.5)
    return answers


def readiness(services: Caller) -> dict[str, Any]:
    """{status: ready | not_ready, missing: [services], services: {name: up | down}}; notify is told, not required."""
    answers = ask_all(services, {**PROBES, **OPTIONAL})
    missing = [name for name in PROBES if answers[name] is None]
    return {
        "status": "not_ready" if missing else "ready",
        "missing": missing,
        "services": {name: "down" if answer is None else "up" for name, answer in answers.items()},
    }


def figures(services: Caller, cache: Cache, listeners: int, settings: Settings) -> bytes:
    """Everything Prometheus is told, as it is now."""
    answers = ask_all(services, dict.fromkeys((*PROBES, *OPTIONAL), "status"))
    standing.tell_services(answers)
    standing.tell_queues(standing.ask_queues(settings.amqp_uri, PATIENCE))
    standing.tell_disk(settings.data_dir)
    for consumer, (service, member) in CONSUMERS.items():
        answer = answers[service]
        _tell_consumer(consumer, answer if answer is None or member is None else answer.get(member))
    for service, gauges in (("filing", _OF_FILING), ("catalog", _OF_CATALOG)):
        for name, gauge in gauges.items():
            gauge.set((answers[service] or {}).get(name, UNKNOWN))
    _tell_cache(cache)
    _LISTENERS.set(listeners)
    _tell_messages(answers["notify"] or {})
    return generate_latest(REGISTRY)


def _tell_consumer(consumer: str, lag: dict[str, Any] | None) -> None:
    """A consumer that does not answer is down and has no other figures: old ones would look like new ones."""
    UP.labels(consumer).set(0 if lag is None else 1)
    for name, gauge in _OF_CONSUMERS.items():
        if lag is None:
            gauge.labels(consumer).set(UNKNOWN)
        else:
            gauge.labels(consumer).set(lag[name])


def _tell_cache(cache: Cache) -> None:
    done = cache.figures.take()
    for how in ("kept", "asked", "joined"):
        _ANSWERS.labels(how).inc(getattr(done, how))
    _DROPS.inc(done.drops)
    _BYTES.set(cache.size)
    _LISTENING.set(cache.listening)


def _tell_messages(told: dict[str, Any]) -> None:
    """`told`: notify's status. A state that it does not count has no messages; without counts nobody knows."""
    counts = told.get("messages")
    for state in COUNTED:
        _MESSAGES.labels(state).set(UNKNOWN if counts is None else counts.get(state, 0))
    _OLDEST_UNSENT.set(told.get("oldest_unsent_seconds", UNKNOWN))
