"""Two halls on one port, or on the same data: the second one says why it can't be, in a line, and harms nobody."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.errors import CannotListen
from kernel.testing import Process, eventually, free_port
from kernel.testing.ports import accepts
from operations.holding import Held, check_port, held

ROOT = Path(__file__).parents[1]
YICHUANG = Path(sys.executable).parent / "yichuang"


def settings(data_dir: Path, port: int) -> dict[str, str | None]:
    return {"AMQP_URI": None, "DATABASE_URL": None, "DATA_DIR": str(data_dir), "PORT": str(port), "LOG_LEVEL": "INFO"}


def yichuang(*words: str, data_dir: Path, port: int, log: Path) -> Process:
    return Process([YICHUANG, *words], log=log, env=settings(data_dir, port), cwd=ROOT)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("halls")


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def hall(place: Path, port: int) -> Iterator[Process]:
    """An embedded hall on `place`/var, which it makes itself."""
    with yichuang("run", data_dir=place / "var", port=port, log=place / "hall.log") as hall:
        hall.wait_for_port(port)
        yield hall


def told(process: Process) -> str:
    """The one line that it ended with, refused."""
    with process:
        assert process.wait() == 1
        (line,) = process.output.splitlines()
    return line


def test_a_second_hall_on_the_same_data_says_so_in_a_line(hall: Process, place: Path, tmp_path: Path) -> None:
    second = yichuang("run", data_dir=place / "var", port=free_port(), log=tmp_path / "log")
    assert f"another hall runs on {place / 'var'}" in told(second)
    served = yichuang("serve", "all", data_dir=place / "var", port=free_port(), log=tmp_path / "served.log")
    assert "set DATA_DIR to another" in told(served)
    assert hall.alive


def test_a_second_hall_on_the_same_port_says_so_in_a_line(hall: Process, port: int, tmp_path: Path) -> None:
    second = yichuang("run", data_dir=tmp_path / "var", port=port, log=tmp_path / "log")
    assert f"port {port} is taken: set PORT to another" in told(second)
    assert hall.alive


@pytest.mark.parametrize("words", [("log", "tail"), ("log", "status"), ("verify",), ("parked", "list")], ids=" ".join)
def test_commands_that_read_work_beside_a_hall(
    hall: Process, place: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    with yichuang(*words, data_dir=place / "var", port=free_port(), log=tmp_path / "log") as command:
        assert command.wait() == 0, command.output


def test_what_a_hall_keeps_is_its_owners_alone(hall: Process, place: Path) -> None:
    kept = [place / "var", *(place / "var").rglob("*")]
    assert any(path.suffix == ".sqlite3" for path in kept)
    open_to_others = [path for path in kept if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_to_others == []


def test_a_hall_that_was_killed_holds_nothing(place: Path, tmp_path: Path) -> None:
    port = free_port()
    with yichuang("run", data_dir=tmp_path / "var", port=port, log=tmp_path / "log") as hall:
        hall.wait_for_port(port)
        hall.kill()
        hall.start()
        assert eventually(lambda: accepts(port), timeout=30)


def test_data_are_held_by_one_and_free_after(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(Held, match="another hall runs on"), held(tmp_path):
        raise AssertionError("held twice")
    with held(tmp_path):
        assert (tmp_path / "hall.lock").stat().st_uid == os.getuid()


def test_an_address_that_is_not_ours_is_said() -> None:
    with pytest.raises(CannotListen, match=r"cannot listen on 203\.0\.113\.7, port 8000: .*; set HOST and PORT"):
        check_port("203.0.113.7", 8000)
