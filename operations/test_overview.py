"""`yichuang status`: one screen of a hall, with and without its broker and databases."""

import json
import re
from pathlib import Path
from typing import Any

import pika
import pytest

from kernel.messaging.topology import NOTIFY
from kernel.testing import free_port
from operations.heartbeat import beating
from operations.testing_installation import Installation


def look(installation: Installation) -> dict[str, Any]:
    (found,) = installation.lines("status")
    return found


def test_a_hall_at_rest_has_nothing_to_look_at(installation: Installation) -> None:
    installation.file([1])
    installation.follow("progress", "notify", "catalog")
    with beating(_data_dir(), ["progress"]):
        found = look(installation)
        screen = installation.run("status")
    assert (found["warnings"], found["away"], found["overdue_looks"]) == ([], {}, 0)
    assert found["logs"]["filing"] == {"head": 9, "relay": 0, "relay_behind": 9, "relay_leads": False}
    lacks = {one["consumer"]: one["oldest_unprocessed_seconds"] for one in found["consumers"]}
    assert set(lacks) == {"progress", "notify", "notify-visits", "catalog", "statistics"}
    assert set(lacks.values()) == {0.0}
    assert found["messages"]["counts"]["created"] > 0
    assert found["services"]["progress"] < 15
    assert found["disk"]["free_bytes"] > 0
    assert screen.exit_code == 0
    assert "nothing to look at" in screen.stdout
    assert re.search(r"progress +– +9 +9 +0", screen.stdout)


def _data_dir() -> Path:
    from kernel.config import load_settings

    return load_settings().data_dir


def test_what_is_late_parked_or_unsent_is_said_first(installation: Installation) -> None:
    installation.file([1])
    installation.follow("notify")
    installation.change("filing", "INSERT INTO clock_look VALUES ('S-1', 1)")
    installation.change("notify", "UPDATE message SET created_at = 1")
    installation.change("progress", "INSERT INTO parked VALUES ('progress', 5, 'S-1', 'case.step', 'no', 1)")
    told = installation.run("status")
    assert told.exit_code == 1
    for words in (
        "progress has parked 1 events",
        "the oldest unsent message is",
        "1 cases wait for filing to look at the clock",
    ):
        assert words in told.stdout


def test_watching_looks_again_and_again(installation: Installation) -> None:
    with installation.process("status", "--watch", "--json", "--interval", "0.2") as watching:
        watching.wait_for_line('"head": 0')
        installation.file([1])
        assert json.loads(watching.wait_for_line('"head": 9'))["logs"]["filing"]["head"] == 9
    with installation.process("status", "--watch", "--interval", "0.2") as screen:
        screen.wait_for_line("consumers")


def test_queues_are_counted_and_a_missing_one_is_said(
    installations: Any, rabbitmq_vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = installations("postgresql")
    monkeypatch.setenv("AMQP_URI", rabbitmq_vhost)
    with pika.BlockingConnection(pika.URLParameters(rabbitmq_vhost)) as connection:
        connection.channel().queue_declare(NOTIFY, durable=True)
    found = look(installation)
    assert found["queues"][NOTIFY] == {"messages": 0, "consumers": 0}
    assert "queue progress.case-events is missing" in found["warnings"]


def test_what_is_away_is_said_and_the_rest_is_shown(installations: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    installation = installations("postgresql")
    monkeypatch.setenv("AMQP_URI", f"amqp://guest:guest@127.0.0.1:{free_port()}//")
    found = look(installation)
    assert (found["queues"], set(found["away"])) == (None, {"broker"})
    assert found["logs"]["filing"]["head"] == 0
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    told = installation.run("status")
    assert told.exit_code == 1
    assert "! logs: " in told.stdout
