"""The catalogue changes under people who are filing: what they began under one version ends under it."""

import json
from pathlib import Path
from typing import Any

import pytest

from kernel.testing import eventually
from tests.hall import Applicant
from tests.journeys.conftest import Town

ORGAN = "11440100000001003W"  # of the demo catalogue
WINDOW = {"name": "窗口", "address": "一号路1号（样例）", "hours": "9:00-17:00（样例）", "phone": None, "sample": True}
FORM = {"name": "reason", "label": "理由", "type": "text", "required": True, "max_length": 100}


def item(code: str, **members: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name": "申请旅程登记",
        "department": ORGAN,
        "kind": "promised",
        "promised_limit": {"amount": 5, "unit": "working_days"},
        "online": True,
        "windows": [WINDOW],
        "fields": [FORM],
        **members,
    }


def imports(town: Town, folder: Path, *items: dict[str, Any], how: str = "--keep-missing") -> None:
    """Import a file as an operator does."""
    file = folder / "catalogue.json"
    file.write_text(json.dumps({"format": "yichuang-catalogue/1", "items": items}))
    town.hall.does("catalog", "import", str(file), how)


@pytest.fixture
def applicant(town: Town) -> Applicant:
    return Applicant(town.hall)


def test_a_case_keeps_the_version_it_was_begun_under(town: Town, applicant: Applicant, tmp_path: Path) -> None:
    imports(town, tmp_path, item("journey-1"))
    eventually(lambda: town.hall.call("GET", "/items/journey-1").status_code == 200)
    draft = applicant.draft({"code": "journey-1"})

    imports(town, tmp_path, item("journey-1", fields=[{**FORM, "name": "why"}]))
    eventually(lambda: town.hall.item("journey-1")["version"] == 2)
    assert applicant.submit(draft)["receipt"]["item"]["version"] == 1

    first = town.hall.call("GET", "/items/journey-1", params={"version": 1}).json()
    assert [field["name"] for field in first["fields"]] == ["reason"]
    assert applicant.file({"code": "journey-1"})["receipt"]["item"]["version"] == 2


def test_nothing_new_is_filed_under_what_was_retired(town: Town, applicant: Applicant, tmp_path: Path) -> None:
    imports(town, tmp_path, item("journey-2"))
    eventually(lambda: town.hall.call("GET", "/items/journey-2").status_code == 200)
    draft = applicant.draft({"code": "journey-2"})

    # The demo's items are samples, which a file without samples does not speak of.
    imports(town, tmp_path, item("journey-3"), how="--complete")
    eventually(lambda: town.hall.call("GET", "/items/journey-2").status_code == 410)
    opened = applicant.call("POST", "/drafts", json={"item": "journey-2"})
    assert (opened.status_code, opened.json()["code"]) == (410, "retired_item")
    assert applicant.submit(draft)["serial"]


def test_what_is_not_online_is_not_filed_online(town: Town, applicant: Applicant, tmp_path: Path) -> None:
    imports(town, tmp_path, item("journey-4", online=False))
    eventually(lambda: town.hall.call("GET", "/items/journey-4").status_code == 200)
    opened = applicant.call("POST", "/drafts", json={"item": "journey-4"})
    assert (opened.status_code, opened.json()["code"]) == (409, "not_online")
