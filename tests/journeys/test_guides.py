"""Finding it: a guide, kept by the gateway, shows an import within moments; embedded and distributed."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from kernel.testing import eventually
from tests.journeys.conftest import Town

DEPARTMENT = "11440105MB2D84621T"


def catalogue(name: str, *codes: str) -> str:
    """A file of items of one department."""
    department = {"code": DEPARTMENT, "name": "示例旅程局", "sample": True}
    items = [
        {"code": code, "name": name, "department": DEPARTMENT, "conditions": ["在本区居住"], "sample": True}
        for code in codes
    ]
    made = {"format": "yichuang-catalogue/1", "departments": [department], "items": items}
    return json.dumps(made, ensure_ascii=False)


def imported(town: Town, text: str, place: Path, *options: str) -> None:
    """Import as an operator does."""
    file = place / "catalogue.json"
    file.write_text(text)
    with town.hall.command("catalog", "import", str(file), *options) as command:
        assert command.wait() == 0, command.output


def guide(town: Town, code: str, language: str = "zh-Hans", **headers: str) -> requests.Response:
    return town.hall.call("GET", f"/items/{code}", headers={"Accept-Language": language, **headers})


def figure(town: Town, line: str) -> float:
    text = town.hall.call("GET", "//metrics").text
    return float(next(one for one in text.splitlines() if one.startswith(line + " ")).split()[1])


def is_kept(town: Town, code: str) -> bool:
    """Whether asking for the guide is answered from memory."""
    kept = 'yichuang_cache_answers_total{how="kept"}'
    before = figure(town, kept)
    guide(town, code)
    return figure(town, kept) > before


def shows(town: Town, code: str, name: str) -> Any:
    """The guide, once it has this name."""
    return eventually(lambda: (found := guide(town, code)).json().get("name") == name and found, timeout=20)


@pytest.fixture
def code(town: Town) -> str:
    return f"JOURNEY-{town.hall.url.rpartition(':')[2]}"


def test_a_guide_that_is_kept_shows_a_change_and_its_end(town: Town, code: str, tmp_path: Path) -> None:
    imported(town, catalogue("示例旅程证签发", code, "JOURNEY-STAYS"), tmp_path)
    before = shows(town, code, "示例旅程证签发")
    eventually(lambda: is_kept(town, code))
    assert guide(town, code, **{"If-None-Match": before.headers["ETag"]}).status_code == 304

    traditional = guide(town, code, "zh-Hant")
    assert (traditional.json()["name"], traditional.headers["Content-Language"]) == ("示例旅程證簽發", "zh-Hant")

    imported(town, catalogue("示例旅程证换发", code, "JOURNEY-STAYS"), tmp_path)
    after = shows(town, code, "示例旅程证换发")
    assert after.headers["ETag"] != before.headers["ETag"]
    assert guide(town, code, **{"If-None-Match": before.headers["ETag"]}).status_code == 200
    earlier = town.hall.call("GET", f"/items/{code}", params={"version": before.json()["version"]}).json()
    assert (earlier["name"], earlier["current"]) == ("示例旅程证签发", False)

    imported(town, catalogue("示例旅程证换发", "JOURNEY-STAYS"), tmp_path)
    eventually(lambda: guide(town, code).status_code == 410, timeout=20)
    assert guide(town, code).json()["code"] == "retired_item"
    assert guide(town, "JOURNEY-STAYS").status_code == 200


def test_what_is_searched_for_in_traditional_characters_is_found(town: Town) -> None:
    found = town.hall.call("GET", "/search", params={"q": "護照簽發"}, headers={"Accept-Language": "zh-Hant"})
    assert found.status_code == 200, found.text
    first = found.json()["items"][0]
    assert "護照" in first["name"]
    assert town.hall.call("GET", f"/items/{first['code']}").status_code == 200


def test_forms_of_a_guide_can_be_downloaded(town: Town) -> None:
    listed = town.hall.call("GET", "/items", params={"online": "true"}).json()["items"]
    files = town.hall.call("GET", f"/items/{listed[0]['code']}").json()["files"]
    assert files
    for file in files:
        fetched = town.hall.call("GET", "/" + file["href"])
        assert fetched.status_code == 200
        assert len(fetched.content) == file["size"]


def test_every_page_of_browsing_answers(town: Town) -> None:
    for path in ("/items/hot", "/departments", "/categories", "/halls"):
        answer = town.hall.call("GET", path)
        assert answer.status_code == 200, answer.text
        assert "as_of" not in answer.json()
    department = town.hall.call("GET", "/departments").json()["items"][0]
    assert town.hall.call("GET", f"/departments/{department['code']}").json()["total"] == department["items"]
    hall = town.hall.call("GET", "/halls").json()["items"][0]
    assert town.hall.call("GET", f"/halls/{hall['id']}").json()["units"]
