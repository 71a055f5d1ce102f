"""What is slow to start is started in one of the processes that run the tests, not in each."""

import re
from pathlib import Path

import pytest

from tests.together import unit_of

ROOT = Path(__file__).parents[2]
PACKAGES = ("kernel", "services", "gateway", "operations", "tests")
SLOW = {
    "private servers": re.compile(r"\bprivate_(rabbitmq|postgres)\b|\bPrivate(RabbitMQ|Postgres)\("),
    "towns": re.compile(r"\b(embedded_|distributed_)?town: Town[,)]"),
}


@pytest.mark.parametrize("unit", SLOW)
def test_tests_that_share_servers_run_in_one_process(unit: str) -> None:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("test_*.py")]
    sharing = [path.relative_to(ROOT).as_posix() for path in files if SLOW[unit].search(path.read_text())]
    assert sharing
    assert {path: unit_of(f"{path}::test") for path in sharing} == dict.fromkeys(sharing, unit)
