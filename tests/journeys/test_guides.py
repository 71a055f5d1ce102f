"""Finding it: a guide, kept by the gateway, shows an import within moments; embedded and distributed."""

from pathlib import Path

import pytest

from kernel.testing import eventually
from tests.catalogues import catalogue, guide, imported, is_kept, shows
from tests.journeys.conftest import Town


@pytest.fixture
def code(town: Town) -> str:
    return f"JOURNEY-{town.hall.url.rpartition(':')[2]}"


def test_a_guide_that_is_kept_shows_a_change_and_its_end(town: Town, code: str, tmp_path: Path) -> None:
    imported(town.hall, catalogue("示例旅程证签发", code, "JOURNEY-STAYS"), tmp_path)
    before = shows(town.hall, code, "示例旅程证签发")
    eventually(lambda: is_kept(town.hall, code))
    assert guide(town.hall, code, **{"If-None-Match": before.headers["ETag"]}).status_code == 304

    traditional = guide(town.hall, code, "zh-Hant")
    assert (traditional.json()["name"], traditional.headers["Content-Language"]) == ("示例旅程證簽發", "zh-Hant")

    imported(town.hall, catalogue("示例旅程证换发", code, "JOURNEY-STAYS"), tmp_path)
    after = shows(town.hall, code, "示例旅程证换发")
    assert after.headers["ETag"] != before.headers["ETag"]
    assert guide(town.hall, code, **{"If-None-Match": before.headers["ETag"]}).status_code == 200
    earlier = town.hall.call("GET", f"/items/{code}", params={"version": before.json()["version"]}).json()
    assert (earlier["name"], earlier["current"]) == ("示例旅程证签发", False)

    imported(town.hall, catalogue("示例旅程证换发", "JOURNEY-STAYS"), tmp_path)
    eventually(lambda: guide(town.hall, code).status_code == 410, timeout=20)
    assert guide(town.hall, code).json()["code"] == "retired_item"
    assert guide(town.hall, "JOURNEY-STAYS").status_code == 200


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
