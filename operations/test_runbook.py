"""The runbook does what it says: its drill and its backups as they stand, and no command in it that there is not."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from kernel.clock import SystemClock
from kernel.contracts.case import CaseWithdrawn
from kernel.eventlog import EventLog
from kernel.testing import visits
from kernel.testing.cases import APPLICANT, START, appends, corrected_and_concluded
from operations.cli import main
from operations.consumers import CONSUMERS
from operations.setup.installing import need
from operations.testing_installation import Installation, serial

RUNBOOK = (Path(__file__).parent.parent / "docs" / "runbook.md").read_text("utf-8")
_BLOCKS = re.compile(r"```sh\n(.*?)```", re.DOTALL)
COMMANDS = sorted(
    {" ".join(found.split()) for found in re.findall(r"`([^`]*?\byichuang [a-z][^`]*)`", _BLOCKS.sub("", RUNBOOK))}
    | {line for part in _BLOCKS.findall(RUNBOOK) for line in re.findall(r"yichuang [^\n;]+", part)}
)


def block(heading: str, number: int = 0) -> str:
    """A block of shell commands under a heading."""
    section = RUNBOOK.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return _BLOCKS.findall(section)[number]


def run(script: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A script, with the commands of this project and of the databases at hand."""
    programs = [
        Path(sys.executable).parent,
        Path(need("psql", "postgresql")).parent,
        Path(need("sqlite3", "sqlite3")).parent,
    ]
    path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
    url = os.environ.get("DATABASE_URL", "").replace("postgresql+psycopg:", "postgresql:")
    environment = {**os.environ, "PATH": path, "DATABASE_URL": url, **more}
    return subprocess.run(["bash", "-eu", "-c", script], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def hall(installation: Installation) -> Installation:
    """Three cases that everybody has read."""
    installation.file(range(3))
    installation.follow(*CONSUMERS)
    return installation


@pytest.fixture(params=["DATA_DIR", "var"])
def typed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """With DATA_DIR set, or where `var` is."""
    if request.param == "var":
        request.getfixturevalue("installation")
        (tmp_path / "checkout").mkdir()
        (tmp_path / "checkout" / "var").symlink_to(os.environ["DATA_DIR"])
        monkeypatch.chdir(tmp_path / "checkout")
        monkeypatch.delenv("DATA_DIR")
    return str(request.param)


@pytest.mark.usefixtures("typed")
def test_the_drill_runs_as_written(hall: Installation) -> None:
    drilled = run(block("A drill"))
    assert drilled.returncode == 0, drilled.stderr
    assert "6 differences were found" in drilled.stderr
    assert f"case_progress ['{serial(1)}']: different: state is 'received', implied 'concluded'" in drilled.stderr
    assert drilled.stdout.count("case_progress: 3 rows, 0 added, 0 gone, 3 changed") == 2
    assert drilled.stdout.count("case_step: 27 rows, 3 added, 0 gone, 0 changed") == 2
    assert "swapped: these are the live tables now" in drilled.stdout
    assert drilled.stdout.splitlines()[-1].startswith("sound up to position 27 of filing's log")


def restored(owner: str, backup: Path) -> None:
    done = run(block("Backup and restore", 1), OWNER=owner, BACKUP=str(backup))
    assert done.returncode == 0, done.stderr


def goes_on(owner: str) -> None:
    done = run(block("Backup and restore", 2), OWNER=owner)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("sound up to position")


@pytest.mark.usefixtures("typed")
def test_a_backup_as_written_has_what_there_is_and_restores_it(hall: Installation, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    backup.mkdir()
    done = run(block("Backup and restore"), BACKUP=str(backup))
    assert done.returncode == 0, done.stderr
    hall.change("progress", "DELETE FROM case_step")
    hall.close()
    restored("progress", backup)
    assert hall.rows("progress", "SELECT count(*) FROM case_step") == [(27,)]


def test_a_backup_of_nothing_and_one_to_nowhere_fail(
    hall: Installation, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(block("Backup and restore"), BACKUP=str(tmp_path / "nowhere")).returncode != 0
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "empty"))
    done = run(block("Backup and restore"), BACKUP=str(tmp_path / "empty"))
    if kind == "sqlite":
        assert (done.returncode, "is DATA_DIR right?" in done.stderr) == (1, True)
        assert list((tmp_path / "empty").iterdir()) == []
    refused = run(block("Backup and restore", 1), OWNER="progress", BACKUP=str(tmp_path / "nowhere"))
    assert refused.returncode != 0


def test_a_log_is_taken_elsewhere_as_written(hall: Installation, kind: str, installations: Any, tmp_path: Path) -> None:
    archive = tmp_path / "all.jsonl.gz"
    assert hall.run("archive", "export", str(archive)).exit_code == 0
    there = installations(kind)
    elsewhere = os.environ["DATA_DIR"]
    if kind == "sqlite":  # where there is nothing yet
        shutil.rmtree(elsewhere)
    taken = run(block("When something is wrong"), ARCHIVE=str(archive), ELSEWHERE=elsewhere, DATA_DIR="/nowhere")
    assert taken.returncode == 0, taken.stderr
    assert taken.stdout.splitlines()[-1].startswith("sound up to position 27 of filing's log")
    assert there.rows("progress", "SELECT count(*) FROM case_progress") == [(3,)]
    there.follow(*CONSUMERS)
    assert there.rows("notify", "SELECT count(*) FROM message") == [(0,)]


@pytest.fixture
def backup(hall: Installation, tmp_path: Path) -> Path:
    """Of the hall as it was; since then a case has come in and another has gone on, and everybody has read it."""
    directory = tmp_path / "backup"
    directory.mkdir()
    done = run(block("Backup and restore"), BACKUP=str(directory))
    assert done.returncode == 0, done.stderr
    hall.file([7])
    hall.log.append(appends(serial(8), corrected_and_concluded()[:1]))
    hall.log.append(appends(serial(8), [CaseWithdrawn(occurred_at=START, by="account-1")], 1))
    hall.follow(*CONSUMERS)
    hall.close()
    return directory


def test_after_an_older_backup_of_progress_what_is_missing_is_found_and_mended(
    hall: Installation, backup: Path
) -> None:
    restored("progress", backup)
    assert hall.lines("verify")[0]["behind"] == {"progress": 11}
    assert hall.lines("replay", "progress", "--swap")[0]["tables"][0]["rows"] == 5
    found = hall.lines("verify")[0]
    assert (found["sound"], found["behind"]) == (True, {})


def test_after_an_older_backup_of_the_log_its_readers_are_made_to_agree_with_it(
    hall: Installation, backup: Path
) -> None:
    restored("filing", backup)
    (found,) = hall.lines("verify")
    assert (found["sound"], found["consumers"]) == (False, ["progress", "notify", "catalog"])
    assert "its tail was cut off" in found["reason"]
    refused = hall.run("replay", "progress", "--swap")
    assert refused.exit_code == 1
    assert "up to position 38" in refused.stderr
    goes_on("filing")
    hall.file([9])
    hall.follow(*CONSUMERS)
    assert hall.rows("progress", "SELECT count(*) FROM case_progress") == [(4,)]
    assert hall.run("verify").exit_code == 0


@pytest.mark.parametrize("started", ["when all have gone on", "too early"])
def test_after_an_older_backup_of_the_log_everybody_is_told_once_and_nobody_of_what_is_gone(
    hall: Installation, backup: Path, started: str
) -> None:
    """Cases 7 and 8 are gone. 7 is given again to somebody else, in the same place, and 9 comes in."""
    hall.change("notify", "UPDATE message SET state = 'delivered', due_at = NULL, accepted_at = 1")
    hall.close()
    restored("filing", backup)
    again = corrected_and_concluded(applicant="somebody-else")
    if started == "too early":
        hall.file([7], again)
        assert hall.run("messages", "resend", "--missing", "28", "--why", "see").exit_code == 1
    goes_on("filing")
    if started == "when all have gone on":
        hall.file([7], again)
    hall.file([9])
    hall.follow(*CONSUMERS)
    told = "SELECT serial, recipient, count(*) FROM message WHERE due_at IS NOT NULL GROUP BY serial, recipient"
    assert sorted(hall.rows("notify", told)) == [(serial(7), "somebody-else", 7), (serial(9), APPLICANT, 7)]
    assert {one["recipient"] for one in hall.lines("messages", "list", "--serial", serial(7))} == {"somebody-else"}
    lost = hall.lines("messages", "list", "--lost")
    assert sorted({(one["serial"], one["recipient"]) for one in lost}) == [
        (serial(7), APPLICANT),
        (serial(8), APPLICANT),
    ]
    verified = hall.run("verify")
    assert (verified.exit_code, verified.stderr) == (0, "")


def test_after_an_older_backup_of_visits_their_readers_go_on_with_what_there_is(
    hall: Installation, backup: Path
) -> None:
    log = EventLog(hall.database("appointment"), SystemClock())
    log.append_all([visits.appends("V-1", [visits.booked()]), visits.appends("V-2", [visits.booked()])])
    hall.follow(*CONSUMERS)
    hall.close()
    restored("appointment", backup)
    log = EventLog(hall.database("appointment"), SystemClock())
    log.append_all([visits.appends("V-3", [visits.booked()])])
    went_on = run(block("Backup and restore", 2), OWNER="appointment")
    assert "bookings: booking ['V-3']: missing" in went_on.stderr  # as only its event was written
    hall.follow(*CONSUMERS)
    found = hall.lines("verify")[0]
    assert {one["holder"] for one in found["findings"]} == {"bookings"}
    assert hall.rows("notify", "SELECT serial FROM message WHERE log = 'appointment'") == [("V-3",)]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_in_the_runbook_is_one_that_there_is(command: str) -> None:
    words = shlex.split(command[command.index("yichuang") :])[1:]
    here: click.Command = main
    while isinstance(here, click.Group) and words and words[0] in here.commands:
        here = here.commands[words.pop(0)]
    given = [word.split("=")[0] for word in words if word.startswith("-")]
    known = {name for parameter in here.params for name in parameter.opts} | {"--help", "-h"}
    assert set(given) <= known
    assert not isinstance(here, click.Group) or given == ["--help"] or here is main


def test_the_runbook_speaks_of_commands() -> None:
    assert len(COMMANDS) > 30
