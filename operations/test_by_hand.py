"""What operators do by hand: dead letters taken again or given up, parked cases requeued or skipped; all audited."""

import json
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pika
import pytest
import sqlalchemy as sa
from click.testing import Result

from kernel.config import load_settings
from kernel.contracts.case import CaseWithdrawn
from kernel.contracts.department import source_of
from kernel.contracts.envelope import dataschema
from kernel.messaging.topology import REJECTED
from kernel.testing import Process, eventually
from kernel.testing.cases import ORGAN, START, appends, corrected_and_concluded
from operations.dead_letters import taken
from operations.desk import audited, operator
from operations.testing_installation import Installation, serial
from services.progress.adapters.projection import CaseProjection

WHY = ("--why", "told on the phone", "--by", "li.na")
WITHDRAWN = CaseWithdrawn(occurred_at=START, by="account-1")


def acts(installation: Installation) -> list[tuple[str, str, str, str, str]]:
    """What the desk's log says: how it went, what, to what, who, why."""
    told = installation.lines("log", "tail", "--log", "desk", "--limit", "100")
    return [(one["type"], *(one["data"][name] for name in ("act", "by", "why")), one["subject"]) for one in told]


@pytest.fixture
def stuck(installation: Installation) -> Installation:
    """Two cases whose tenth event nobody can follow, and an eleventh behind it."""
    for number in (1, 2):
        installation.file([number])
        installation.log.append(appends(serial(number), [WITHDRAWN, WITHDRAWN], 9))
    installation.follow("progress")
    return installation


def test_a_parked_case_is_shown_with_its_events_and_what_to_do(stuck: Installation) -> None:
    bad, behind = stuck.lines("parked", "show", serial(1), "--consumer", "progress")
    assert (bad["position"], behind["position"], behind["reason"]) == (10, 11, None)
    assert bad["reason"] == f"case.withdrawn is not allowed in state concluded of {serial(1)}"
    assert bad["data"]["by"] == "account-1"
    assert "skip" in bad["fix"]
    assert (
        "To do: the log has what its case's state does not allow"
        in stuck.run("parked", "show", serial(1), "--consumer", "progress").stdout
    )
    nothing = stuck.run("parked", "show", serial(9), "--consumer", "progress")
    assert nothing.exit_code == 1
    assert f"nothing of {serial(9)} is parked by progress" in nothing.stderr


def test_requeueing_all_takes_each_case_in_order_and_says_who_failed_again(
    stuck: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = stuck.run("parked", "requeue", "--all", "--consumer", "progress", *WHY)
    assert failed.exit_code == 1
    assert "took again 0 cases; 2 failed again" in failed.stderr
    # A version that mends it: what could not be taken is left out.
    monkeypatch.setattr(CaseProjection, "apply", lambda self, tx, events: None)
    assert stuck.run("parked", "requeue", "--all", "--consumer", "progress", *WHY).exit_code == 0
    assert stuck.lines("parked", "list") == []
    targets = [target for type_, *_, target in acts(stuck) if type_ == "desk.done"]
    assert targets == [serial(1), serial(2)] * 2
    assert {by for _, _, by, *_ in acts(stuck)} == {"li.na"}


def test_a_reason_is_told_in_a_line_and_whole_in_json(stuck: Installation) -> None:
    page = "IntegrityError: no room twice\n[SQL: INSERT INTO case_step VALUES (?)]\n(Background on this error)"
    stuck.change("progress", f"UPDATE parked SET reason = '{page}' WHERE position = 10")
    for words in (("list",), ("show", serial(1), "--consumer", "progress")):
        shown = stuck.run("parked", *words).stdout
        assert "IntegrityError: no room twice\n" in shown
        assert "SQL" not in shown
        assert stuck.lines("parked", *words)[0]["reason"] == page


def test_verify_tells_of_what_is_parked(stuck: Installation) -> None:
    assert "progress has 2 cases parked: yichuang parked list" in stuck.run("verify").output
    assert stuck.lines("verify")[-1]["parked"] == {"progress": 2}


def test_one_case_and_all_of_them_contradict_each_other(installation: Installation) -> None:
    for words in ((), (serial(1), "--all"), ("",)):  # the last one: a shell's variable that is not set
        assert installation.run("parked", "requeue", *words, "--consumer", "progress").exit_code == 2


def test_a_bad_event_is_skipped_and_what_follows_is_taken_again(stuck: Installation) -> None:
    words = ("parked", "skip", serial(1), "--consumer", "progress")
    other = stuck.run(*words, "--position", "11", *WHY)
    assert other.exit_code == 1
    assert "the one parked first is at 10" in other.stderr
    assert stuck.run(*words, "--position", "10").exit_code == 2  # nobody skips without a reason
    assert acts(stuck) == []
    skipped = stuck.run(*words, "--position", "10", *WHY)
    assert skipped.exit_code == 1  # what is behind it can't be taken either
    assert "goes on without case.withdrawn" in skipped.stderr
    assert stuck.run(*words, "--position", "11", *WHY).exit_code == 0
    assert [one["stream"] for one in stuck.lines("parked", "list")] == [serial(2), serial(2)]
    asked, done = acts(stuck)[-2:]
    assert asked == ("desk.asked", "parked.skip", "li.na", "told on the phone", serial(1))
    assert done == ("desk.done", *asked[1:])


def test_an_act_that_fails_stands_on_the_log_as_such(installation: Installation) -> None:
    with pytest.raises(InterruptedError), audited(load_settings(), "parked.skip", "S1", why="w"):
        raise InterruptedError("killed")
    assert [(type_, by) for type_, _, by, *_ in acts(installation)] == [
        ("desk.asked", operator()),
        ("desk.failed", operator()),
    ]
    assert installation.run("verify", "--log", "desk").exit_code == 0


class Letters:
    """An installation on PostgreSQL and RabbitMQ with dead letters in its queue."""

    def __init__(self, installation: Installation, uri: str) -> None:
        self.installation = installation
        self.uri = uri
        with pika.BlockingConnection(pika.URLParameters(uri)) as connection:
            arguments = {
                "x-queue-type": "quorum",
                "x-max-length-bytes": 256 * 1024 * 1024,
                "x-overflow": "reject-publish",
            }
            connection.channel().queue_declare(REJECTED, durable=True, arguments=arguments)

    def put(self, *bodies: str, user: str = ORGAN, **headers: Any) -> list[str]:
        """Their ids."""
        known = len(self.listed())
        told = {"user_id": user, "routing_key": f"{user}.x", "reason": "unreadable_event", "detail": "Not JSON."}
        with pika.BlockingConnection(pika.URLParameters(self.uri)) as connection:
            for body in bodies:
                properties = pika.BasicProperties(headers={**told, **headers})
                connection.channel().basic_publish("", REJECTED, body.encode(), properties)
        letters = eventually(lambda: len(found := self.listed()) == known + len(bodies) and found)
        return [letter["id"] for letter in letters[known:]]

    def listed(self) -> list[dict[str, Any]]:
        return self.installation.lines("dead-letters", "list", "--limit", "100")

    def left(self, *bodies: str) -> bool:
        def same() -> bool:
            found = [letter["body"] for letter in self.listed()]
            assert found == list(bodies)
            return True

        return bool(eventually(same))


@pytest.fixture
def letters(installations: Any, monkeypatch: pytest.MonkeyPatch, rabbitmq_vhost: str) -> Letters:
    installation = installations("postgresql")
    monkeypatch.setenv("AMQP_URI", rabbitmq_vhost)
    monkeypatch.setenv("SECRET_KEY", "5a" * 32)
    return Letters(installation, rabbitmq_vhost)


def step(number: int, **changes: Any) -> dict[str, Any]:
    at = "2026-02-09T20:00:00+08:00"
    event = {
        "specversion": "1.0",
        "id": f"step-{number}",
        "source": source_of(ORGAN),
        "type": "case.step",
        "subject": serial(number),
        "time": at,
        "dataschema": dataschema("case.step", 1),
        "data": {"occurred_at": at, "by": "officer-7", "step_name": "审查"},
    }
    return {**event, **changes}


def test_a_dead_letter_is_shown_and_discarded_from_the_middle(letters: Letters) -> None:
    first, second, third = letters.put("one", "two\x1b[2J", "three")
    run = letters.installation.run
    shown = run("dead-letters", "show", second).stdout
    assert "To do: the department publishes it again" in shown
    assert "two\\x1b[2J" in shown
    assert run("dead-letters", "discard", second).exit_code == 2
    binary = run("dead-letters", "requeue", second, "--body", sys.executable, *WHY)
    assert (binary.exit_code, "no text in UTF-8" in binary.stderr) == (2, True)
    assert run("dead-letters", "discard", second, *WHY).exit_code == 0
    assert letters.left("one", "three")
    for command in (("show", second), ("discard", second, *WHY), ("requeue", second, *WHY)):
        gone = run("dead-letters", *command)
        assert gone.exit_code == 1
        assert "There is no dead letter" in gone.stderr
    assert [letter["id"] for letter in letters.listed()] == [first, third]
    assert [(type_, act) for type_, act, *_ in acts(letters.installation)] == [
        ("desk.asked", "dead-letters.discard"),
        ("desk.done", "dead-letters.discard"),
    ]


def test_many_are_discarded_at_once_and_each_is_audited(letters: Letters) -> None:
    ids = letters.put("one", "two", "three")
    run = letters.installation.run
    assert run("dead-letters", "discard", *WHY).exit_code == 2
    assert run("dead-letters", "discard", ids[0], "--oldest", "2", *WHY).exit_code == 2
    assert letters.left("one", "two", "three")
    gone = letters.installation.lines("dead-letters", "discard", "--oldest", "2", *WHY)
    assert [letter["body"] for letter in gone] == ["one", "two"]
    assert letters.left("three")
    events = letters.installation.lines("log", "tail", "--log", "desk")
    assert [event["type"] for event in events] == ["desk.asked", "desk.done"]
    assert [one["id"] for one in events[0]["data"]["letters"]] == ids[:2]


def test_one_at_a_time_is_at_the_dead_letters(letters: Letters) -> None:
    (first, *_) = letters.put("one", "two")
    run = letters.installation.run
    with taken(letters.uri, first):
        for command in (
            ("list",),
            ("show", first),
            ("discard", first, *WHY),
            ("requeue", first, *WHY),
            ("discard", "--oldest", "1", *WHY),
        ):
            refused = run("dead-letters", *command)
            assert refused.exit_code == 1
            assert "Somebody else is looking at the dead letters" in refused.stderr
    assert letters.left("two")


def test_that_there_is_nothing_to_discard_is_said(letters: Letters) -> None:
    words = ("dead-letters", "discard", "--oldest", "2", *WHY)
    assert letters.installation.run(*words).stdout == "there are no dead letters\n"
    assert letters.installation.lines(*words) == [{"discarded": 0}]
    assert acts(letters.installation) == []


@pytest.mark.parametrize(
    ("error", "exit_code", "said"),
    [
        (sa.exc.OperationalError("", {}, Exception("gone"), connection_invalidated=True), 3, "the database can't be"),
        (PermissionError(13, "Permission denied", "desk.sqlite3"), 1, "no right to use desk.sqlite3"),
        (BrokenPipeError(32, "Broken pipe"), 1, ""),
    ],
    ids=["database away", "no right", "nobody reads on"],
)
def test_what_fails_while_discarding_is_called_what_it_is_and_nothing_is_gone(
    letters: Letters, monkeypatch: pytest.MonkeyPatch, error: Exception, exit_code: int, said: str
) -> None:
    letters.put("one", "two")
    with monkeypatch.context() as patch:
        patch.setattr("operations.desk._note", Mock(side_effect=error))
        failed = letters.installation.run("dead-letters", "discard", "--oldest", "2", *WHY)
    assert failed.exit_code == exit_code
    assert said in failed.stderr
    assert "RabbitMQ" not in failed.stderr
    assert letters.left("one", "two")


def test_what_cannot_be_given_to_filing_stays_and_says_why(letters: Letters) -> None:
    run = letters.installation.run
    (garbled,) = letters.put("{")
    (nobody,) = letters.put(json.dumps(step(1)), user="")
    (cut,) = letters.put(json.dumps(step(1)), size=1_000_000)
    for id_, why in ((garbled, "not JSON"), (nobody, "nobody knows who sent it"), (cut, "only its beginning was kept")):
        refused = run("dead-letters", "requeue", id_, *WHY)
        assert refused.exit_code == 1
        assert why in refused.stderr
    assert len(letters.listed()) == 3
    assert {type_ for type_, *_ in acts(letters.installation)} == {"desk.asked", "desk.failed"}


def _well(done: Result) -> str:
    """What a command has answered, if it was not refused."""
    return "" if done.exit_code else done.stdout


def test_a_dead_letter_is_taken_again_by_filing_as_from_its_sender(letters: Letters, tmp_path: Path) -> None:
    installation = letters.installation
    installation.file([1, 2], corrected_and_concluded()[:4])
    head = installation.log.head().position
    known, garbled, unknown = letters.put(json.dumps(step(1)), "{", json.dumps(step(9)))
    (tmp_path / "right.json").write_text(json.dumps(step(2)))
    with Process([sys.executable, "-m", "operations.serve", "filing"], log=tmp_path / "filing.log") as filing:
        ready = ("dead-letters", "requeue", known, *WHY, "--json")
        told = eventually(lambda: filing.alive and _well(installation.run(*ready)), timeout=60)
        taken = json.loads(told)
        assert (taken["status"], taken["position"]) == ("appended", head + 1)
        words = ("--body", str(tmp_path / "right.json"))
        assert installation.lines("dead-letters", "requeue", garbled, *WHY, *words)[0]["position"] == head + 2
        refused = installation.run("dead-letters", "requeue", unknown, *WHY)
        assert refused.exit_code == 1
        assert "There is no such case. (unknown_case)" in refused.stderr
    assert letters.left(json.dumps(step(9)))
    assert [event.type for event in installation.log.read(head)] == ["case.step", "case.step"]


def messages(installation: Installation, state: str) -> list[tuple[Any, ...]]:
    return installation.rows(
        "notify", f"SELECT id, type, position FROM message WHERE state = '{state}' ORDER BY position"
    )


def test_a_message_that_failed_for_good_is_sent_again_and_no_other(installation: Installation) -> None:
    installation.file([1])
    installation.follow("notify")
    (first, _, _), (second, _, _), *_ = messages(installation, "created")
    installation.change(
        "notify",
        f"UPDATE message SET state = 'failed_for_good', due_at = NULL, reason = 'http_503' WHERE id = '{first}'",
        "UPDATE message SET state = 'failed_for_good', due_at = NULL, reason = 'no_receipt', accepted_at = 1,"
        f" provider = 'sms' WHERE id = '{second}'",
    )
    assert installation.run("messages", "resend", first).exit_code == 2  # nobody sends without a reason
    (told,) = installation.lines("messages", "resend", first, *WHY)
    assert (told["ids"], told["reason"]) == ([first], "http_503")
    again = installation.run("messages", "resend", first, *WHY)
    assert (again.exit_code, "only one that has failed for good" in again.stderr) == (1, True)
    (taken,) = installation.lines("messages", "resend", second, *WHY)
    assert taken["ids"] != [second]  # its provider knows it by the old one, and would drop it
    assert messages(installation, "failed_for_good") == []
    unknown = installation.run("messages", "resend", "nobody", *WHY)
    assert unknown.exit_code == 1
    assert [act for type_, act, *_ in acts(installation) if type_ == "desk.done"] == ["messages.resend"] * 2


def test_a_message_that_verify_misses_is_made(installation: Installation) -> None:
    installation.file([1])
    installation.follow("notify")
    installation.change("notify", "DELETE FROM message WHERE position = 4")
    (found,) = installation.lines("verify")
    assert [one["key"] for one in found["findings"]] == [[serial(1), 4, "sms"]]
    (told,) = installation.lines("messages", "resend", "--missing", "4", *WHY)
    assert [(type_, position) for _, type_, position in messages(installation, "created") if position == 4] == [
        ("case.accepted", 4)
    ]
    assert told["serial"] == serial(1)
    assert installation.run("verify").exit_code == 0
    for position, why in (("4", "all that it asks for are there"), ("5", "all that"), ("99", "no such position")):
        refused = installation.run("messages", "resend", "--missing", position, *WHY)
        assert (refused.exit_code, why in refused.stderr) == (1, True)
    installation.file([2])
    early = installation.run("messages", "resend", "--missing", "10", *WHY)
    assert "notify has not come to it yet" in early.stderr


def test_one_message_or_those_of_an_event(installation: Installation) -> None:
    for words in ((), ("m-1", "--missing", "4")):
        assert installation.run("messages", "resend", *words, *WHY).exit_code == 2


def test_swaps_and_repairs_are_on_the_desks_log(installation: Installation) -> None:
    installation.file([1])
    installation.follow("progress")
    assert installation.run("replay", "progress", "--swap").exit_code == 0
    assert installation.run("replay", "progress", "--case", serial(1)).exit_code == 0
    installation.change("progress", "DELETE FROM case_step")
    repaired = installation.run("verify", "--repair")
    assert repaired.exit_code == 0, repaired.stderr
    done = [(act, by, target) for type_, act, by, _, target in acts(installation) if type_ == "desk.done"]
    assert done == [
        ("replay.swap", operator(), "progress"),
        ("replay.case", operator(), serial(1)),
        ("verify.repair", operator(), "logs"),
    ]
