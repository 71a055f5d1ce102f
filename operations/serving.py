"""Starts services in this process and stays until it is told to stop.

Never imported by anything that has not called `kernel.green.patch` first.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from kernel import runtime
from kernel.config import BadSettings, Settings, load_settings
from kernel.errors import CannotListen
from operations import heartbeat
from operations.holding import Held, check_port, held, private_files
from operations.services import ALL, SERVICES, service_class
from operations.supervisor import end_with_supervisor

_FAILED, _USAGE = 1, 2


def main(names: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT.

    Exit code 2: unknown names or wrong settings; 1: the port is taken, or the data are another hall's. Said in a line.
    """
    unknown = [name for name in names if name != ALL and name not in SERVICES]
    if unknown or not names:
        return _refuse(f"unknown service {', '.join(unknown) or '(none)'}; there are: {', '.join(SERVICES)}, {ALL}")
    try:
        settings = load_settings()
    except BadSettings as wrong:
        return _refuse(f"settings: {wrong}")
    end_with_supervisor()
    try:
        with _own_data(settings):
            _serve(names, settings)
    except (CannotListen, Held) as why:
        return _refuse(str(why), _FAILED)
    return 0


def _serve(names: Sequence[str], settings: Settings) -> None:
    wanted = list(SERVICES) if ALL in names else names
    if "gateway" in wanted:
        check_port(settings.host, settings.port)
    classes = [service_class(name) for name in wanted]
    with heartbeat.beating(settings.data_dir, names), _pid_file(settings.data_dir, names):
        runtime.serve(classes, settings)


@contextlib.contextmanager
def _own_data(settings: Settings) -> Iterator[None]:
    """An embedded hall keeps everything in DATA_DIR; services on PostgreSQL and RabbitMQ share theirs."""
    if not settings.embedded:
        yield
        return
    with held(settings.data_dir), private_files():
        yield


@contextlib.contextmanager
def _pid_file(data_dir: Path, names: Sequence[str]) -> Iterator[None]:
    """`all.pid` where one process is the whole hall; those of several are the supervisor's to write."""
    file = heartbeat.run_directory(data_dir) / f"{ALL}.pid"
    if ALL not in names:
        yield
        return
    file.write_text(f"{os.getpid()}\n")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _refuse(sentence: str, code: int = _USAGE) -> int:
    sys.stderr.write(f"yichuang: {sentence}\n")
    return code
