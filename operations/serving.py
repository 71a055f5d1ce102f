"""Starts services in this process and stays until it is told to stop.

Never imported by anything that has not called `kernel.green.patch` first.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from kernel import runtime
from kernel.config import BadSettings, load_settings
from operations import heartbeat
from operations.services import ALL, SERVICES, service_class
from operations.supervisor import end_with_supervisor

_USAGE = 2


def main(names: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT. Exit code 2: unknown names or wrong settings, said in one line."""
    unknown = [name for name in names if name != ALL and name not in SERVICES]
    if unknown or not names:
        return _refuse(f"unknown service {', '.join(unknown) or '(none)'}; there are: {', '.join(SERVICES)}, {ALL}")
    try:
        settings = load_settings()
    except BadSettings as wrong:
        return _refuse(f"settings: {wrong}")
    end_with_supervisor()
    classes = [service_class(name) for name in (SERVICES if ALL in names else names)]
    with heartbeat.beating(settings.data_dir, names), _pid_file(settings.data_dir, names):
        runtime.serve(classes, settings)
    return 0


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


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"yichuang: {sentence}\n")
    return _USAGE
