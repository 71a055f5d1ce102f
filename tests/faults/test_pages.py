"""What the gateway keeps while others are away: good pages without catalog, and never an old one."""

import os
import signal
from pathlib import Path

import pytest

from kernel.testing import eventually
from operations.setup.backing_services import PrivateRabbitMQ
from tests.catalogues import catalogue, figure, guide, imported, is_kept, shows
from tests.faults.conftest import Site
from tests.hall import Hall

CODE = "PAGES-1"
LISTENING = "yichuang_cache_listening"


@pytest.fixture
def hall(site: Site) -> Hall:
    return site.hall


def test_a_page_that_is_kept_needs_no_catalog(hall: Hall, tmp_path: Path) -> None:
    imported(hall, catalogue("示例证签发", CODE), tmp_path)
    shows(hall, CODE, "示例证签发")
    eventually(lambda: is_kept(hall, CODE))
    supervisor = hall.process.pid
    os.kill(supervisor, signal.SIGSTOP)  # so that it isn't started again under our eyes
    try:
        hall.kill("catalog")
        eventually(lambda: guide(hall, CODE, "en").status_code == 503, timeout=30)
        kept = guide(hall, CODE)
        assert (kept.status_code, kept.json()["name"]) == (200, "示例证签发")
    finally:
        os.kill(supervisor, signal.SIGCONT)
    eventually(hall.ready, timeout=30)


def test_a_change_that_nobody_could_hear_of_is_not_missed(
    hall: Hall, private_rabbitmq: PrivateRabbitMQ, tmp_path: Path
) -> None:
    imported(hall, catalogue("示例证换发", CODE), tmp_path)
    shows(hall, CODE, "示例证换发")
    eventually(lambda: is_kept(hall, CODE))
    with private_rabbitmq.killed():
        eventually(lambda: figure(hall, LISTENING) == 0, timeout=30)
        imported(hall, catalogue("示例证补发", CODE), tmp_path)
        assert guide(hall, CODE).status_code in (503, 504)  # an old page would be an answer, and a wrong one
    eventually(lambda: guide(hall, CODE).status_code == 200, timeout=60)
    assert guide(hall, CODE).json()["name"] == "示例证补发"
    eventually(lambda: is_kept(hall, CODE), timeout=30)
