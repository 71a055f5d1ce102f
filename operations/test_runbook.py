"""The runbook does what it says: its drill and its backups as they stand, and no command in it that there is not."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from kernel.contracts.case import CaseWithdrawn
from kernel.testing.cases import START, appends, corrected_and_concluded
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


def test_the_drill_runs_as_written(hall: Installation) -> None:
    drilled = run(block("A drill"))
    assert drilled.returncode == 0, drilled.stderr
    assert "6 differences were found" in drilled.stderr
    assert f"case_progress ['{serial(1)}']: different: state is 'received', implied 'concluded'" in drilled.stderr
    assert drilled.stdout.count("case_progress: 3 rows, 0 added, 0 gone, 3 changed") == 2
    assert drilled.stdout.count("case_step: 27 rows, 3 added, 0 gone, 0 changed") == 2
    assert "swapped: these are the live tables now" in drilled.stdout
    assert drilled.stdout.splitlines()[-1].startswith("sound up to position 27")


def restored(owner: str, backup: Path) -> None:
    done = run(block("Backup and restore", 1), OWNER=owner, BACKUP=str(backup))
    assert done.returncode == 0, done.stderr


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
    for consumer in ("progress", "notify", "catalog"):
        assert hall.run("replay", consumer, "--swap", "--new-log").exit_code == 0
    left = hall.lines("verify")[0]
    assert {(one["table"], one["kind"]) for one in left["findings"]} == {("message", "unexpected")}
    hall.file([9])
    hall.follow(*CONSUMERS)
    assert hall.rows("progress", "SELECT count(*) FROM case_progress") == [(4,)]


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
