"""`yichuang replay` on cases: built beside the live tables, compared, swapped; interrupted, doubled, refused."""

import json
import os
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.clock import format_time
from kernel.contracts.case import CaseWithdrawn
from kernel.testing.cases import START, appends, corrected_and_concluded
from operations.testing_installation import Installation, serial

CORRUPT = f"UPDATE case_progress SET state = 'accepted' WHERE serial = '{serial(1)}'"
STATE = f"SELECT state FROM case_progress WHERE serial = '{serial(1)}'"


def test_a_replay_reports_and_leaves_the_live_tables_alone_until_it_is_told_to_swap(installation: Installation) -> None:
    installation.file(range(3))
    installation.follow("progress")
    installation.change("progress", CORRUPT)
    (reported,) = installation.lines("replay", "progress")
    assert (reported["events"], reported["live"], reported["shadow"], reported["swapped"]) == (27, 27, 27, False)
    cases, steps = reported["tables"]
    assert (cases["table"], cases["rows"], cases["changed"], steps["changed"]) == ("case_progress", 3, 1, 0)
    (sample,) = cases["samples"]
    assert (sample["key"], sample["columns"]) == ({"serial": serial(1)}, {"state": ["accepted", "concluded"]})
    assert installation.rows("progress", STATE) == [("accepted",)]
    swapped = installation.run("replay", "progress", "--swap")
    assert swapped.exit_code == 0
    assert "case_progress: 3 rows, 0 added, 0 gone, 1 changed" in swapped.stdout
    assert "swapped" in swapped.stdout
    assert installation.rows("progress", STATE) == [("concluded",)]
    assert all(table["changed"] == 0 for table in installation.lines("replay", "progress")[0]["tables"])


@pytest.mark.parametrize("consumer", ["notify", "catalog"])
def test_every_consumer_is_rebuilt_by_the_same_mechanism(installation: Installation, consumer: str) -> None:
    installation.file(range(3))
    installation.follow(consumer)
    installation.change(
        *{"notify": ("notify", "DELETE FROM case_contact"), "catalog": ("catalog", "DELETE FROM item_filed")}[consumer]
    )
    (reported,) = installation.lines("replay", consumer, "--swap")
    assert (reported["events"], reported["swapped"]) == (27, True)
    assert reported["tables"][0]["added"] == reported["tables"][0]["rows"] > 0
    assert installation.lines("replay", consumer, "--dry-run")[0]["tables"][0]["added"] == 0


def test_a_replay_of_notify_makes_no_message(installation: Installation) -> None:
    installation.file(range(3))
    installation.follow("notify")
    made = installation.rows("notify", "SELECT count(*) FROM message")
    assert made != [(0,)]
    installation.change("notify", "DELETE FROM message")
    assert installation.run("replay", "notify", "--swap").exit_code == 0
    assert installation.run("replay", "notify", "--case", serial(1)).exit_code == 0
    assert installation.rows("notify", "SELECT count(*) FROM message") == [(0,)]
    installation.file([3])
    installation.follow("notify")
    assert len(installation.rows("notify", "SELECT * FROM message")) == made[0][0] // 3


def test_how_far_it_is_is_said_while_it_builds_and_while_it_compares(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.commands.pace._EVERY", 0.0)
    installation.file(range(3))
    told = installation.run("replay", "progress").stderr
    assert "replay progress: 27 of 27" in told
    assert "compare progress: 30 of 30" in told  # rows: cases and steps
    assert "27 of 27, 0/s" not in told
    assert "unknown" not in told


def test_a_replay_killed_in_the_middle_goes_on_where_it_was(installation: Installation) -> None:
    installation.file(range(1000))
    installation.follow("progress")
    with installation.process("replay", "progress", "--throttle", "1500") as first:
        first.wait_for_line("replay progress: ")
        first.kill()
    (finished,) = installation.lines("replay", "progress", "--swap")
    assert 0 < finished["events"] < 9000
    assert (finished["shadow"], finished["swapped"]) == (9000, True)
    assert [table["rows"] for table in finished["tables"]] == [1000, 9000]
    assert all(not (one["added"] or one["gone"] or one["changed"]) for one in finished["tables"])


def test_a_dry_run_keeps_nothing_however_it_ends(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    installation.file([1])
    installation.follow("progress")
    with monkeypatch.context() as patch:
        patch.setattr("kernel.eventlog.rebuilding.Rebuild.compare", interrupted)
        assert installation.run("replay", "progress", "--dry-run").exit_code == 1
    assert installation.run("replay", "progress", "--dry-run").exit_code == 0


def test_a_second_replay_of_the_same_consumer_is_refused_while_the_first_runs(installation: Installation) -> None:
    installation.file(range(1000))
    with installation.process("replay", "progress", "--throttle", "1500") as first:
        first.wait_for_line("replay progress: ")
        second = installation.run("replay", "progress")
        assert second.exit_code == 1
        assert second.stderr == (
            "Error: Another process is rebuilding progress. Wait until it ends, or end it. (rebuild_runs)\n"
        )
        other = installation.run("replay", "catalog", "--dry-run")
        assert other.exit_code == 0, other.stderr
        first.kill()


@pytest.mark.parametrize(
    "words",
    [
        ("--case", "S1", "--dry-run"),
        ("--case", "S1", "--until", "2"),
        ("--case", "S1", "--filter", "case=S1"),
        ("--case", "S1", "--swap", "--discard"),
        ("--discard", "--dry-run"),
        ("--discard", "--with-skipped"),
        ("--case", ""),
        ("--throttle", "nan"),
        ("--until", "9" * 30),
    ],
    ids=" ".join,
)
def test_what_would_not_be_heeded_is_refused_before_anything_is_done(
    installation: Installation, words: tuple[str, ...]
) -> None:
    installation.file([1])
    installation.follow("progress")
    installation.change("progress", CORRUPT)
    installation.run("replay", "progress")
    assert installation.run("replay", "progress", *words).exit_code == 2
    assert installation.rows("progress", STATE) == [("accepted",)]
    begun = installation.run("replay", "progress", "--dry-run")
    assert "was begun already" in begun.stderr, "what was built is kept"


def test_as_it_stood_and_of_whom(installation: Installation) -> None:
    installation.file([1])
    at = format_time(installation.log.read(8)[0].recorded_at)
    installation.log.append(appends(serial(2), corrected_and_concluded()[:2]))
    installation.follow("progress")
    (stood,) = installation.lines("replay", "progress", "--until", at, "--dry-run")
    assert (stood["shadow"], stood["live"], stood["tables"][0]["rows"]) == (9, 11, 1)
    (first,) = installation.lines("replay", "progress", "--until", "1", "--dry-run")
    assert first["tables"][0]["samples"][0]["columns"]["state"] == ["concluded", "received"]
    (of_one,) = installation.lines("replay", "progress", "--filter", f"case={serial(2)}", "--dry-run")
    assert [(table["rows"], table["gone"], table["changed"]) for table in of_one["tables"]] == [(1, 0, 0), (2, 0, 0)]


def test_a_part_is_kept_to_be_looked_at_but_not_swapped(installation: Installation) -> None:
    installation.file([1])
    installation.follow("progress")
    kept = installation.run("replay", "progress", "--until", "4")
    assert "are kept in" in kept.stdout
    assert installation.run("replay", "progress", "--until", "4", "--swap").exit_code == 2
    other = installation.run("replay", "progress", "--swap")
    assert other.exit_code == 1
    assert "begun with other options" in other.stderr
    assert installation.lines("replay", "progress", "--discard") == [{"service": "progress", "discarded": True}]
    assert installation.run("replay", "progress", "--swap").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--until", "yesterday"),
        ("--filter", "colour=red"),
        ("--filter", "case="),
        ("--swap", "--dry-run"),
        ("--throttle", "0"),
    ],
    ids=" ".join,
)
def test_what_says_nothing_is_wrong_usage(installation: Installation, words: tuple[str, ...]) -> None:
    refused = installation.run("replay", "progress", *words)
    assert refused.exit_code == 2


def test_one_case_is_rebuilt_in_place_and_counts_over_all_cases_are_not(installation: Installation) -> None:
    installation.file(range(3))
    installation.follow("progress", "catalog")
    installation.change("progress", CORRUPT, f"DELETE FROM case_step WHERE serial = '{serial(1)}'")
    assert installation.lines("replay", "progress", "--case", serial(1))[0]["events"] == 9
    assert installation.rows("progress", STATE) == [("concluded",)]
    refused = installation.run("replay", "catalog", "--case", serial(1))
    assert refused.exit_code == 1
    assert "(not_by_case)" in refused.stderr


@pytest.mark.parametrize("words", [("--case", "NOSUCH"), ("--filter", "case=NOSUCH", "--dry-run")], ids=" ".join)
def test_a_case_that_the_log_does_not_have_is_said(installation: Installation, words: tuple[str, ...]) -> None:
    refused = installation.run("replay", "progress", *words)
    assert (refused.exit_code, refused.stderr) == (1, "Error: filing's log has no event of NOSUCH\n")


def test_a_case_that_cannot_be_taken_is_said_and_keeps_the_rebuild_out(installation: Installation) -> None:
    installation.file(range(2))
    installation.follow("progress")
    twice = CaseWithdrawn(occurred_at=START, by="account-1")
    installation.log.append(appends(serial(1), [twice], 9))  # nobody may: filing would have refused it
    refused = installation.run("replay", "progress", "--swap")
    assert refused.exit_code == 1
    said, why = refused.stderr.splitlines()
    assert (json.loads(said)["event"], json.loads(said)["case"]) == ("case parked", serial(1))
    assert "position 19: case.withdrawn is not allowed" in why
    assert installation.lines("parked", "list") == []
    assert installation.run("replay", "progress", "--swap", "--with-parked").exit_code == 0
    assert [one["position"] for one in installation.lines("parked", "list")] == [19]


def test_who_has_no_right_to_rebuild_hears_so_and_changes_nothing(
    installations: Any, unique_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = installations("postgresql")
    installation.file([1])
    installation.follow("progress")
    url = sa.make_url(os.environ["DATABASE_URL"])
    schemas = "accounts, appointment, catalog, filing, progress, notify, desk"
    installation.change(
        "progress", f"CREATE ROLE {unique_name} LOGIN", f"GRANT USAGE ON SCHEMA {schemas} TO {unique_name}"
    )
    installation.change("progress", f"GRANT SELECT ON ALL TABLES IN SCHEMA {schemas} TO {unique_name}")
    owner = os.environ["DATABASE_URL"]
    monkeypatch.setenv("DATABASE_URL", url.set(username=unique_name).render_as_string(hide_password=False))
    assert installation.run("verify").exit_code == 0  # to read is enough
    for words in (("replay", "progress"), ("replay", "progress", "--case", serial(1)), ("verify", "--repair")):
        told = installation.run(*words)
        assert (told.exit_code, "lacks the right" in told.stderr) == (words[0] == "replay", words[0] == "replay")
    monkeypatch.setenv("DATABASE_URL", owner)
    assert installation.lines("replay", "progress", "--dry-run")[0]["tables"][0]["changed"] == 0
    installation.change("progress", f"DROP OWNED BY {unique_name}", f"DROP ROLE {unique_name}")
