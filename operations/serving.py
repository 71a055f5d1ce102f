"""Starts services in this process and stays until it is told to stop.

Never imported by anything that has not called `kernel.green.patch` first.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

from kernel import runtime
from kernel.config import BadSettings, load_settings
from operations import heartbeat
from operations.services import ALL, PARENT, SERVICES, service_class

_USAGE, _PR_SET_PDEATHSIG = 2, 1


def main(names: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT. Exit code 2: unknown names or wrong settings, said in one line."""
    unknown = [name for name in names if name != ALL and name not in SERVICES]
    if unknown or not names:
        return _refuse(f"unknown service {', '.join(unknown) or '(none)'}; there are: {', '.join(SERVICES)}, {ALL}")
    try:
        settings = load_settings()
    except BadSettings as wrong:
        return _refuse(f"settings: {wrong}")
    _end_with_parent()
    classes = [service_class(name) for name in (SERVICES if ALL in names else names)]
    with heartbeat.beating(settings.data_dir, names):
        runtime.serve(classes, settings)
    return 0


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"yichuang: {sentence}\n")
    return _USAGE


def _end_with_parent() -> None:
    """A supervisor that was killed must not leave services behind that nobody restarts and nobody stops."""
    parent = os.environ.get(PARENT)
    if parent is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # It may have died before we asked to be told.
    if os.getppid() != int(parent):
        os.kill(os.getpid(), signal.SIGTERM)
