"""Commands that look leave everything as it is: no directory, no secret, no tables, no version of any."""

import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from kernel.config import load_settings
from kernel.database import newest, open_url
from kernel.testing import full_disk
from operations.cli import main
from operations.conftest import Another
from operations.services import migrations_of
from operations.testing_installation import Installation

LOOKING = [
    ("verify",),
    ("log", "tail"),
    ("log", "show", "S1"),
    ("log", "stats"),
    ("log", "head"),
    ("log", "status"),
    ("parked", "list"),
    ("parked", "show", "S1", "--consumer", "progress"),
    ("parked", "requeue", "S1", "--consumer", "progress"),
    ("replay", "progress"),
    ("messages", "list"),
    ("archive", "export", "nowhere.jsonl.gz"),
    ("catalog", "export", "nowhere.json"),
    ("healthy",),
    ("healthy", "filing"),
]


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


@pytest.fixture
def missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DATA_DIR that was mistyped."""
    for name in ("AMQP_URI", "DATABASE_URL", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "mistyped"))
    return tmp_path / "mistyped"


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_where_there_is_no_hall_none_is_begun(missing: Path, words: tuple[str, ...]) -> None:
    refused = run(*words)
    assert refused.exit_code == 1, refused.output
    assert words[0] == "healthy" or f"has no tables in {missing} (DATA_DIR)" in refused.stderr
    assert not missing.exists()
    run("status")
    assert not missing.exists()


def test_no_schema_is_made_by_who_looks(missing: Path, postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_database)
    for words in (("verify",), ("parked", "list"), ("log", "tail"), ("status",)):
        assert run(*words).exit_code != 0
    database = open_url(postgres_database, "t_look", making=False)
    with database.single() as connection:
        made = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('filing', 'progress', 'notify', 'catalog', 'desk')"
        assert connection.exec_driver_sql(made).scalar_one() == 0
    database.close()


def test_tables_of_another_version_are_left_at_it(installation: Installation) -> None:
    installation.change("notify", "UPDATE alembic_version SET version_num = '0001_older'")
    wanted = newest(migrations_of("notify"))
    for words in (("verify",), ("parked", "list"), ("replay", "notify"), ("messages", "list"), ("log", "status")):
        refused = installation.run(*words)
        assert refused.exit_code == 1
        assert f"The tables of notify are at version 0001_older, and this yichuang works on {wanted}" in refused.stderr
    assert installation.rows("notify", "SELECT version_num FROM alembic_version") == [("0001_older",)]
    assert installation.run("log", "tail").exit_code == 0  # of others it needs nothing


def test_whoever_has_no_right_to_the_tables_is_not_told_that_there_are_none(
    installations: Another, unique_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = installations("postgresql")
    installation.change("filing", f"CREATE ROLE {unique_name} LOGIN")
    owners = os.environ["DATABASE_URL"]
    monkeypatch.setenv("DATABASE_URL", owners.replace("://postgres", f"://{unique_name}", 1))
    for words in (("verify",), ("parked", "list"), ("log", "tail"), ("migrate",)):
        refused = installation.run(*words)
        assert refused.exit_code == 1, refused.output
        assert refused.stderr.startswith("Error: this database user lacks the right: ")
        assert refused.stderr.count("\n") == 1
    looked = installation.run("status", "--json")
    assert looked.exit_code == 1
    assert "no right to look at them: " in looked.stdout
    monkeypatch.setenv("DATABASE_URL", owners)
    installation.change("filing", f"DROP ROLE {unique_name}")


def test_a_full_disk_is_called_one(installations: Another, monkeypatch: pytest.MonkeyPatch) -> None:
    installation = installations("sqlite")
    with full_disk(4096):
        for words in (("verify",), ("parked", "list"), ("log", "head"), ("migrate",), ("replay", "progress")):
            failed = installation.run(*words)
            assert (failed.exit_code, "disk is full" in failed.stderr) == (3, True), failed.output
        looked = installation.run("status")
    assert looked.exit_code == 3
    assert "full" in looked.stdout


class Full(io.StringIO):
    """A terminal, or a file, that takes nothing more."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("words", [("log", "status"), ("log", "status", "--json"), ("status",)], ids=" ".join)
def test_output_that_finds_no_room_ends_with_3(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr("sys.stdout", Full())
    with pytest.raises(click.ClickException) as failed, main.make_context("yichuang", [*words]) as context:
        main.invoke(context)
    assert failed.value.exit_code == 3
    assert "no room left for what is printed" in failed.value.message


@pytest.fixture
def forbidden(missing: Path) -> Iterator[Path]:
    """A directory of somebody else's. Where tests run as root, who may do everything, they step down for it."""
    missing.mkdir()
    load_settings()
    missing.chmod(0)
    before = os.geteuid()
    os.seteuid(before or 65534)
    yield missing
    os.seteuid(before)
    missing.chmod(0o700)


@pytest.mark.parametrize("words", [("verify",), ("log", "tail"), ("migrate",), ("run",)], ids=" ".join)
def test_a_directory_that_is_closed_to_us_is_said_in_a_line(forbidden: Path, words: tuple[str, ...]) -> None:
    refused = run(*words)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: no right to use ")
    assert refused.stderr.count("\n") == 1
