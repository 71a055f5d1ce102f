"""What a hall has to itself: its port, and, where it is embedded, its data, which are private to its owner.

Holds off a second hall only; commands that read go on beside it.
"""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from kernel.errors import CannotListen

LOCK = "hall.lock"
_OTHERS = 0o077  # rights of group and world


class Held(Exception):
    """Another hall runs on the same data; the message is a sentence for the operator."""


@contextlib.contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Keep every other hall off `data_dir`. The kernel lets go by itself when the process ends, however it does.

    Raises Held.
    """
    make_private(data_dir)
    with open(data_dir / LOCK, "a", opener=_for_us_alone) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Held(f"another hall runs on {data_dir.resolve()}: stop it, or set DATA_DIR to another") from None
        yield


def check_port(host: str, port: int) -> None:
    """Raises CannotListen unless one could listen there now. Before anything is started, so that nothing must stop."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            raise CannotListen(host, port, error) from None


@contextlib.contextmanager
def private_files() -> Iterator[None]:
    """What this process makes meanwhile is readable by its owner alone."""
    before = os.umask(_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def make_private(data_dir: Path) -> None:
    """The directory; made for its owner alone if missing. One that is there keeps the rights that it was given."""
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    data_dir.mkdir(mode=0o700, exist_ok=True)
