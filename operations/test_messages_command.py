"""`yichuang messages list`: what operators see of the messages to applicants."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kernel.clock import FrozenClock
from kernel.contracts.notify import STATES, Message
from kernel.database import migrate, open_url
from kernel.eventlog import EventLog
from kernel.eventlog.following import Follower
from kernel.testing.cases import START, appends, corrected_and_concluded, make_log, received
from operations.cli import main
from operations.commands import messages as command
from services.notify.adapters.projection import CaseMessages
from services.notify.bootstrap import MIGRATIONS


def listed(*words: str) -> Result:
    return CliRunner().invoke(main, ["messages", "list", *words])


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cases: S-1 with two messages, S-2 with one that failed for good."""
    for name in ("AMQP_URI", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    notify = open_url(f"sqlite:///{tmp_path}/notify.sqlite3", "notify")
    migrate(notify, MIGRATIONS)
    filing, clock = make_log(open_url(f"sqlite:///{tmp_path}/filing.sqlite3", "filing")), FrozenClock(START)
    log = EventLog(filing, clock)
    log.append(appends("S-1", corrected_and_concluded()[:2]))
    log.append(appends("S-2", [received()]))
    Follower(CaseMessages(clock), notify, log, clock).catch_up()
    with notify.write() as tx:
        tx.exec_driver_sql(
            "UPDATE message SET state = 'failed_for_good', due_at = NULL, attempts = 8, reason = 'http_503'"
            " WHERE serial = 'S-2'"
        )
    notify.close()
    filing.close()


def test_the_states_that_the_command_knows_are_those_that_there_are() -> None:
    assert command.STATES == STATES


@pytest.mark.usefixtures("told")
def test_messages_are_listed_newest_first() -> None:
    lines = [json.loads(line) for line in listed("--json").output.splitlines()]
    assert [(line["serial"], line["type"]) for line in lines] == [
        ("S-2", "case.received"),
        ("S-1", "case.incomplete"),
        ("S-1", "case.received"),
    ]
    assert Message(many=True).validate(lines) == {}
    assert len(listed("--json", "--limit", "2").output.splitlines()) == 2


@pytest.mark.usefixtures("told")
def test_messages_of_a_case_or_in_a_state_are_listed() -> None:
    assert [json.loads(line)["type"] for line in listed("--serial", "S-1", "--json").output.splitlines()] == [
        "case.incomplete",
        "case.received",
    ]
    (line,) = listed("--state", "failed_for_good").output.splitlines()
    assert line.startswith("2026-02-09T09:00:00")
    assert "failed_for_good S-2  case.received    sms" in line
    assert line.endswith("http_503 (8 attempts)")
    assert listed("--serial", "S-1", "--state", "failed_for_good").output == "there are no such messages\n"


def test_without_tables_it_says_how_to_make_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    refused = listed()
    assert refused.exit_code == 1
    assert "yichuang migrate" in refused.stderr
