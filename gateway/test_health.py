"""Health and figures: right when all is well, and honest when somebody is missing."""

import math
import threading
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.health import ask_all
from gateway.samples import ANSWERS
from gateway.testing import Hall
from kernel.config import Settings
from kernel.contracts.notify import COUNTED
from kernel.contracts.standing import OWNERS, RELAYS, TIMERS
from kernel.errors import RemoteFault, ServiceDown, ServiceSlow
from kernel.messaging import topology
from kernel.messaging.connection import connect
from kernel.testing import eventually, free_port


@pytest.fixture
def hall() -> Hall:
    made = Hall()
    made.services.answers = dict(ANSWERS)
    return made


def figures(hall: Hall) -> dict[tuple[str, str], float]:
    text = hall.ask("GET", "/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(one.name, "".join(one.labels.values())): one.value for one in samples if "http" not in one.name}


def test_ready_when_all_answer(hall: Hall) -> None:
    response = hall.ask("GET", "/health/ready")
    assert response.status_code == 200
    assert response.json == {
        "status": "ready",
        "missing": [],
        "services": dict.fromkeys(["accounts", "catalog", "filing", "progress", "appointment", "notify"], "up"),
    }


@pytest.mark.parametrize("error", [ServiceDown(service="x"), ServiceSlow(service="x"), RemoteFault(error_id="e")])
def test_not_ready_names_who_is_missing(hall: Hall, error: Exception) -> None:
    hall.answer("filing", "status", error)
    response = hall.ask("GET", "/health/ready")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    assert (response.json["status"], response.json["missing"]) == ("not_ready", ["filing"])


def test_notify_is_told_but_not_required(hall: Hall) -> None:
    hall.answer("notify", "status", ServiceDown(service="notify"))
    response = hall.ask("GET", "/health/ready")
    assert (response.status_code, response.json["services"]["notify"]) == (200, "down")


def test_being_alive_asks_nobody(hall: Hall) -> None:
    hall.services.answers = {}
    assert hall.ask("GET", "/health/live").json == {"status": "live"}
    assert hall.services.asked == []


def test_services_are_asked_all_at_once() -> None:
    together = threading.Barrier(3, timeout=5)

    class Slow:
        def call(self, service: str, method: str, payload: Any, timeout: float | None = None) -> Any:
            assert timeout == 1.0
            together.wait()
            return {"service": service}

    answers = ask_all(Slow(), {"a": "status", "b": "status", "c": "status"})
    assert answers == {name: {"service": name} for name in "abc"}


def test_the_figures_of_the_consumers(hall: Hall) -> None:
    found = figures(hall)
    for consumer in ("progress", "notify", "notify-visits", "statistics", "catalog"):
        assert found["yichuang_consumer_up", consumer] == 1
        assert found["yichuang_consumer_checkpoint", consumer] == 7
        assert found["yichuang_consumer_log_head", consumer] == 9
        assert found["yichuang_consumer_oldest_unprocessed_seconds", consumer] == 1.5
        assert found["yichuang_consumer_parked", consumer] == 2
    assert found["yichuang_filing_waiting_events", ""] == 3


def test_a_consumer_that_is_down_has_no_figures_that_look_fresh(hall: Hall) -> None:
    figures(hall)
    hall.answer("notify", "status", ServiceDown(service="notify"))
    found = figures(hall)
    assert found["yichuang_consumer_up", "progress"] == 1
    for consumer in ("notify", "notify-visits"):
        assert found["yichuang_consumer_up", consumer] == 0
        lag = found["yichuang_consumer_oldest_unprocessed_seconds", consumer]
        assert lag != lag  # not a number


def test_the_figures_of_messages(hall: Hall) -> None:
    counts = {"created": 5, "failed_for_good": 1}
    hall.answer("notify", "status", {**ANSWERS["notify", "status"], "messages": counts, "oldest_unsent_seconds": 12.5})
    found = figures(hall)
    assert {state: found["yichuang_messages", state] for state in COUNTED} == {**dict.fromkeys(COUNTED, 0), **counts}
    assert found["yichuang_message_oldest_unsent_seconds", ""] == 12.5


@pytest.mark.parametrize("answer", [ServiceDown(service="notify"), {"checkpoint": 7, "head": 9}])
def test_messages_of_which_nothing_is_known_have_no_figures_that_look_fresh(hall: Hall, answer: Any) -> None:
    figures(hall)
    if isinstance(answer, dict):
        answer = {**answer, "oldest_unprocessed_seconds": 0.0, "parked": 0}
    hall.answer("notify", "status", answer)
    found = figures(hall)
    unknown = [found["yichuang_messages", "created"], found["yichuang_message_oldest_unsent_seconds", ""]]
    assert all(value != value for value in unknown)  # not a number


def test_the_figures_of_relays_timers_providers_and_databases(hall: Hall) -> None:
    found = figures(hall)
    for log in RELAYS:
        assert [found[f"yichuang_relay_{name}", log] for name in ("position", "log_head", "led")] == [11, 12, 1]
        assert found["yichuang_relay_oldest_unpublished_seconds", log] == 0.5
    assert {timer: found["yichuang_timer_due", timer] for timer in TIMERS} == {
        **dict.fromkeys(TIMERS, 2),
        "waiting_events": 0,
        "messages": 0,
    }
    assert found["yichuang_timer_oldest_due_seconds", "deadlines"] == 4
    assert found["yichuang_provider_failures_running", "sms"] == 2
    assert found["yichuang_provider_accepted_seconds", "sms"] == 60
    assert math.isnan(found["yichuang_provider_failures_running", "smtp"])  # it is not set up
    assert {owner: found["yichuang_database_bytes", owner] for owner in OWNERS} == dict.fromkeys(OWNERS, 4096)


@pytest.mark.parametrize("owner", OWNERS)
def test_what_a_service_that_is_down_would_tell_is_not_known(hall: Hall, owner: str) -> None:
    figures(hall)
    hall.answer(owner, "status", ServiceDown(service=owner))
    found = figures(hall)
    assert {name: found["yichuang_service_up", name] for name in OWNERS} == {name: name != owner for name in OWNERS}
    assert math.isnan(found["yichuang_database_bytes", owner])
    for timer, whose in TIMERS.items():
        assert math.isnan(found["yichuang_timer_due", timer]) is (whose == owner)
    for log in RELAYS:
        assert math.isnan(found["yichuang_relay_led", log]) is (log == owner)


def test_room_on_the_disk_is_told_where_there_is_a_directory(tmp_path: Path) -> None:
    hall = Hall(Settings(data_dir=tmp_path))
    hall.services.answers = dict(ANSWERS)
    found = figures(hall)
    assert 0 < found["yichuang_disk_free_bytes", ""] < found["yichuang_disk_size_bytes", ""]
    gone = Hall(Settings(data_dir=tmp_path / "none"))
    gone.services.answers = dict(ANSWERS)
    assert math.isnan(figures(gone)["yichuang_disk_free_bytes", ""])


@pytest.fixture(params=["memory", "rabbitmq"])
def broker(request: pytest.FixtureRequest, unique_name: str) -> str:
    """Address of a broker without queues."""
    if request.param == "memory":
        return f"memory:///{unique_name}"
    return str(request.getfixturevalue("rabbitmq_vhost"))


def test_queues_are_told_as_the_broker_has_them(broker: str) -> None:
    hall = Hall(Settings(amqp_uri=broker))
    hall.services.answers = dict(ANSWERS)
    assert math.isnan(figures(hall)["yichuang_queue_messages", topology.REJECTED])
    with connect(broker) as session:
        channel = session.channel()
        topology.declare(channel)
        channel.basic_consume(topology.FILING, callback=print)
        channel.send(b"{}", "", topology.REJECTED)
        found = eventually(lambda: _with_a_message(figures(hall)))
    assert found["yichuang_broker_up", ""] == 1
    assert found["yichuang_queue_consumers", topology.FILING] == 1
    assert found["yichuang_queue_messages", topology.FILING] == 0
    assert found["yichuang_queue_consumers", topology.NOTIFY] == 0


def _with_a_message(found: dict[tuple[str, str], float]) -> dict[tuple[str, str], float] | None:
    return found if found["yichuang_queue_messages", topology.REJECTED] == 1 else None


def test_queues_of_a_broker_that_is_away_are_not_known() -> None:
    hall = Hall(Settings(amqp_uri=f"amqp://127.0.0.1:{free_port()}//"))
    hall.services.answers = dict(ANSWERS)
    found = figures(hall)
    assert found["yichuang_broker_up", ""] == 0
    assert math.isnan(found["yichuang_queue_messages", topology.FILING])


def test_requests_are_counted_by_route_and_never_by_serial(hall: Hall) -> None:
    hall.ask("GET", "/api/v1/progress/SERIAL7?code=SECRET77")
    hall.ask("STRANGE", "/api/v1/items")
    text = hall.ask("GET", "/metrics").text
    assert 'yichuang_http_requests_total{method="GET",route="/api/v1/progress/{serial}",status="200"}' in text
    assert 'yichuang_http_seconds_bucket{le="0.005",route="/api/v1/progress/{serial}"}' in text
    assert "SERIAL7" not in text
    assert "STRANGE" not in text
