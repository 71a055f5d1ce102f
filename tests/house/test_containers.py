"""The containers: a valid file, every service in it, nothing that starts without secrets of its own."""

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.services import SERVICES
from operations.setup.backing_services import PrivateRabbitMQ
from operations.setup.definitions import definitions
from tests.house.repository import ROOT, text

BACKING = {"rabbitmq", "postgres"}
ONCE = {"migrate", "rabbitmq-definitions"}
SECRETS = {"SECRET_KEY": "0" * 64, "POSTGRES_PASSWORD": "p1", "RABBITMQ_PASSWORD": "p2"}


def compose(tmp_path: Path, secrets: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`docker-compose config` on the file alone, without anybody's .env beside it."""
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    command = shutil.which("docker-compose")
    words = [command] if command else ["docker", "compose"]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **secrets}
    return subprocess.run([*words, "config"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)


@cache
def written() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(text("docker-compose.yml"))
    return loaded


def test_the_file_is_valid_and_holds_every_service(tmp_path: Path) -> None:
    checked = compose(tmp_path, SECRETS)
    assert checked.returncode == 0, checked.stderr
    services = yaml.safe_load(checked.stdout)["services"]
    assert set(services) == set(SERVICES) | BACKING | ONCE
    for name in SERVICES:
        assert services[name]["command"] == ["serve", name]
        assert services[name]["environment"]["SECRET_KEY"] == SECRETS["SECRET_KEY"]


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_nothing_starts_without_secrets_of_its_own(tmp_path: Path, missing: str) -> None:
    checked = compose(tmp_path, {name: value for name, value in SECRETS.items() if name != missing})
    assert checked.returncode != 0
    assert missing in checked.stderr


@pytest.mark.parametrize("name", sorted(set(SERVICES) | BACKING))
def test_what_stays_up_is_restarted_and_checked(name: str) -> None:
    service = written()["services"][name]
    assert service["restart"] == "unless-stopped"
    assert "healthcheck" in service or "HEALTHCHECK" in text("Dockerfile")
    assert not service.get("healthcheck", {}).get("disable")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_services_start_when_what_they_need_is_there(name: str) -> None:
    needs = written()["services"][name]["depends_on"]
    assert {needed: how["condition"] for needed, how in needs.items()} == {
        "migrate": "service_completed_successfully",
        "rabbitmq-definitions": "service_completed_successfully",
    }


def test_what_must_outlive_a_container_is_in_a_volume() -> None:
    kept = {name: service.get("volumes", []) for name, service in written()["services"].items()}
    assert kept["rabbitmq"] == ["rabbitmq:/var/lib/rabbitmq"]
    assert kept["postgres"] == ["postgres:/var/lib/postgresql/data"]
    assert all(kept[name] == ["data:/data"] for name in SERVICES)
    assert set(written()["volumes"]) == {"rabbitmq", "postgres", "data"}


def test_the_image_holds_all_packages_and_runs_as_nobody_special() -> None:
    lines = text("Dockerfile").splitlines()
    assert {"COPY kernel kernel", "COPY services services", "COPY gateway gateway", "USER hall"} <= set(lines)
    assert "RUN pip install --require-hashes --requirement requirements.lock" in lines
    assert lines.index("USER hall") < next(at for at, line in enumerate(lines) if line.startswith("ENTRYPOINT"))


def test_the_definitions_are_the_topology() -> None:
    assert json.loads(text("deploy/rabbitmq/definitions.json")) == definitions()


def test_the_definitions_hold_no_users() -> None:
    assert not {"users", "permissions"} & set(definitions())


def test_a_broker_takes_the_definitions_however_often(private_rabbitmq: PrivateRabbitMQ) -> None:
    for _ in range(2):
        private_rabbitmq.control("import_definitions", str(ROOT / "deploy/rabbitmq/definitions.json"))
    listed = private_rabbitmq.control("list_queues", "name", "type").splitlines()
    there = {tuple(line.split("\t")) for line in listed}
    assert {(queue["name"], "quorum") for queue in definitions()["queues"]} <= there
