"""Commands on a log with cases in it: shown, verified, replayed, parked and requeued."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kernel.clock import FrozenClock, parse_time
from kernel.config import load_settings
from kernel.contracts.case import CaseReceived, CaseWithdrawn, Fact, dump_fact
from kernel.database import Database, open_database
from kernel.eventlog import Append, EventLog, NewEvent
from kernel.testing import full_disk, visits
from operations.cli import main
from operations.conftest import Another
from operations.consumers import CONSUMERS, following, of_log

NOW = FrozenClock("2026-02-09T09:00:00+08:00")
SERIALS = ["S1", "S2", "S3"]


def yichuang(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def lines(*words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in yichuang(*words, "--json").output.splitlines()]


def received(serial: str) -> CaseReceived:
    return CaseReceived(
        occurred_at=NOW.now(),
        by="account-1",
        item="I1",
        item_name="事项",
        item_version=1,
        department="11440100000001003W",
        department_name="部门",
        applicant="account-1",
        query_code_digest=f"digest of {serial}",
    )


def append(log: EventLog, serial: str, version: int, fact: Fact) -> None:
    event = NewEvent(
        id=f"{serial}-{version}",
        source="/filing",
        type=fact.TYPE,
        version=fact.VERSION,
        time=fact.occurred_at,
        data=dump_fact(fact),
        organ="11440100000001003W",
    )
    log.append(Append(stream=serial, expected_version=version, events=(event,)))


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EventLog:
    """The case log of an installation with three cases received."""
    for name in ("AMQP_URI", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert yichuang("migrate").exit_code == 0
    log = EventLog(filing(), NOW)
    for serial in SERIALS:
        append(log, serial, 0, received(serial))
    return log


def filing() -> Database:
    return open_database(load_settings(), "filing")


def catch_up(consumer: str) -> int:
    with following(load_settings(), consumer) as one:
        return one.follower.catch_up()


def withdraw(log: EventLog, serial: str, version: int = 1) -> None:
    append(log, serial, version, CaseWithdrawn(occurred_at=NOW.now(), by="account-1"))


def test_the_tail_shows_the_last_events_or_those_of_a_case(log: EventLog) -> None:
    withdraw(log, "S1")
    assert [line["position"] for line in lines("log", "tail")] == [1, 2, 3, 4]
    assert [line["subject"] for line in lines("log", "tail", "--limit", "2")] == ["S3", "S1"]
    assert [line["position"] for line in lines("log", "tail", "--after", "1", "--limit", "2")] == [2, 3]
    assert [line["type"] for line in lines("log", "tail", "--case", "S1")] == ["case.received", "case.withdrawn"]
    assert "S1  case.withdrawn" in yichuang("log", "tail").output


def test_status_says_how_far_each_consumer_is(log: EventLog) -> None:
    assert {one["checkpoint"] for one in lines("log", "status")[0]["consumers"]} == {0}
    for consumer in CONSUMERS:
        assert catch_up(consumer) == (3 if consumer in of_log("filing") else 0)
    found = lines("log", "status")[0]
    assert {one["consumer"] for one in found["consumers"] if one["checkpoint"] == 3} == set(of_log("filing"))
    assert {owner: one["head"] for owner, one in found["logs"].items()} == {"filing": 3, "appointment": 0, "catalog": 0}
    assert found["logs"]["filing"]["relay"]["position"] == 0


def test_a_sound_log_is_verified(log: EventLog) -> None:
    assert catch_up("progress") == 3
    assert lines("verify")[0]["position"] == 3
    assert yichuang("verify").output.startswith("sound up to position 3")


def test_a_changed_event_is_found_at_its_position(log: EventLog) -> None:
    with filing().write() as tx:
        tx.exec_driver_sql("DROP TRIGGER event_unchanged")
        tx.exec_driver_sql("UPDATE event SET body = replace(body, 'account-1', 'account-2') WHERE position = 2")
    broken = yichuang("verify")
    assert broken.exit_code == 1
    assert broken.stderr.startswith("Error: the log is broken at position 2")
    assert lines("verify")[0]["position"] == 2


def test_a_log_that_was_written_anew_is_not_the_one_that_consumers_have_read(log: EventLog, tmp_path: Path) -> None:
    catch_up("progress")
    for file in tmp_path.glob("filing.sqlite3*"):
        file.unlink()
    assert yichuang("migrate").exit_code == 0
    other = EventLog(filing(), NOW)
    for serial in ("S7", "S8", "S9"):
        append(other, serial, 0, received(serial))
    doubted = yichuang("verify")
    assert doubted.exit_code == 1
    assert "these have read: progress" in doubted.stderr
    (found,) = lines("verify")
    assert (found["sound"], found["consumers"], found["position"]) == (False, ["progress"], 3)
    assert "written anew" in found["reason"]


def test_a_tail_that_was_cut_off_is_found_by_those_who_have_read_it(log: EventLog) -> None:
    catch_up("progress")
    with filing().write() as tx:
        chain = tx.exec_driver_sql("SELECT chain FROM event WHERE position = 2").scalar_one()
        for name in tx.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all():
            tx.exec_driver_sql(f"DROP TRIGGER {name}")
        tx.exec_driver_sql("DELETE FROM event WHERE position = 3")
        tx.exec_driver_sql("UPDATE log_head SET position = 2, chain = ?", (chain,))
    (found,) = lines("verify")
    assert (found["sound"], found["position"], found["consumers"]) == (False, 3, ["progress"])
    assert found["reason"] == "it ends at position 2, and was read up to 3: its tail was cut off"
    assert "its tail was cut off" in yichuang("verify").stderr


def test_a_parked_case_is_shown_and_can_be_requeued(log: EventLog) -> None:
    withdraw(log, "S2")
    withdraw(log, "S2", 2)  # nobody may: filing would have refused it
    catch_up("progress")
    (bad,) = lines("parked", "list")
    assert (bad["consumer"], bad["position"], bad["stream"]) == ("progress", 5, "S2")
    assert bad["reason"]
    assert lines("parked", "list", "--consumer", "notify") == []
    assert parse_time(bad["parked_at"])
    again = lines("parked", "requeue", "S2", "--consumer", "progress")[0]
    assert (again["taken"], again["parked"], again["position"], again["reason"]) == (0, 1, 5, bad["reason"])
    failed = yichuang("parked", "requeue", "S2", "--consumer", "progress")
    assert failed.exit_code == 1
    assert failed.stderr.startswith("Error: progress took 0 events of S2; 1 are parked: it failed again, ")


def test_a_case_of_which_nothing_is_parked_cannot_be_requeued(log: EventLog) -> None:
    unknown = yichuang("parked", "requeue", "S9", "--consumer", "progress")
    assert unknown.exit_code == 1
    assert "nothing of S9 is parked by progress" in unknown.stderr


@pytest.fixture
def visits_log(log: EventLog) -> EventLog:
    """The log of visits of the same installation, with one visit booked."""
    visits_log = EventLog(open_database(load_settings(), "appointment"), NOW)
    visits_log.append(visits.appends(visits.NUMBER, [visits.booked()]))
    return visits_log


@pytest.mark.usefixtures("visits_log")
def test_the_log_of_visits_is_shown_and_followed() -> None:
    assert [line["type"] for line in lines("log", "tail", "--log", "appointment")] == ["visit.booked"]
    assert catch_up("notify-visits") == 1
    (found,) = lines("log", "status")
    assert found["logs"]["appointment"] == {"head": 1, "relay": found["logs"]["appointment"]["relay"]}
    assert {one["consumer"]: one["checkpoint"] for one in found["consumers"]}["notify-visits"] == 1
    told = lines("messages", "list", "--serial", visits.NUMBER)
    assert [(message["log"], message["type"]) for message in told] == [("appointment", "visit.booked")]


def test_a_parked_visit_is_shown_and_can_be_requeued(visits_log: EventLog) -> None:
    visits_log.append(visits.appends("UNKNOWN", [visits.moved()]))
    catch_up("notify-visits")
    (bad,) = lines("parked", "list", "--consumer", "notify-visits")
    assert (bad["stream"], bad["position"]) == ("UNKNOWN", 2)
    again = yichuang("parked", "requeue", "UNKNOWN", "--consumer", "notify-visits")
    assert again.exit_code == 1
    assert "before its visit.booked" in again.stderr


def test_times_are_rfc_3339(log: EventLog) -> None:
    found = lines("log", "status")[0]
    for time in (found["logs"]["filing"]["relay"]["leads_until"], found["consumers"][0]["oldest_unprocessed"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d", time)


def test_nothing_is_left_of_a_head_that_found_no_room(installations: Another, tmp_path: Path) -> None:
    installation, out = installations("postgresql"), tmp_path / "head.json"
    with full_disk():
        failed = installation.run("log", "head", "--out", str(out))
    assert (failed.exit_code, "can't be written" in failed.stderr) == (1, True)
    assert not out.exists()
    assert installation.run("log", "head", "--out", str(out)).exit_code == 0
