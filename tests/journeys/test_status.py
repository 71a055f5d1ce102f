"""An operator looks at a hall that runs: everything answers, and nothing is to be acted on."""

import json
from typing import Any

from kernel.messaging.topology import QUEUES
from kernel.testing import eventually
from operations.services import SERVICES
from tests.hall import Hall
from tests.journeys.conftest import Town


def status(hall: Hall) -> tuple[int, dict[str, Any]]:
    with hall.command("status", "--json") as command:
        code = command.wait(60)
        return code, json.loads(command.output.splitlines()[-1])


def settled(hall: Hall) -> dict[str, Any]:
    """What is seen when there is nothing to act on; fails with what there is."""
    code, found = status(hall)
    acts = [(line["part"], line["name"], line["says"]) for line in found["lines"] if line["level"] == "act"]
    assert (code, acts) == (0, [])
    return found


def test_a_hall_that_runs_has_nothing_to_act_on(town: Town) -> None:
    found = eventually(lambda: settled(town.hall), timeout=60)
    assert found["away"] == {}
    up = {line["name"] for line in found["lines"] if line["part"] == "services" and line["level"] == "well"}
    assert up == set(SERVICES)
    queues = {line["name"]: line["figures"]["consumers"] for line in found["lines"] if line["part"] == "queues"}
    assert set(queues) == {queue.name for queue in QUEUES}
    led = {line["name"]: line["figures"]["led"] for line in found["lines"] if line["part"] == "relays"}
    assert led == {"filing": True, "appointment": True, "catalog": True}


def test_prometheus_is_told_the_same(town: Town) -> None:
    told = town.hall.call("GET", "//metrics").text
    assert "yichuang_broker_up 1.0" in told
    assert 'yichuang_queue_consumers{queue="progress.case-events"} 1.0' in told
    assert 'yichuang_relay_led{log="filing"} 1.0' in told
    assert 'yichuang_timer_due{timer="deadlines"} 0.0' in told
    assert "yichuang_disk_free_bytes NaN" not in told
