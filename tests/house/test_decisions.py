"""Decisions have a form, and a service that is new is named wherever services are named."""

import re
import tomllib
from typing import Any

import pytest

from operations.services import OWNERS, SERVICES, migrations_of
from tests.house.repository import ROOT, text, tracked

DECISIONS = [name for name in tracked() if re.match(r"docs/adr/[0-9]{4}-", name)]
SECTIONS = ["Context", "Options", "Decision", "Consequences"]


@pytest.mark.parametrize("name", DECISIONS)
def test_a_decision_says_why_what_else_and_what_follows(name: str) -> None:
    written = text(name)
    number = name.removeprefix("docs/adr/")[:4]
    assert written.startswith(f"# {number} ")
    assert re.search(r"^Accepted [0-9]{4}-[0-9]{2}-[0-9]{2}\.$", written, re.MULTILINE)
    assert [title for title in re.findall(r"^## (\w+)$", written, re.MULTILINE) if title in SECTIONS] == SECTIONS
    assert written.count("\n**") >= 3, "fewer than three options were looked at"


def test_the_list_of_decisions_is_complete() -> None:
    linked = re.findall(r"\]\(([^)]+\.md)\)", text("docs/adr/README.md"))
    assert [f"docs/adr/{name}" for name in linked] == DECISIONS
    assert [name[9:13] for name in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]


def contract(beginning: str) -> dict[str, Any]:
    contracts = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    (found,) = [each for each in contracts if each["name"].startswith(beginning)]
    return dict(found)


def packages() -> set[str]:
    return {path.parent.name for path in (ROOT / "services").glob("*/__init__.py")}


def test_every_service_is_kept_apart_from_the_others() -> None:
    assert set(contract("Services and gateway meet")["modules"]) == {
        *(f"services.{name}" for name in packages()),
        "gateway",
    }
    layered = {path.parent.name for path in (ROOT / "services").glob("*/bootstrap.py")}
    assert set(contract("Inside a service")["containers"]) == {f"services.{name}" for name in layered}


def test_every_nameko_class_is_served() -> None:
    modules = {
        path.removesuffix(".py").replace("/", ".") for path in tracked() if re.match(r"services/\w+/service\.py", path)
    }
    served = {where.partition(":")[0] for where in SERVICES.values()}
    assert modules | {"gateway.service"} <= served
    assert {where.split(".")[1] for where in served if where.startswith("services.")} <= packages()


def test_everybody_who_has_migrations_is_migrated() -> None:
    having = {path.parent.name for path in (ROOT / "services").glob("*/migrations")}
    assert having == set(OWNERS)
    assert all(list(migrations_of(owner).glob("0001_*.py")) for owner in OWNERS)
