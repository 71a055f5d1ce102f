"""Signs of life: a file that a process touches for as long as its event loop turns.

A process that hangs stops touching it, which is what the containers' health checks look at.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

EVERY = 2.0  # seconds
FRESH = 15.0  # seconds


def run_directory(data_dir: Path) -> Path:
    """Where pid files and heartbeats are kept; made if missing."""
    directory = data_dir / "run"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextlib.contextmanager
def beating(data_dir: Path, names: Sequence[str]) -> Iterator[None]:
    """Touch a file per name every two seconds, from a thread (in services: a greenlet); removed at the end."""
    run_directory(data_dir)
    files = [_file(data_dir, name) for name in names]
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(EVERY):
            _touch(files)

    _touch(files)
    beater = threading.Thread(target=beat, name="heartbeat", daemon=True)
    beater.start()
    try:
        yield
    finally:
        stopped.set()
        beater.join(EVERY)
        for file in files:
            file.unlink(missing_ok=True)


def stale(data_dir: Path, names: Sequence[str], within: float = FRESH) -> list[str]:
    """Those of `names` that gave no sign of life in the last seconds on this machine (no names: of all that did).

    Where nothing ever ran, nothing is made.
    """
    wanted = [_file(data_dir, name) for name in names] or sorted((data_dir / "run").glob(_pattern()))
    return [file.name.partition("@")[0] for file in wanted if not _fresh(file, within)] if wanted else ["(none)"]


def beating_now(data_dir: Path) -> list[str]:
    """The services on this machine that gave signs of life just now. Makes nothing either."""
    files = sorted((data_dir / "run").glob(_pattern()))
    return [file.name.partition("@")[0] for file in files if _fresh(file, FRESH)]


def _pattern() -> str:
    return f"*@{socket.gethostname()}.alive"


def _file(data_dir: Path, name: str) -> Path:
    # Containers of several services, or several of one, share a data volume: the machine's name tells them apart.
    return data_dir / "run" / f"{name}@{socket.gethostname()}.alive"


def _touch(files: Sequence[Path]) -> None:
    for file in files:
        file.touch()


def _fresh(file: Path, within: float) -> bool:
    # Both times are the machine's own wall clock, as files carry no other.
    return file.exists() and time.time() - file.stat().st_mtime <= within
