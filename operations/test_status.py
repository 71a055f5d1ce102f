"""`yichuang status`: what is wrong is found in the tables and named with what to type; on both databases."""

import io
import json
import signal
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from rich.console import Console

from kernel.clock import SystemClock, to_micros
from kernel.config import load_settings
from kernel.messaging import topology
from kernel.messaging.connection import connect
from kernel.testing import eventually, free_port
from operations.conftest import Another
from operations.consumers import CONSUMERS
from operations.heartbeat import beating
from operations.services import ALL, SERVICES
from operations.testing_installation import Installation
from operations.watch import asking
from operations.watch.judging import judge, size, span
from operations.watch.looking import look
from operations.watch.screen import fitting

LINE = tuple[str, str]


@pytest.fixture(autouse=True)
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """No gateway of anybody's answers."""
    monkeypatch.setenv("PORT", str(free_port()))


def told(installation: Installation) -> dict[str, Any]:
    (found,) = installation.lines("status")
    return found


def lines(found: dict[str, Any], level: str | None = None) -> dict[LINE, dict[str, Any]]:
    """By part and name; only those of a level, where one is given."""
    return {(one["part"], one["name"]): one for one in found["lines"] if level in (None, one["level"])}


def ago(**by: float) -> int:
    return to_micros(SystemClock().now() - timedelta(**by))


def test_a_hall_that_does_not_run_is_well_but_for_that(installation: Installation) -> None:
    installation.file(range(2))
    installation.follow(*CONSUMERS)
    found = told(installation)
    assert set(lines(found, "act")) == {("services", name) for name in SERVICES}
    assert {name for part, name in lines(found, "well") if part == "consumers"} == set(CONSUMERS)
    assert lines(found)["consumers", "progress"]["figures"]["checkpoint"] == 18
    assert lines(found)["services", "filing"]["do"] == "yichuang run"
    assert found["away"] == {}
    result = installation.run("status")
    assert result.exit_code == 1
    assert result.output.startswith("ACT ")
    assert datetime.fromisoformat(found["at"]).tzinfo


class _Lives(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def test_the_gateway_of_this_machine_is_asked_without_a_proxy(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    with HTTPServer(("127.0.0.1", 0), _Lives) as server:
        monkeypatch.setenv("PORT", str(server.server_port))
        Thread(target=server.handle_request, daemon=True).start()
        assert asking.gateway(load_settings()) == {"gateway": True}


def test_who_is_behind_and_what_is_not_published_is_named_with_its_age(installation: Installation) -> None:
    installation.file(range(1))
    old = ago(hours=2)
    installation.change("filing", *_unguarded(installation, f"UPDATE event SET recorded_at = {old} WHERE position = 1"))
    found = lines(told(installation), "act")
    assert {name for part, name in found if part == "consumers"} == {"progress", "notify", "catalog"}
    assert "2 h old" in found["consumers", "progress"]["says"]
    assert found["consumers", "notify"]["figures"]["oldest_unprocessed_seconds"] > 7199
    assert "2 h behind; nobody leads" in found["relays", "filing"]["says"]
    assert found["relays", "filing"]["do"] == "yichuang healthy relay"


def _unguarded(installation: Installation, statement: str) -> list[str]:
    """The database refuses changes to events; what it refuses with is put aside for this one."""
    if installation.database("filing").dialect == "postgresql":
        return ["ALTER TABLE event DISABLE TRIGGER USER", statement, "ALTER TABLE event ENABLE TRIGGER USER"]
    triggers = installation.rows(
        "filing", "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'event'"
    )
    return [*(f"DROP TRIGGER {name}" for (name,) in triggers), statement]


def test_timers_that_are_late_are_named_with_how_much_is_due(installation: Installation) -> None:
    installation.change(
        "filing",
        f"INSERT INTO clock_look (serial, look_at) VALUES ('S1', {ago(hours=3)}), ('S2', {ago(minutes=2)}),"
        f" ('S3', {ago(days=-1)})",
    )
    installation.change(
        "appointment", f"INSERT INTO place_return (id, slot, due_at) VALUES ('r1', 1, {ago(minutes=2)})"
    )
    found = lines(told(installation))
    late = found["timers", "deadlines"]
    assert (late["level"], late["says"], late["do"]) == ("act", "2 due, the first for 3 h", "yichuang healthy filing")
    assert (found["timers", "places"]["level"], found["timers", "places"]["figures"]["due"]) == ("look", 1)
    assert found["timers", "holds"]["level"] == "well"


def test_providers_that_fail_messages_and_replies_that_wait_are_named(installation: Installation) -> None:
    installation.change(
        "notify",
        "INSERT INTO provider_answer (provider, failures_running, accepted, failed, answered_at, accepted_at, reason)"
        f" VALUES ('sms', 7, 3, 9, {ago(minutes=1)}, {ago(hours=2)}, 'http_503'),"
        f" ('smtp', 1, 0, 1, {ago()}, NULL, 'no')",
        "INSERT INTO message (id, serial, position, source, event_id, type, channel, language, recipient, text, state,"
        " attempts, claim, unsure, due_at, created_at, updated_at, log) VALUES ('m1', 'S1', 1, '/filing', 'e1', 't',"
        f" 'sms', 'zh-Hans', 'a1', '…', 'failed_for_now', 1, 1, {_no(installation)}, {ago(minutes=30)}, {ago(hours=1)},"
        f" {ago(minutes=30)}, 'filing')",
    )
    installation.change(
        "filing",
        "INSERT INTO pending_reply (id, organ, source, event_id, subject) VALUES ('p1', 'O', '/d', 'e1', 'S1')",
    )
    found = lines(told(installation))
    sms = found["providers", "sms"]
    assert sms["level"] == "act"
    assert sms["says"] == "took its last message 2 h ago, 9 failures; 7 running: http_503"
    assert (found["providers", "smtp"]["level"], "taken nothing" in found["providers", "smtp"]["says"]) == (
        "look",
        True,
    )
    unsent = found["messages", "unsent"]
    assert (unsent["level"], unsent["says"]) == ("act", "1 failed_for_now; the oldest unsent is 1 h old")
    assert found["timers", "messages"]["level"] == "act"
    assert (found["filing", "unsent_replies"]["level"], found["filing", "unsent_replies"]["says"]) == ("look", "1")


def _no(installation: Installation) -> str:
    return "FALSE" if installation.database("notify").dialect == "postgresql" else "0"


def test_parked_cases_are_counted_by_case(installation: Installation) -> None:
    values = ", ".join(f"('progress', {n}, 'S{n // 2}', 't', NULL, 1)" for n in range(4))
    installation.change(
        "progress", f"INSERT INTO parked (consumer, position, stream, type, reason, parked_at) VALUES {values}"
    )
    parked = lines(told(installation))["parked cases", "progress"]
    assert (parked["level"], parked["says"], parked["do"]) == ("act", "2 parked", "yichuang parked list")


def test_each_service_tells_how_much_it_keeps_and_the_disk_how_much_is_free(installation: Installation) -> None:
    found = lines(told(installation))
    assert found["disk", "filing's tables"]["figures"]["database_bytes"] > 0
    assert found["disk", "DATA_DIR"]["figures"]["free_bytes"] > 0


def test_where_there_are_no_tables_it_says_how_to_make_them(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "new"))
    for name in ("AMQP_URI", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    installation = Installation(tmp_path)
    found = lines(told(installation))
    assert found["away", "filing's tables"]["do"] == "yichuang migrate"
    assert installation.run("status").exit_code == 1
    assert list((tmp_path / "new").glob("*.sqlite3")) == []


def test_databases_that_are_away_are_said_and_end_with_3(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    monkeypatch.delenv("AMQP_URI", raising=False)
    installation = Installation(tmp_path)
    found = told(installation)
    assert {"filing's tables", "progress's tables"} <= set(found["away"])
    assert installation.run("status", "--json").exit_code == 3


@pytest.fixture
def distributed(installations: Another) -> Installation:
    """Services that share a database, as they do where they share a broker."""
    return installations("postgresql")


def test_a_distributed_hall_is_asked_over_rabbitmq(
    distributed: Installation, rabbitmq_vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMQP_URI", rabbitmq_vhost)
    missing = lines(told(distributed))["queues", topology.FILING]
    assert (missing["level"], "is not there" in missing["says"]) == ("act", True)
    with connect(rabbitmq_vhost) as session:
        channel = session.channel()
        topology.declare(channel)
        channel.basic_consume(topology.PROGRESS, callback=print)
        channel.send(b"{}", "", topology.REJECTED)
        found = eventually(lambda: _with_dead_letter(lines(told(distributed))))
    assert found["queues", topology.PROGRESS]["level"] == "well"
    assert found["queues", topology.NOTIFY]["figures"] == {"messages": 0, "consumers": 0}
    assert found["queues", topology.NOTIFY]["do"] == "yichuang healthy notify"
    assert found["queues", topology.REJECTED]["do"] == "yichuang dead-letters list"
    assert found["services", "filing"]["level"] == "act"


def _with_dead_letter(found: dict[LINE, dict[str, Any]]) -> dict[LINE, dict[str, Any]] | None:
    return found if found["queues", topology.REJECTED]["figures"]["messages"] == 1 else None


def test_a_broker_that_is_away_is_said_and_ends_with_3(
    distributed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMQP_URI", f"amqp://127.0.0.1:{free_port()}//")
    found = told(distributed)
    assert set(found["away"]) == {"RabbitMQ"}
    assert lines(found)["services", "notify"]["says"] == "not known while RabbitMQ is away"
    assert lines(found)["consumers", "progress"]["level"] == "well"
    assert distributed.run("status").exit_code == 3


def test_watching_looks_again_until_it_is_interrupted(installation: Installation) -> None:
    with installation.process("status", "--watch", "0.2", "--json") as watching:
        eventually(lambda: watching.output.count('"lines"') >= 2, timeout=60)
        watching.process.send_signal(signal.SIGINT)
        assert watching.wait() == 1
    times = [json.loads(line)["at"] for line in watching.output.splitlines() if line.startswith("{")]
    assert times == sorted(set(times))


def fitted(installation: Installation, width: int, height: int) -> list[str]:
    """The lines of a screen of that size."""
    seen = look(load_settings())
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=False)
    console.print(fitting(seen, judge(seen), console))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("width", "height"), [(80, 30), (80, 24), (40, 30), (40, 12)])
def test_what_is_not_well_comes_first_on_a_screen_too_small_for_all(
    installations: Another, width: int, height: int
) -> None:
    installation = installations("sqlite")
    values = f"('progress', 1, 'S1', 't', NULL, {ago()})"
    installation.change(
        "progress", f"INSERT INTO parked (consumer, position, stream, type, reason, parked_at) VALUES {values}"
    )
    shown = fitted(installation, width, height)
    assert len(shown) <= height
    assert shown[0].startswith("ACT ")
    told = " ".join(shown)
    assert "1 parked" in told or "more that are not well: yichuang status" in " ".join(told.split())
    assert "12 timers" in told
    assert max(map(len, shown)) <= width
    assert "yichuang parked list" in " ".join(" ".join(fitted(installation, width, 40)).split())


def test_where_there_is_room_all_is_shown(installations: Another) -> None:
    shown = "\n".join(fitted(installations("sqlite"), 120, 100))
    assert all(name in shown for name in ("holds", "unsent", "DATA_DIR", "statistics"))


def test_a_hall_that_lives_on_another_port_is_not_called_down(installations: Another) -> None:
    installation = installations("sqlite")
    with beating(load_settings().data_dir, [ALL]):
        found = lines(told(installation))
    gateway, filing = found["services", "gateway"], found["services", "filing"]
    assert (gateway["level"], gateway["do"]) == ("act", "PORT=... yichuang status")
    assert "has the hall another PORT?" in gateway["says"]
    assert (filing["level"], filing["do"]) == ("look", "")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min"), (7300, "2 h"), (200_000, "2 d")]
)
def test_ages_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0 B"), (2048, "2 KiB"), (5 << 20, "5 MiB"), (3 << 40, "3.0 TiB")])
def test_sizes_in_words(count: int, words: str) -> None:
    assert size(count) == words
