"""Signs of life, as health checks see them."""

import os
from pathlib import Path

from kernel.testing import eventually
from operations.heartbeat import beating, run_directory, stale


def test_who_beats_is_alive_and_who_stopped_is_not(tmp_path: Path) -> None:
    assert stale(tmp_path, ["filing"]) == ["filing"]
    with beating(tmp_path, ["filing", "relay"]):
        assert stale(tmp_path, ["filing"]) == []
        assert stale(tmp_path, []) == []
        assert stale(tmp_path, ["filing", "notify"]) == ["notify"]
    assert stale(tmp_path, ["filing"]) == ["filing"]


def test_one_whose_heart_stopped_without_an_end_is_found(tmp_path: Path) -> None:
    with beating(tmp_path, ["filing"]):
        (file,) = run_directory(tmp_path).glob("filing@*")
        os.utime(file, (0, 0))
        assert stale(tmp_path, []) == ["filing"]
        eventually(lambda: stale(tmp_path, []) == [])


def test_where_nobody_beats_nobody_is_healthy(tmp_path: Path) -> None:
    assert stale(tmp_path, []) == ["(none)"]
