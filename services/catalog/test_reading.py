"""What catalog answers from its tables, on both databases: guides, versions, what was retired, files, halls."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from kernel.contracts import catalog as contract
from kernel.contracts.items import ItemForm
from kernel.errors import InvalidInput
from services.catalog.conftest import Kept
from services.catalog.testing import LABOUR, document, hall

FIELD = {"name": "name", "label": "姓名", "type": "text", "required": True, "max_length": 50}
RESIDENCE = document("r", "签注居住证", fields=[FIELD], categories=["individual-certificates"])
PASSPORT = document("p", "普通护照签发", online=False)
BENEFIT = document("b", "失业保险金申领", LABOUR)


def form(kept: Kept, code: str) -> dict[str, Any]:
    return kept.catalog.guides.item_form(contract.ItemFormAsked().load({"code": code}))


def file(kept: Kept, code: str, name: str) -> dict[str, Any]:
    return kept.catalog.guides.file(contract.FileAsked().load({"code": code, "file": name}))


def shown_hall(kept: Kept, id_: str) -> dict[str, Any]:
    return kept.catalog.halls.hall(contract.HallAsked().load({"hall": id_}))


def halls(kept: Kept, **request: Any) -> list[str]:
    found = kept.catalog.halls.halls(contract.HallsAsked().load(request))
    assert contract.HallPage().validate(found) == {}
    return [one["id"] for one in found["items"]]


def test_an_empty_catalogue_answers(kept: Kept) -> None:
    assert kept.listed() == []
    assert kept.listed(q="居住证") == []
    assert kept.catalog.departments.departments()["items"] == []
    assert kept.catalog.status()["version"] == 0
    assert kept.catalog.searching.search(contract.SearchAsked().load({"q": "居住证"}))["total"] == 0


def test_a_guide_is_whole(kept: Kept) -> None:
    kept.put(RESIDENCE)
    shown = kept.item("r")
    assert contract.ItemAnswer().validate(shown) == {}
    assert (shown["name"], shown["version"], shown["current"], shown["as_of"]) == ("签注居住证", 1, True, 1)
    assert shown["department"]["name"] == "公安局"
    assert shown["updated_at"] == "2026-02-09T09:00:00+08:00"


def test_every_version_is_kept_and_shown(kept: Kept) -> None:
    kept.put(RESIDENCE)
    kept.put({**RESIDENCE, "conditions": ["新的条件"]})
    assert (kept.item("r")["version"], kept.item("r")["conditions"]) == (2, ["新的条件"])
    first = kept.item("r", 1)
    assert (first["conditions"], first["current"], first["as_of"]) == ([], False, 2)
    assert form(kept, "r")["version"] == 2


@pytest.mark.parametrize(("code", "version"), [("x", None), ("x", 1), ("' OR 1=1 --", None)])
def test_what_was_never_offered_is_unknown(kept: Kept, code: str, version: int | None) -> None:
    kept.put(RESIDENCE)
    with pytest.raises(contract.UnknownItem):
        kept.item(code, version)


def test_a_version_that_never_was_is_unknown_and_the_item_is_not(kept: Kept) -> None:
    kept.put(RESIDENCE)
    for version in (2, 1_000_000):
        with pytest.raises(contract.UnknownItemVersion) as refused:
            kept.item("r", version)
        assert refused.value.params == {"item": "r", "version": version}


def test_a_text_says_how_it_is_encoded_where_that_is_known(kept: Kept) -> None:
    written = {"a.txt": "授权委托书".encode(), "b.txt": "授权委托书".encode("gb18030"), "c.pdf": b"%PDF-1.4"}
    types = {"a.txt": "text/plain", "b.txt": "text/plain", "c.pdf": "application/pdf"}
    files = [
        {"name": name, "media_type": types[name], "content": base64.b64encode(content).decode()}
        for name, content in written.items()
    ]
    kept.put({**RESIDENCE, "files": files})
    told = {name: file(kept, "r", name)["media_type"] for name in written}
    assert told == {**types, "a.txt": "text/plain; charset=utf-8"}


def test_what_is_retired_says_since_when_and_shows_its_versions(kept: Kept) -> None:
    kept.put(RESIDENCE, BENEFIT)
    kept.clock.advance(timedelta(hours=16))  # the next day, in China
    kept.put(BENEFIT, missing="complete")
    for ask in (kept.item, lambda code: form(kept, code)):
        with pytest.raises(contract.RetiredItem) as refused:
            ask("r")
        assert refused.value.params == {"item": "r", "name": "签注居住证", "day": "2026-02-10"}
    assert (kept.item("r", 1)["name"], kept.item("r", 1)["current"]) == ("签注居住证", False)
    assert kept.listed() == ["b"]
    assert file(kept, "r", "blank-form.html")["media_type"].startswith("text/html")


def test_what_comes_back_is_offered_again(kept: Kept) -> None:
    kept.put(RESIDENCE, BENEFIT)
    kept.put(BENEFIT, missing="complete")
    kept.put(RESIDENCE)
    assert (kept.item("r")["version"], kept.item("r")["current"]) == (2, True)
    assert kept.listed() == ["r", "b"]


def test_the_form_is_what_filing_keeps(kept: Kept) -> None:
    kept.put(RESIDENCE, PASSPORT)
    assert ItemForm().validate(form(kept, "r")) == {}
    with pytest.raises(contract.NotOnline):
        form(kept, "p")
    with pytest.raises(contract.UnknownItem):
        form(kept, "x")


def test_files_come_as_they_were_stored_or_made(kept: Kept) -> None:
    kept.put(RESIDENCE)
    made = file(kept, "r", "blank-form.html")
    assert contract.File().validate(made) == {}
    assert "姓名" in base64.b64decode(made["content"]).decode()
    with pytest.raises(contract.UnknownFile):
        file(kept, "r", "other.pdf")
    with pytest.raises(contract.UnknownItem):
        file(kept, "x", "blank-form.html")


def test_departments_come_in_the_order_in_which_they_were_first_imported(kept: Kept) -> None:
    kept.put(BENEFIT, RESIDENCE)
    found = kept.catalog.departments.departments()
    assert contract.DepartmentList().validate(found) == {}
    assert [(one["name"], one["items"]) for one in found["items"]] == [("公安局", 1), ("人力资源和社会保障局", 1)]


@pytest.mark.parametrize("said", ["11440100000001003W", "P-2"])
def test_a_department_is_found_by_any_of_its_codes(kept: Kept, said: str) -> None:
    kept.put(RESIDENCE, PASSPORT, BENEFIT)
    found = kept.catalog.departments.department(contract.DepartmentAsked().load({"department": said, "page_size": 1}))
    assert contract.DepartmentPage().validate(found) == {}
    assert (found["department"]["name"], found["organ_codes"], found["total"]) == ("公安局", ["P-2"], 2)
    assert [item["code"] for item in found["items"]] == ["p"]


def test_a_department_that_is_none_is_unknown(kept: Kept) -> None:
    with pytest.raises(contract.UnknownDepartment):
        kept.catalog.departments.department(contract.DepartmentAsked().load({"department": "x"}))


def test_categories_are_all_there_with_their_items(kept: Kept) -> None:
    kept.put(RESIDENCE)
    found = kept.catalog.departments.categories()
    assert contract.CategoryList().validate(found) == {}
    assert {one["code"]: one["items"] for one in found["items"] if one["items"]} == {"individual-certificates": 1}
    assert found["total"] == len(found["items"]) > 80


UNIT = {"name": "公安专区", "items": ["r", "b", "never-heard-of"]}
CITY = hall("city", "广州市政务服务中心", address="天河区华利路61号", units=[UNIT])
STREET = hall("street", "沙湾街政务服务中心", level="street", area="440113001", area_name="番禺区沙湾街")


def test_a_hall_names_the_items_that_are_offered(kept: Kept) -> None:
    kept.put(RESIDENCE, BENEFIT, halls=(CITY, STREET))
    shown = shown_hall(kept, "city")
    assert contract.HallAnswer().validate(shown) == {}
    assert [item["name"] for item in shown["units"][0]["items"]] == ["签注居住证", "失业保险金申领"]
    assert shown["units"][0]["items"][0]["href"] == "/api/v1/items/r"
    kept.put(BENEFIT, missing="complete")
    assert [item["code"] for item in shown_hall(kept, "city")["units"][0]["items"]] == ["b"]
    with pytest.raises(contract.UnknownHall):
        shown_hall(kept, "x")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["city", "street"]),
        ({"page": 2, "page_size": 1}, ["street"]),
        ({"page": 9}, []),
        ({"level": "street"}, ["street"]),
        ({"level": "district"}, []),
        ({"area": "4401"}, ["city", "street"]),
        ({"area": "440113"}, ["street"]),
        ({"area": "番禺區"}, ["street"]),
        ({"area": "5116"}, []),
        ({"q": "沙湾街"}, ["street"]),
        ({"q": "番禺"}, ["street"]),
        ({"q": "華利路"}, ["city"]),
        ({"q": "沙湾街", "level": "city"}, []),
        ({"q": "😀"}, []),
        ({"item": "r"}, ["city"]),
        ({"item": "r", "q": "沙湾街"}, []),
        ({"item": "never-heard-of"}, []),
    ],
)
def test_halls_are_found_by_area_level_and_name(kept: Kept, asked: dict[str, Any], expected: list[str]) -> None:
    kept.put(RESIDENCE, halls=(CITY, STREET))
    assert halls(kept, **asked) == expected


@pytest.mark.parametrize("area", ["abc", "4401x", "%", "' OR 1=1"])
def test_an_area_that_can_be_none_is_refused(kept: Kept, area: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        halls(kept, area=area)
    assert refused.value.errors == [{"field": "area", "message": contract.NO_AREA}]
