"""Which tests run in one process and which begin first, where `make test` runs them in several.

Fixtures of a session are made once in each process: what is slow to start is best asked for in one of them only.
"""

import ctypes
import signal
import sys

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    "tests/faults/": "private servers",
    "tests/journeys/": "towns",
    "tests/house/test_containers.py": "private servers",
    "kernel/database/test_database.py": "private servers",
    "kernel/messaging/test_consuming.py": "private servers",
    "operations/setup/": "private servers",
    "operations/test_department_client.py": "private servers",
}
_ON_DEATH_OF_PARENT = 1  # PR_SET_PDEATHSIG
# What takes long begins early, so that the processes end at about the same time.
_LONG = (
    *TOGETHER,
    "tests/test_",
    "kernel/eventlog/test_rebuilding.py",
    "kernel/messaging/",
    "operations/",
    "services/notify/test_killed.py",
    "services/appointment/",
    "kernel/test_telemetry.py",
    "kernel/database/",
    "gateway/test_routes.py",
    "tests/house/test_tables.py",
    "tests/house/test_watching.py",
)


def pytest_configure(config: pytest.Config) -> None:
    # The process that hands tests out may end in any way, kill -9 included: those that run them stop their servers.
    if hasattr(config, "workerinput") and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_ON_DEATH_OF_PARENT, signal.SIGTERM)


def unit_of(nodeid: str) -> str:
    """What the test is handed out with: its file, or all that share servers."""
    path = nodeid.split("::", 1)[0]
    return next((servers for start, servers in TOGETHER.items() if path.startswith(start)), path)


class SharingServers(LoadScopeScheduling):
    """Hands out units in the order of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    config.option.loadscopereorder = False  # else those with the most tests came first
    return SharingServers(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # one of several processes
        items.sort(key=lambda item: _turn(item.nodeid))


def _turn(nodeid: str) -> int:
    return next((turn for turn, start in enumerate(_LONG) if nodeid.startswith(start)), len(_LONG))
