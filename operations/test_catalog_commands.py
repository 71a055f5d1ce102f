"""The commands of the catalogue: what they print, to whom, and with which exit code."""

import json
import os
import pty
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kernel.testing import free_port
from operations.cli import main
from operations.commands import catalog as commands

HEADER = "department,category,name,item_code,item_type,organ_code,area_code"
ROW = "公安局,未分类,事项{0},A{0},1,11440100000001003W,440100"


def csv_of(*numbers: int, wrong: int = 0) -> str:
    lines = [
        HEADER,
        *(ROW.format(number) for number in numbers),
        *("公安局,未分类,,W,1,x_1,440100" for _ in range(wrong)),
    ]
    return "\n".join(lines) + "\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an installation keeps its data, and the files of these tests."""
    for name in ("AMQP_URI", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def yichuang(*words: str) -> Result:
    return CliRunner().invoke(main, ("catalog", *words))


def import_(folder: Path, content: str | bytes, *words: str, name: str = "items.csv") -> Result:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return yichuang("import", name, *words)


def test_an_import_is_summed_up(folder: Path) -> None:
    done = import_(folder, csv_of(1, 2))
    assert (done.exit_code, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert done.stdout.startswith("items.csv is version 1 of the catalogue\n")
    assert ["added", "2"] in lines
    assert ["departments", "1"] in lines
    again = import_(folder, csv_of(1, 2))
    assert again.stdout.startswith("items.csv: nothing changed\n")


def test_a_dry_run_does_nothing(folder: Path) -> None:
    told = [import_(folder, csv_of(1, 2), "--dry-run", "--json").stdout for _ in range(2)]
    assert told[0] == told[1]
    assert (json.loads(told[0])["added"], json.loads(told[0])["version"]) == (2, None)
    assert "nothing was written (--dry-run)" in import_(folder, csv_of(1, 2), "--dry-run").stdout


def test_wrong_records_are_listed_up_to_fifty_and_the_rest_is_imported(folder: Path) -> None:
    done = import_(folder, csv_of(1, 2, wrong=60))
    assert done.exit_code == 1
    assert "60 records are wrong and were left out:\n" in done.stdout
    assert "  line 4      W  name: Length must be between 1 and 300.\n" in done.stdout
    assert done.stdout.count("  line ") == 50
    assert "  and 10 more (--json shows all)\n" in done.stdout
    found = json.loads(import_(folder, csv_of(1, 2, wrong=60), "--json").stdout)
    assert (len(found["problems"]), found["unchanged"]) == (60, 2)
    assert found["problems"][0] == {"line": 4, "code": "W", "reason": "name: Length must be between 1 and 300."}


def test_what_is_odd_is_listed(folder: Path) -> None:
    done = import_(folder, csv_of(1).replace("11440100000001003W", "x_1").replace("未分类", "没有"))
    assert done.exit_code == 0
    assert "2 warnings:\n  line 2      x_1  no organ can have this code\n" in done.stdout
    assert "  all         1 categories of 1 rows are not known; these items have none: 没有\n" in done.stdout


def test_a_file_that_cannot_be_taken_is_refused_in_a_sentence(folder: Path) -> None:
    gbk = csv_of(1).encode("gbk")
    refused = import_(folder, gbk)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Error: Line 2 is not UTF-8 (byte 66 of the file).")
    assert refused.stderr.endswith("(wrong_encoding)\nNothing was changed.\n")
    assert json.loads(import_(folder, gbk, "--json").stdout)["code"] == "wrong_encoding"
    assert import_(folder, gbk, "--encoding", "gbk").exit_code == 0


@pytest.mark.parametrize("name", [".", "nothing.csv"])
def test_what_is_no_file_is_refused(folder: Path, name: str) -> None:
    refused = yichuang("import", name)
    assert (refused.exit_code, "(no_such_file)" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    "words",
    [
        ("import", "items.csv", "--complete", "--keep-missing"),
        ("import", "items.csv", "--encoding", "latin-1"),
        ("import",),
        ("export", "--json"),
        ("export", "--format", "xml"),
    ],
)
def test_wrong_usage_is_exit_code_2(folder: Path, words: tuple[str, ...]) -> None:
    assert yichuang(*words).exit_code == 2


def test_a_database_that_is_away_is_exit_code_3(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    away = import_(folder, csv_of(1))
    assert away.exit_code == 3
    assert away.stderr.startswith("Error: the database can't be reached")


def test_what_is_missing_is_retired_as_the_options_say(folder: Path) -> None:
    import_(folder, csv_of(*range(1, 41)))
    part = json.loads(import_(folder, csv_of(1), "--json").stdout)
    assert (part["retired"], part["warnings"][0]["reason"][:8]) == (0, "39 items")
    assert json.loads(import_(folder, csv_of(1), "--json", "--complete", "--dry-run").stdout)["retired"] == 39
    assert json.loads(import_(folder, csv_of(*range(1, 39)), "--json", "--keep-missing").stdout)["retired"] == 0
    assert json.loads(import_(folder, csv_of(*range(1, 39)), "--json").stdout)["retired_codes"] == ["A39", "A40"]


@pytest.mark.parametrize(("name", "start"), [("out.json", "{\n"), ("out.csv", "department,")])
def test_an_export_goes_to_a_file_or_to_standard_output(folder: Path, name: str, start: str) -> None:
    import_(folder, csv_of(1, 2))
    done = yichuang("export", name, "--json")
    content = (folder / name).read_text()
    assert json.loads(done.stdout) == {"file": name, "format": name[4:], "bytes": len(content.encode())}
    assert content.startswith(start)
    assert yichuang("export", "--format", name[4:]).stdout == content
    assert yichuang("import", name).stdout.startswith(f"{name}: nothing changed\n")


def test_an_export_that_cannot_be_written_leaves_what_was_there(folder: Path) -> None:
    (folder / "out.json").mkdir()
    import_(folder, csv_of(1))
    refused = yichuang("export", "out.json")
    assert (refused.exit_code, refused.stderr[:34]) == (1, "Error: out.json can't be written: ")
    assert sorted(os.listdir(folder)) == ["data", "items.csv", "out.json"]


def test_progress_is_shown_to_who_looks_and_to_nobody_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with commands._bar("items.csv") as tell:
        assert tell is None
    controller, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as screen:
        monkeypatch.setattr("sys.stderr", screen)
        with commands._bar("items.csv") as tell:
            assert tell is not None
            tell(50, 100)
    shown = b""
    with suppress(OSError):  # so a terminal tells that nothing more comes
        while part := os.read(controller, 65536):
            shown += part
    os.close(controller)
    assert b"items.csv" in shown
    assert b"50%" in shown
    assert b"items/s" in shown
