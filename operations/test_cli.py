"""The command line as a whole, and those commands that need no hall."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pika
import pytest
from click.testing import CliRunner, Result

from kernel.config import load_settings
from kernel.contracts.case import CaseStep, load_fact
from kernel.messaging.topology import REJECTED
from kernel.testing import eventually, free_port
from operations.cli import main
from operations.commands import replay as commands
from operations.commands.dead_letters import _lines
from operations.commands.running import _welcome
from operations.consumers import CONSUMERS, LOGS
from operations.dead_letters import DeadLetter
from operations.heartbeat import beating
from operations.setup.backing_services import Broker
from operations.setup.rabbitmq import user_in
from operations.testing import PretendHall

ORGAN = "11440100007482532L"
EVENT = ["department", "publish", "--organ", ORGAN, "--type", "case.step", "--serial", "S1"]


def _walk(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from _walk(child, *path, name)


COMMANDS = dict(_walk(main))
ANSWERING = [path for path, command in COMMANDS.items() if not isinstance(command, click.Group)]


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AMQP_URI", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    return tmp_path


def yichuang(*words: str, said: str = "") -> Result:
    return CliRunner().invoke(main, words, input=said)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(path: tuple[str, ...]) -> None:
    shown = yichuang(*path, "--help")
    assert shown.exit_code == 0
    assert "Example:\n" in shown.output
    assert f"yichuang {' '.join(path)}".strip() in shown.output.split("Example:")[1]


@pytest.mark.parametrize("path", ANSWERING, ids=" ".join)
def test_every_command_says_what_its_exit_codes_mean(path: tuple[str, ...]) -> None:
    assert "Exit codes: 0 done; 1 refused" in yichuang(*path, "--help").output


@pytest.mark.parametrize("path", sorted(set(ANSWERING) - {("run",), ("serve",)}), ids=" ".join)
def test_every_command_that_answers_can_answer_in_json(path: tuple[str, ...]) -> None:
    assert "--json" in yichuang(*path, "--help").output


def test_the_consumers_that_commands_know_are_those_that_there_are() -> None:
    assert set(commands.CONSUMERS) == set(CONSUMERS)


def test_a_new_installation_is_migrated_and_its_empty_log_is_sound(data_dir: Path) -> None:
    for words in (("log", "tail"), ("log", "status"), ("verify",), ("replay", "progress")):
        assert yichuang(*words).exit_code == 1
        assert "yichuang migrate" in yichuang(*words).stderr
    assert json.loads(yichuang("migrate", "--json").output) == {
        "migrated": ["accounts", "appointment", "catalog", "filing", "progress", "notify", "desk"]
    }
    assert yichuang("log", "tail").output == ""
    found = json.loads(yichuang("verify", "--json").output)
    assert (found["sound"], found["position"]) == (True, 0)
    assert json.loads(yichuang("replay", "progress", "--json").output)["events"] == 0
    logs = json.loads(yichuang("log", "status", "--json").output)["logs"]
    assert [(owner, one["head"], one["relay"]["position"]) for owner, one in logs.items()] == [
        (owner, 0, 0) for owner in LOGS
    ]
    assert yichuang("parked", "list").output == "nothing is parked\n"


def test_staff_are_added_and_a_wrong_one_is_refused_with_the_field(data_dir: Path) -> None:
    added = yichuang(
        "staff", "add", "li.na", "--role", "operator", "--password-stdin", "--json", said="a long secret\n"
    )
    assert added.exit_code == 0
    assert json.loads(added.output)["role"] == "operator"
    refused = yichuang("staff", "add", "LI", "--role", "operator", "--password-stdin", said="a long secret\n")
    assert refused.exit_code == 1
    assert "name" in refused.stderr


def test_wrong_settings_are_named_all_at_once(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "high")
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    refused = yichuang("migrate")
    assert refused.exit_code == 2
    assert "PORT" in refused.stderr
    assert "LOG_LEVEL" in refused.stderr


def test_a_database_that_is_away_is_said_in_a_line(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    refused = yichuang("verify")
    assert refused.exit_code == 3
    assert refused.stderr.startswith("Error: the database can't be reached")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("log", "tail"), "no_tables", 1),
        (("log", "tail", "--before", "2026-01-01T00:00:00Z", "--follow"), "wrong_usage", 2),
        (("replay", "progress"), "no_tables", 1),
        (("parked", "requeue", "--consumer", "progress"), "wrong_usage", 2),
        (("parked", "show", "S1", "--consumer", "progress"), "no_tables", 1),
        (("dead-letters", "list"), "refused", 1),
        (("messages", "resend", "--why", "w"), "wrong_usage", 2),
        (("archive", "verify", "none"), "archive_unread", 1),
        (("department", "publish", "--organ", "O", "--type", "t", "--serial", "S", "--data", "{"), "wrong_usage", 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_who_asks_for_json_is_refused_in_json(
    data_dir: Path, words: tuple[str, ...], code: str, exit_code: int
) -> None:
    refused = yichuang(*words, "--json")
    told = json.loads(refused.stdout)
    assert (told["code"], refused.exit_code, refused.stderr) == (code, exit_code, "")
    assert told["detail"] in yichuang(*words).stderr


def test_so_are_wrong_settings_and_wrong_fields(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("staff", "add", "LI", "--role", "operator", "--password-stdin", "--json")
    wrong = json.loads(yichuang(*words, said="a long secret\n").stdout)
    assert (wrong["code"], [error["field"] for error in wrong["errors"]]) == ("invalid_input", ["name"])
    monkeypatch.setenv("PORT", "high")
    refused = yichuang("migrate", "--json")
    assert (json.loads(refused.stdout)["code"], refused.exit_code) == ("wrong_usage", 2)


def test_nobody_is_healthy_where_nothing_runs(data_dir: Path) -> None:
    assert yichuang("healthy", "filing").exit_code == 1
    told = json.loads(yichuang("healthy", "--json").output)
    assert (told["healthy"], told["silent"]) == (False, ["(none)"])


def test_the_one_process_of_an_embedded_hall_is_the_sign_of_life_of_each_service(data_dir: Path) -> None:
    with beating(data_dir, ["all"]):
        assert yichuang("healthy", "filing", "gateway").exit_code == 0
        assert yichuang("healthy", "nobody").exit_code == 1


def test_an_event_that_is_taken_is_answered_with_its_position(hall: PretendHall) -> None:
    words = (*EVENT, "--data", '{"step_name": "审查"}', "--id", "e1", "--by", "officer-7", "--amqp-uri", hall.uri)
    assert yichuang(*words).output == "e1 is on the log of case S1 at position 1\n"
    _, routing_key, heard = hall.heard[0]
    assert routing_key == f"{ORGAN}.case.step"
    assert (heard["data"]["step_name"], heard["data"]["by"]) == ("审查", "officer-7")
    again = json.loads(yichuang(*words, "--json").output)
    assert (again["appended"], again["id"], again["position"]) == (True, "e1", 2)


def test_an_event_that_is_refused_ends_with_1_and_says_what_is_allowed(hall: PretendHall) -> None:
    hall.answer = lambda event: {"code": "not_now", "detail_en": "Not now.", "state": "decided", "allowed": ["a.b"]}
    refused = yichuang(*EVENT, "--amqp-uri", hall.uri)
    assert refused.exit_code == 1
    assert refused.stderr == "Error: refused (not_now): Not now.\nState: decided; allowed there: a.b\n"
    assert json.loads(yichuang(*EVENT, "--amqp-uri", hall.uri, "--json").output)["appended"] is False


@pytest.mark.parametrize(
    "more",
    [
        ["--data", "{"],
        ["--data", "[]"],
        ["--data", "{}", "--data-file", __file__],
        ["--amqp-uri", "memory://"],
        ["--url", "http://127.0.0.1:1"],  # without a key
    ],
    ids=["not JSON", "not an object", "data twice", "no broker", "no key"],
)
def test_wrong_usage_ends_with_2(more: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AMQP_URI", "DEPARTMENT_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert yichuang(*EVENT, *more).exit_code == 2


def test_no_answer_ends_with_3_and_says_how_to_repeat(hall: PretendHall) -> None:
    hall.answer = lambda event: None
    silent = yichuang(*EVENT, "--amqp-uri", hall.uri, "--id", "e1", "--timeout", "3")
    assert silent.exit_code == 3
    assert "Repeat with --id e1" in silent.stderr


def test_the_fields_that_are_wrong_are_named(hall: PretendHall) -> None:
    errors = [{"field": "data.step_name", "message": "Missing data for required field."}]
    hall.answer = lambda event: {"code": "invalid_input", "detail_en": "Not valid.", "errors": errors}
    refused = yichuang(*EVENT, "--amqp-uri", hall.uri)
    assert refused.exit_code == 1
    assert "refused (invalid_input): Not valid.\n  data.step_name: Missing data" in refused.stderr


def test_a_broker_that_refuses_the_user_ends_with_1_and_says_so(
    hall: PretendHall, rabbitmq_broker: Broker, rabbitmq_vhost: str
) -> None:
    wrong = yichuang(*EVENT, "--amqp-uri", user_in(hall.uri, "guest", "wrong"))
    vhost = unquote(urlsplit(rabbitmq_vhost).path[1:])
    of_another = rabbitmq_broker.add_department("11440100TESTS0099X", "secret", vhost)
    forbidden = yichuang(*EVENT, "--amqp-uri", of_another)
    for refused in (wrong, forbidden):
        assert refused.exit_code == 1, refused.stderr
        assert "refuses this user; check the name, password and rights" in refused.stderr


def test_the_example_of_an_event_is_one_that_a_department_may_send() -> None:
    shown = yichuang("department", "publish", "--help").output
    type_, data = re.search(r"--type (\S+).*--data '(.*?)'", shown, re.DOTALL).groups()
    told = {"occurred_at": "2026-02-09T09:00:00+08:00", "by": "officer-7", **json.loads(data)}
    assert isinstance(load_fact(type_, 1, told), CaseStep)


@pytest.mark.parametrize("organ", ["", "a b", "x;reboot", "$(reboot)", "1144\nreboot", "机构"])
@pytest.mark.parametrize("command", ["key", "rights"])
def test_what_is_no_organ_code_is_wrong_usage_before_anything_is_done(data_dir: Path, command: str, organ: str) -> None:
    refused = yichuang("department", command, "--", organ)
    assert refused.exit_code == 2
    assert "is no organ code" in refused.stderr
    assert list(data_dir.iterdir()) == []
    assert refused.stdout == ""


@pytest.mark.parametrize(
    ("uri", "more", "vhost"),
    [
        (None, [], "/"),
        ("memory://", [], "/"),
        ("amqp://u:p@h:5672//", [], "/"),
        ("amqp://u:p@h:5672/%2F", [], "/"),
        ("amqp://u:p@h:5672/hall", [], "hall"),
        ("amqp://u:p@h:5672/hall", ["--vhost", "x y"], "x y"),
    ],
)
def test_rights_are_for_the_virtual_host_of_the_hall(
    monkeypatch: pytest.MonkeyPatch, uri: str | None, more: list[str], vhost: str
) -> None:
    monkeypatch.delenv("AMQP_URI", raising=False)
    if uri is not None:
        monkeypatch.setenv("AMQP_URI", uri)
    for line in yichuang("department", "rights", ORGAN, *more).output.splitlines():
        words = shlex.split(line)
        assert words[words.index("--vhost") + 1] == vhost


@pytest.mark.parametrize(
    "words",
    [
        ("messages", "resend", "--missing", "9" * 30, "--why", "w"),
        ("messages", "resend", "", "--why", "w"),
        ("messages", "list", "--limit", "9" * 30),
        ("log", "tail", "--after", "9" * 30),
        ("log", "show", ""),
        ("archive", "export", "nowhere", "--to", "9" * 30),
        ("status", "--watch", "nan"),
        ("status", "--watch", "inf"),
    ],
    ids=lambda words: " ".join(words[:3]),
)
def test_what_no_number_or_name_can_be_is_wrong_usage(data_dir: Path, words: tuple[str, ...]) -> None:
    refused = yichuang(*words)
    assert refused.exit_code == 2
    assert refused.stderr.startswith("Usage: ")


def test_a_hall_out_of_reach_ends_with_3() -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    assert yichuang(*EVENT, "--amqp-uri", f"amqp://a:b@{nowhere}//", "--timeout", "0.3").exit_code == 3
    assert yichuang(*EVENT, "--url", f"http://{nowhere}", "--key", "k", "--timeout", "1").exit_code == 3


def test_dead_letters_are_shown_and_stay(rabbitmq_vhost: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMQP_URI", rabbitmq_vhost)
    monkeypatch.setenv("DATABASE_URL", "postgresql://not-used/here")
    with pika.BlockingConnection(pika.URLParameters(rabbitmq_vhost)) as connection:
        channel = connection.channel()
        channel.queue_declare(REJECTED, durable=True, arguments={"x-queue-type": "quorum"})
        for body in ("one", "two", "three"):
            headers = {"user_id": ORGAN, "routing_key": f"{ORGAN}.x", "reason": "invalid_json", "detail": "Not JSON."}
            channel.basic_publish("", REJECTED, body.encode(), pika.BasicProperties(headers=headers))

    def bodies(*more: str) -> list[str]:
        shown = yichuang("dead-letters", "list", "--json", *more).output.splitlines()
        return [json.loads(line)["body"] for line in shown]

    assert eventually(lambda: len(bodies()) == 3 and bodies()) == ["one", "two", "three"]
    assert f"{ORGAN}, {ORGAN}.x: Not JSON. (invalid_json)\n  one" in yichuang("dead-letters", "list").output
    assert bodies("--limit", "2") == ["one", "two"]


def test_a_dead_letter_without_a_sender_can_be_read() -> None:
    letter = DeadLetter(user="", routing_key="", reason="identity_missing", detail="No user_id.", body="{\x1b[2J审查")
    assert _lines(letter) == "(no sender given), (no routing key): No user_id. (identity_missing)\n  {\\x1b[2J审查"


@pytest.mark.parametrize("terminal", [True, False])
def test_whoever_looks_is_told_where_the_hall_is(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    _welcome(load_settings({"PORT": "8765", "SECRET_KEY": "5a" * 32}))
    assert ("http://127.0.0.1:8765/health/ready" in capsys.readouterr().err) is terminal
