"""Health and figures: right when all is well, and honest when somebody is missing."""

import threading
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.health import ask_all
from gateway.samples import ANSWERS
from gateway.testing import Hall
from kernel.contracts.notify import COUNTED
from kernel.errors import RemoteFault, ServiceDown, ServiceSlow


@pytest.fixture
def hall() -> Hall:
    made = Hall()
    made.services.answers = dict(ANSWERS)
    return made


def figures(hall: Hall) -> dict[tuple[str, str], float]:
    text = hall.ask("GET", "/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    labels = [one.labels.get("consumer", "") or one.labels.get("state", "") for one in samples]
    return {(one.name, label): one.value for one, label in zip(samples, labels, strict=True) if "http" not in one.name}


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
    for consumer in ("progress", "notify", "notify-visits", "appointment"):
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


def test_requests_are_counted_by_route_and_never_by_serial(hall: Hall) -> None:
    hall.ask("GET", "/api/v1/progress/SERIAL7?code=SECRET77")
    hall.ask("STRANGE", "/api/v1/items")
    text = hall.ask("GET", "/metrics").text
    assert 'yichuang_http_requests_total{method="GET",route="/api/v1/progress/{serial}",status="200"}' in text
    assert 'yichuang_http_seconds_bucket{le="0.005",route="/api/v1/progress/{serial}"}' in text
    assert "SERIAL7" not in text
    assert "STRANGE" not in text
