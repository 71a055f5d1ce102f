"""`yichuang verify` and signed heads: each kind of damage is found, named, and mended where it comes from the log."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kernel.clock import FrozenClock
from kernel.contracts.case import CaseWithdrawn
from kernel.contracts.visit_facts import VisitServed
from kernel.database import Database
from kernel.eventlog import GENESIS, Append, EventLog, NewEvent, Recorded
from kernel.eventlog.events import link
from kernel.eventlog.testing import tamper
from kernel.ids import new_id
from kernel.testing import visits
from kernel.testing.cases import ORGAN, START, appends, corrected_and_concluded
from operations.consumers import CONSUMERS
from operations.testing_installation import Installation, serial
from services.filing.domain.serials import serial_of

DAY = date(2026, 2, 9)
CASE = f"WHERE serial = '{serial(1)}'"


@pytest.fixture
def kept(installation: Installation) -> Installation:
    """Three cases that all consumers have read."""
    installation.file(range(3))
    installation.follow(*CONSUMERS)
    return installation


def verdict(installation: Installation, *words: str) -> dict[str, Any]:
    (found,) = installation.lines("verify", *words)
    return found


def named(found: dict[str, Any]) -> list[tuple[str, str, str, Any]]:
    return [(one["holder"], one["table"], one["kind"], one["key"]) for one in found["findings"]]


def test_everything_as_the_log_implies_is_sound(kept: Installation) -> None:
    found = verdict(kept)
    assert (found["sound"], found["position"], found["differences"], found["findings"]) == (True, 27, 0, [])
    assert found["logs"]["filing"]["looked"] == ["lives", "progress", "notify", "catalog", "serials"]
    assert found["logs"]["appointment"]["looked"] == ["lives", "notify-visits", "statistics", "bookings", "tickets"]


def test_what_differs_in_progress_is_named_and_repaired(kept: Installation) -> None:
    kept.change(
        "progress",
        f"UPDATE case_progress SET state = 'accepted' {CASE}",
        f"DELETE FROM case_step WHERE serial = '{serial(2)}' AND stream_version = 9",
        f"INSERT INTO case_step SELECT 'S-none', stream_version, position, type, occurred_at, state, data"
        f" FROM case_step {CASE} AND stream_version = 1",
    )
    found = verdict(kept)
    assert named(found) == [
        ("progress", "case_progress", "different", [serial(1)]),
        ("progress", "case_step", "missing", [serial(2), 9]),
        ("progress", "case_step", "unexpected", ["S-none"]),
    ]
    assert found["findings"][0]["columns"] == {"state": ["accepted", "concluded"]}
    told = kept.run("verify")
    assert told.exit_code == 1
    assert (
        f"progress: case_progress ['{serial(1)}']: different: state is 'accepted', implied 'concluded'" in told.stderr
    )
    mended = verdict(kept, "--repair")
    assert (mended["sound"], mended["repaired"]) == (True, {"progress": 3})
    assert verdict(kept)["sound"]


def test_of_visits_whom_to_tell_is_made_again_and_a_missing_message_is_only_named(installation: Installation) -> None:
    log = EventLog(installation.database("appointment"), FrozenClock(START))
    moved, served = visits.moved(), VisitServed(**visits.WHEN)
    log.append_all([visits.appends("V-1", [visits.booked(), moved]), visits.appends("V-2", [visits.booked(), served])])
    installation.follow(*CONSUMERS)
    assert [one["holder"] for one in verdict(installation)["findings"] if "notify" in one["holder"]] == []
    installation.change("notify", "DELETE FROM visit_contact", "DELETE FROM message WHERE type = 'visit.moved'")
    wrong = [one for one in named(verdict(installation)) if one[0] == "notify-visits"]
    assert wrong == [
        ("notify-visits", "visit_contact", "missing", ["V-1"]),
        ("notify-visits", "visit_contact", "missing", ["V-2"]),
        ("notify-visits", "message", "missing", ["V-1", 2, "sms"]),
    ]
    verdict(installation, "--repair")
    wrong = [one for one in named(verdict(installation)) if one[0] == "notify-visits"]
    assert wrong == [("notify-visits", "message", "missing", ["V-1", 2, "sms"])]


def test_counts_of_what_was_filed_are_made_again(kept: Installation) -> None:
    kept.change("catalog", "UPDATE item_filed SET filed = filed + 1")
    assert named(verdict(kept)) == [("catalog", "item_filed", "different", ["residence-permit", "2026-02-09"])]
    assert verdict(kept, "--repair")["repaired"] == {"catalog": 1}
    assert verdict(kept)["sound"]


def test_whom_to_tell_is_made_again_and_a_message_that_is_missing_is_only_named(kept: Installation) -> None:
    kept.change("notify", f"DELETE FROM case_contact {CASE}", f"DELETE FROM message {CASE} AND type = 'case.accepted'")
    found = verdict(kept)
    assert [(holder, table, kind) for holder, table, kind, _ in named(found)] == [
        ("notify", "case_contact", "missing"),
        ("notify", "message", "missing"),
    ]
    left = verdict(kept, "--repair")
    assert (left["sound"], left["repaired"]) == (False, {"notify": 1})
    assert [(table, kind) for _, table, kind, _ in named(left)] == [("message", "missing")]


def test_serial_counters_are_held_against_the_serials_on_the_log(installation: Installation) -> None:
    for number in (1, 2, 3):
        installation.log.append(appends(serial_of(DAY, 1, number), corrected_and_concluded()))
    installation.follow(*CONSUMERS)
    counter = f"UPDATE serial_counter SET last = {{}} WHERE organ = '{ORGAN}'"
    installation.change(
        "filing",
        f"INSERT INTO organ_number VALUES ('{ORGAN}', 1)",
        f"INSERT INTO serial_counter (organ, day, last) VALUES ('{ORGAN}', '2026-02-09', 3)",
    )
    assert verdict(installation)["sound"]
    installation.change("filing", counter.format(2))
    found = verdict(installation)
    assert named(found) == [("serials", "serial_counter", "different", [1, ORGAN, "20260209"])]
    assert found["findings"][0]["columns"] == {"last": [2, 3], "unused": [0, 0], "cases": [2, 3]}
    assert verdict(installation, "--repair")["repaired"] == {"serials": 1}
    assert verdict(installation)["sound"]
    installation.change("filing", counter.format(5))  # two numbers were given to no case: nobody can mend that
    assert not verdict(installation, "--repair")["sound"]


def test_numbers_that_no_case_has_are_settled_by_hand_and_found_no_more(installation: Installation) -> None:
    for number in (1, 2, 4):
        installation.log.append(appends(serial_of(DAY, 1, number), corrected_and_concluded()))
    installation.follow(*CONSUMERS)
    settle = ("serials", "settle", ORGAN, "2026-02-09", "--why", "the counter was set by hand")
    refused = installation.run(*settle)
    assert (refused.exit_code, "verify --repair" in refused.stderr) == (1, True)
    installation.change(
        "filing",
        f"INSERT INTO organ_number VALUES ('{ORGAN}', 1)",
        f"INSERT INTO serial_counter (organ, day, last) VALUES ('{ORGAN}', '2026-02-09', 3)",
    )
    assert "missing or too low" in installation.run(*settle).stderr
    installation.change("filing", "UPDATE serial_counter SET last = 6")
    assert not verdict(installation, "--repair")["sound"]
    assert installation.lines(*settle)[0]["numbers"] == [3, 5, 6]
    assert verdict(installation)["sound"]
    assert "3 numbers in vain are all" in installation.run(*settle).stderr
    installation.change("filing", "UPDATE serial_counter SET last = 7")  # as by the next case that is filed
    assert not verdict(installation, "--repair")["sound"]
    installation.log.append(appends(serial_of(DAY, 1, 7), corrected_and_concluded()))
    installation.follow(*CONSUMERS)
    assert verdict(installation)["sound"]
    acts = [event["data"] for event in installation.lines("log", "tail", "--log", "desk", "--type", "desk.done")]
    assert [one["outcome"] for one in acts if one["act"] == "serials.settle"] == [{"numbers": [3, 5, 6]}]
    assert installation.run("serials", "settle", ORGAN, "2026-02-31", "--why", "see").exit_code == 2


def test_an_event_that_its_state_does_not_allow_is_found_by_the_events_alone(kept: Installation) -> None:
    twice = CaseWithdrawn(occurred_at=START, by="account-1")
    kept.log.append(appends(serial(1), [twice], 9))
    found = verdict(kept, "--log", "filing")
    assert named(found) == [("lives", "event", "refused", [28])]
    assert found["findings"][0]["columns"] == {
        "fault": ["case.withdrawn", "case.withdrawn is not allowed in state concluded"]
    }
    shown = kept.run("log", "show", serial(1))
    assert shown.exit_code == 1
    assert "FAULT: case.withdrawn is not allowed in state concluded" in shown.stdout


def test_what_a_consumer_has_not_read_or_has_parked_is_no_difference(kept: Installation) -> None:
    kept.log.append(appends(serial(1), [CaseWithdrawn(occurred_at=START, by="account-1")], 9))
    kept.follow("progress")
    assert kept.lines("parked", "list") != []
    kept.file([7])
    assert {holder for holder, *_ in named(verdict(kept))} == {"lives"}


def odd(stream: str, type_: str, **data: Any) -> Append:
    event = NewEvent(id=new_id(), source="/filing", type=type_, version=1, time=START, data=data, organ=ORGAN)
    return Append(stream=stream, expected_version=0, events=(event,))


def test_what_was_skipped_is_told_and_is_no_difference_and_no_repair_brings_it_back(kept: Installation) -> None:
    kept.log.append(appends(serial(1), [CaseWithdrawn(occurred_at=START, by="account-1")], 9))
    kept.log.append(odd("S-none", "case.accepted"))  # of a case that never came in
    kept.follow(*CONSUMERS)
    parked = [(one["consumer"], one["stream"], one["position"]) for one in kept.lines("parked", "list")]
    assert parked == [("progress", serial(1), 28), ("progress", "S-none", 29), ("notify", "S-none", 29)]
    for consumer, stream, position in parked:
        words = ("--consumer", consumer, "--position", str(position), "--why", "told on the phone")
        assert kept.run("parked", "skip", stream, *words).exit_code == 0
    found = verdict(kept)
    assert (found["sound"], found["skipped"]) == (True, {"progress": [28, 29], "notify": [29]})
    kept.change("progress", f"DELETE FROM case_step {CASE}")
    mended = verdict(kept, "--repair")
    assert (mended["sound"], mended["repaired"]) == (True, {"progress": 9})
    assert kept.lines("parked", "list") == []
    assert "progress goes on without 2 skipped" in kept.run("verify").stdout
    tried = kept.run("replay", "progress", "--swap", "--with-skipped")
    assert "position 28: case.withdrawn is not allowed" in tried.stderr


def test_what_was_skipped_by_who_counts_over_all_cases_is_no_difference(kept: Installation) -> None:
    kept.log.append(odd("S-none", "case.received"))
    kept.follow("catalog")
    words = ("--consumer", "catalog", "--position", "28", "--why", "of no item")
    assert kept.run("parked", "skip", "S-none", *words).exit_code == 0
    found = verdict(kept)
    assert (found["sound"], found["skipped"]) == (True, {"catalog": [28]})


def test_what_can_no_longer_be_taken_is_named(kept: Installation) -> None:
    kept.log.append(odd("S-none", "case.received", notices=5))
    kept.follow("catalog", "notify")
    for owner in ("catalog", "notify"):
        kept.change(owner, "DELETE FROM parked")
    kept.file([7])
    kept.follow("catalog", "notify")
    found = verdict(kept)
    assert named(found) == [
        ("catalog", "item_filed", "refused", ["S-none"]),
        ("notify", "case_contact", "refused", ["S-none"]),
        ("notify", "message", "refused", ["S-none"]),
    ]
    assert found["findings"][0]["columns"] == {"reason": [None, "KeyError: 'item'"]}


def test_a_body_that_is_no_event_is_named_and_nothing_that_follows_from_it(kept: Installation) -> None:
    kept.change("progress", f"UPDATE case_progress SET state = 'accepted' {CASE}")
    tamper(kept.database("filing"), "UPDATE event SET body = 'nonsense' WHERE position = 1")
    found = verdict(kept)
    assert (found["sound"], found["log"], found["position"]) == (False, "filing", 1)


def test_nothing_is_repaired_from_a_log_that_was_written_anew(kept: Installation) -> None:
    """What its consumers made of the true one is the last that is left of it."""
    written_anew(kept.database("filing"), kept.log.read(0), "准予", "不予")
    before = kept.rows("progress", "SELECT serial, outcome FROM case_progress ORDER BY serial")
    assert {outcome for _, outcome in before} == {"准予"}
    found = verdict(kept, "--repair")
    assert (found["sound"], found["consumers"]) == (False, ["progress", "notify", "catalog"])
    assert kept.rows("progress", "SELECT serial, outcome FROM case_progress ORDER BY serial") == before
    mended = kept.run("replay", "progress", "--case", serial(1))
    assert (mended.exit_code, "nothing was made again" in mended.stderr) == (1, True)


def written_anew(database: Database, events: Sequence[Recorded], old: str, new: str) -> None:
    """Another word in every body, and the chain as it has to be then."""
    chain, statements = GENESIS, []
    for event in events:
        chain = link(chain, event.position, event.body.replace(old, new))
        blob = f"x'{chain.hex()}'" if database.dialect == "sqlite" else f"'\\x{chain.hex()}'"
        statements.append(f"UPDATE event SET chain = {blob} WHERE position = {event.position}")
    bodies = f"UPDATE event SET body = replace(body, '{old}', '{new}')"
    tamper(database, *statements, bodies, f"UPDATE log_head SET chain = {blob}")


def test_a_byte_flipped_in_the_log_is_found_and_nothing_is_repaired_from_it(kept: Installation) -> None:
    kept.change("progress", f"UPDATE case_progress SET state = 'accepted' {CASE}")
    tamper(kept.database("filing"), "UPDATE event SET body = replace(body, '签注', '签住') WHERE position = 10")
    found = verdict(kept, "--repair")
    assert (found["sound"], found["position"]) == (False, 10)
    assert kept.rows("progress", f"SELECT state FROM case_progress {CASE}") == [("accepted",)]


def test_no_case_is_made_again_from_a_body_that_was_changed(kept: Installation) -> None:
    (stream,) = {event.stream for event in kept.log.read(9, 1)}
    tamper(kept.database("filing"), "UPDATE event SET body = replace(body, '签注', '签住') WHERE position = 10")
    before = kept.rows("progress", "SELECT * FROM case_step ORDER BY 1, 2")
    for consumer in ("progress", "notify"):
        refused = kept.run("replay", consumer, "--case", stream)
        assert refused.exit_code == 1
        assert f"the log is broken at position 10: nothing of {stream} was made again" in refused.output
    assert kept.rows("progress", "SELECT * FROM case_step ORDER BY 1, 2") == before
    repaired = kept.run("verify", "--repair")
    assert (repaired.exit_code, "nothing was repaired" in repaired.output) == (1, True)


def test_many_events_are_checked_by_two_processes(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.verification._ALONE", 9)
    installation.file(range(3))
    installation.follow(*CONSUMERS)
    installation.change("progress", f"UPDATE case_progress SET state = 'accepted' {CASE}")
    assert named(verdict(installation)) == [("progress", "case_progress", "different", [serial(1)])]


def test_how_far_the_lives_are_is_said_while_other_processes_look(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.verification._ALONE", 9)
    monkeypatch.setattr("operations.verification._LOOK", 0.05)
    monkeypatch.setattr("operations.commands.pace._EVERY", 0.0)
    installation.file(range(3))
    installation.follow(*CONSUMERS)
    told = installation.run("verify", "--log", "filing").stderr
    assert "verify filing: 27 of 27" in told
    assert "verify lives of filing: 0 of 27" in told


def signed(installation: Installation, directory: Path) -> Path:
    file = directory / "head.json"
    assert installation.run("log", "head", "--out", str(file)).exit_code == 0
    return file


def against(installation: Installation, file: Path) -> tuple[int, str]:
    told = installation.run("verify", "--against", str(file))
    return told.exit_code, told.stderr


def test_a_head_that_was_kept_vouches_for_the_log(kept: Installation, tmp_path: Path) -> None:
    file = signed(kept, tmp_path)
    assert json.loads(file.read_text())["position"] == 27
    again = kept.run("log", "head", "--out", str(file))
    assert again.exit_code == 1
    assert "can't be written: File exists" in again.stderr
    kept.file([7])
    kept.follow(*CONSUMERS)
    assert against(kept, file) == (0, "")
    assert "position 36 of filing's log, chain" in kept.run("verify").stdout
    said = kept.run("verify", "--against", str(file)).stdout
    assert said.startswith(f"filing's log is the one whose head was taken {json.loads(file.read_text())['at']} at 27\n")
    assert verdict(kept, "--against", str(file))["against"]["position"] == 27


@pytest.mark.parametrize(
    ("member", "value"), [("position", 26), ("chain", "00" * 32), ("log", "catalog"), ("at", "2026-01-01T00:00:00Z")]
)
def test_an_altered_head_is_refused(kept: Installation, tmp_path: Path, member: str, value: Any) -> None:
    file = signed(kept, tmp_path)
    file.write_text(json.dumps({**json.loads(file.read_text()), member: value}))
    code, said = against(kept, file)
    assert (code, "altered after it was signed" in said) == (1, True)


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense", '{"format": "yichuang-log-head/1"}'])
def test_what_is_no_head_is_refused(installation: Installation, tmp_path: Path, text: str) -> None:
    file = tmp_path / "head.json"
    file.write_text(text)
    code, said = against(installation, file)
    assert (code, "This is no signed head" in said) == (1, True)


def test_a_head_of_another_installation_is_told_apart(
    kept: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "11" * 32)
    file = signed(kept, tmp_path)
    monkeypatch.delenv("SECRET_KEY")
    code, said = against(kept, file)
    assert (code, "signed by another installation" in said) == (1, True)


def test_a_log_that_was_cut_off_or_written_anew_is_told_by_its_head(kept: Installation, tmp_path: Path) -> None:
    file = signed(kept, tmp_path)
    database = kept.database("filing")
    chain = kept.log.chain_at(26).hex()
    blob = f"x'{chain}'" if database.dialect == "sqlite" else f"'\\x{chain}'"
    tamper(database, "DELETE FROM event WHERE position = 27", f"UPDATE log_head SET position = 26, chain = {blob}")
    assert "its tail was cut off" in against(kept, file)[1]
    kept.log.append(appends(serial(2), [CaseWithdrawn(occurred_at=START, by="account-1")], 8))
    assert "written anew" in against(kept, file)[1]
    tamper(database, "UPDATE event SET chain = (SELECT chain FROM event WHERE position = 2) WHERE position = 1")
    assert "begins with another event" in against(kept, file)[1]
