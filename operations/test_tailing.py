"""What `yichuang log` shows of a log: filtered, followed, one case's life, counts."""

import json

import pytest

from kernel.clock import format_time
from kernel.contracts.case import CaseWithdrawn
from kernel.testing.cases import ORGAN, START, appends, corrected_and_concluded
from operations.commands.log import LOGS
from operations.testing_installation import Installation, serial
from operations.verification import CHECKED


def positions(installation: Installation, *words: str) -> list[int]:
    return [line["position"] for line in installation.lines("log", "tail", *words)]


def test_the_tail_is_filtered_by_case_type_department_and_time(installation: Installation) -> None:
    installation.file([1])
    second = installation.log.read(8)[0].recorded_at
    installation.file([2])
    assert positions(installation, "--limit", "3") == [16, 17, 18]
    assert positions(installation, "--case", serial(1)) == list(range(1, 10))
    assert positions(installation, "--case", serial(1), "--limit", "2") == [8, 9]
    assert positions(installation, "--type", "case.received") == [1, 3, 10, 12]
    assert positions(installation, "--type", "case.received", "--type", "case.rated", "--limit", "2") == [12, 18]
    assert positions(installation, "--after", "0", "--type", "case.rated", "--limit", "1") == [9]
    assert positions(installation, "--department", "nobody") == []
    assert positions(installation, "--department", ORGAN, "--limit", "100") == list(range(1, 19))
    third = installation.log.read(9)[0].recorded_at
    assert third > second
    assert positions(installation, "--since", format_time(third), "--limit", "100") == list(range(10, 19))
    assert positions(installation, "--before", format_time(third), "--after", "7") == [8, 9]
    assert positions(installation, "--log", "catalog") == []


def test_the_latest_of_a_rare_type_is_found_far_back(installation: Installation) -> None:
    installation.file([1], corrected_and_concluded()[:2])
    installation.file(range(2, 302), corrected_and_concluded()[:1])
    installation.file(range(1000, 1900), corrected_and_concluded()[:1])
    assert positions(installation, "--type", "case.incomplete") == [2]


def test_new_events_are_followed(installation: Installation) -> None:
    installation.file([1])
    with installation.process("log", "tail", "--follow", "--type", "case.rated", "--json") as tail:
        assert json.loads(tail.wait_for_line("case.rated"))["position"] == 9
        installation.file([2])
        assert json.loads(tail.wait_for_line('"position": 18'))["subject"] == serial(2)


def test_all_behind_a_position_is_given_before_what_is_new(installation: Installation) -> None:
    installation.file(range(10))
    with installation.process("log", "tail", "--after", "5", "--follow", "--json") as tail:
        tail.wait_for_line('"position": 90,')
        installation.file([50])
        tail.wait_for_line('"position": 99,')
        shown = (installation.directory / "command.log").read_text().splitlines()
    assert [json.loads(line)["position"] for line in shown] == list(range(6, 100))


@pytest.mark.parametrize(
    "words",
    [
        ("--since", "yesterday"),
        ("--before", "2026-02-09"),
        ("--log", "other"),
        ("--follow", "--before", "2026-02-09T00:00:00Z"),
        ("--follow", "--after", "5", "--limit", "2"),
    ],
    ids=" ".join,
)
def test_what_is_no_time_or_log_or_has_no_end_is_wrong_usage(
    installation: Installation, words: tuple[str, ...]
) -> None:
    assert installation.run("log", "tail", *words).exit_code == 2


def test_a_life_is_shown_with_the_state_after_each_event(installation: Installation) -> None:
    installation.file([1])
    shown = installation.lines("log", "show", serial(1))
    assert [step["state"] for step in shown] == [
        "received",
        "incomplete",
        "received",
        "accepted",
        "accepted",
        "accepted",
        "decided",
        "concluded",
        "concluded",
    ]
    assert {step["fault"] for step in shown} == {None}
    text = installation.run("log", "show", serial(1)).stdout
    assert "case.incomplete    → incomplete" in text
    assert "照片不清晰" in text
    unknown = installation.run("log", "show", "S-none")
    assert unknown.exit_code == 1
    assert "has no event of S-none" in unknown.stderr


def test_events_are_counted_by_type_department_and_day(installation: Installation) -> None:
    (empty,) = installation.lines("log", "stats")
    assert (empty["events"], empty["first"], empty["counts"]) == (0, None, {})
    installation.file([1, 2])
    installation.log.append(appends(serial(3), corrected_and_concluded()[:1]))
    (by_type,) = installation.lines("log", "stats")
    assert (by_type["events"], by_type["streams"], by_type["counts"]["case.received"]) == (19, 3, 5)
    assert installation.lines("log", "stats", "--by", "department")[0]["counts"] == {ORGAN: 19}
    today = by_type["first"][:10]
    assert installation.lines("log", "stats", "--by", "day")[0]["counts"] == {today: 19}


def test_what_somebody_has_put_into_an_event_keeps_nobody_from_counting(installation: Installation) -> None:
    withdrawn = CaseWithdrawn(occurred_at=START, by="a\x00b", reason="\\u0000 and \\\x00")
    installation.log.append(appends(serial(1), [*corrected_and_concluded()[:1], withdrawn]))
    assert installation.lines("log", "stats", "--by", "department")[0]["counts"] == {ORGAN: 2}


def test_the_logs_that_commands_know_are_those_that_are_checked() -> None:
    assert LOGS == CHECKED
