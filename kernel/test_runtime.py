"""The process around the services: its start, its logs, and stock nameko inside it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kernel.config import Settings
from kernel.runtime import broker_name, nameko_config, serve

_ROOT = Path(__file__).parents[1]


def run(script: str) -> subprocess.CompletedProcess[str]:
    """A script in a process of its own, in which the first line patches."""
    patched = f"from kernel import green\ngreen.patch()\n{script}"
    return subprocess.run(
        [sys.executable, "-c", patched], cwd=_ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_it_refuses_to_serve_in_a_process_that_is_not_patched() -> None:
    with pytest.raises(RuntimeError, match="patch"):
        serve([], Settings())


def test_a_broker_is_named_without_its_password() -> None:
    assert broker_name("amqp://hall:secret@rabbit:5672/%2F") == "amqp://rabbit:5672/%2F"
    assert broker_name("memory://") == "memory://"


def test_the_configuration_carries_the_settings() -> None:
    settings = Settings(port=8123)
    config = nameko_config(settings)
    assert config["settings"] is settings
    assert config["WEB_SERVER_ADDRESS"] == "127.0.0.1:8123"


def test_patching_prints_no_notice_and_waits_for_psycopg_in_greenlets() -> None:
    done = run("import os, nameko.rpc, kernel.messaging.rpc; print(os.environ['PSYCOPG_WAIT_FUNC'])")
    assert (done.returncode, done.stdout, done.stderr) == (0, "wait_selector\n", "")


def test_every_log_line_is_json_with_the_service_and_the_traceback() -> None:
    done = run(
        "import logging\n"
        "from kernel import logs\n"
        "logs.configure('INFO', service='filing')\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n"
        "    logs.get('kernel.x').error('failed', case='S1', exc_info=error)\n"
        "logging.getLogger('some.library').warning('said %s', '中文')\n"
        "logs.get('kernel.x').debug('unheard')\n"
    )
    ours, theirs = (json.loads(line) for line in done.stderr.splitlines())
    assert (ours["service"], ours["event"], ours["case"], ours["level"]) == ("filing", "failed", "S1", "error")
    assert ours["exception"].endswith("ZeroDivisionError: division by zero")
    assert (theirs["event"], theirs["logger"]) == ("said 中文", "some.library")


def test_stock_nameko_works_over_the_in_process_broker() -> None:
    done = run(
        "import kernel.messaging\n"
        "from nameko.rpc import rpc\n"
        "from nameko.runners import run_services\n"
        "from nameko.standalone.rpc import ServiceRpcProxy\n"
        "class Service:\n"
        "    name = 'stock'\n"
        "    @rpc\n"
        "    def double(self, n):\n"
        "        return 2 * n\n"
        "config = {'AMQP_URI': 'memory://'}\n"
        "with run_services(config, Service), ServiceRpcProxy('stock', config) as stock:\n"
        "    print([stock.double(n) for n in range(3)])\n"
    )
    assert done.stdout == "[0, 2, 4]\n", done.stderr
