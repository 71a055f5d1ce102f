"""The built-in catalogue: every item is complete enough to file, and named as the standards say."""

import pytest
from stdnum.cn import uscc

from kernel.contracts.catalog import ItemPage, UnknownItem
from services.catalog.items import built_in

ITEMS = [built_in().item(item["code"]) for item in built_in().page(1, 100)["items"]]
by_code = pytest.mark.parametrize("item", ITEMS, ids=[item["name"] for item in ITEMS])


def test_there_are_about_ten_items_of_several_departments() -> None:
    assert len(ITEMS) >= 10
    assert len({item["department"]["code"] for item in ITEMS}) >= 5


@by_code
def test_an_item_is_named_by_organ_level_and_basic_code(item: dict[str, object]) -> None:
    code, organ = str(item["code"]), item["department"]["code"]  # type: ignore[index]
    assert len(code) == 31
    assert code[:18] == organ
    assert code[18] in "2345"
    assert code[21:23] in ("01", "05", "07", "08", "09", "10", "20")
    assert uscc.is_valid(organ)


@by_code
def test_a_promise_is_not_longer_than_the_law_allows(item: dict[str, object]) -> None:
    statutory, promised = item["statutory_limit"], item["promised_limit"]
    assert (statutory is None) == (promised is None)
    if statutory is not None:
        assert promised["unit"] == statutory["unit"]  # type: ignore[index]
        assert promised["amount"] <= statutory["amount"]  # type: ignore[index]


@by_code
def test_names_of_fields_and_materials_are_used_once(item: dict[str, object]) -> None:
    fields = [field["name"] for field in item["fields"]]  # type: ignore[attr-defined]
    materials = [material["code"] for material in item["materials"]]  # type: ignore[attr-defined]
    assert len(set(fields)) == len(fields)
    assert len(set(materials)) == len(materials)


def test_the_real_limits_are_kept() -> None:
    assert {item["name"]: item["statutory_limit"] for item in ITEMS}["工伤认定"] == {
        "amount": 60,
        "unit": "natural_days",
    }


def test_pages_hold_each_item_once() -> None:
    pages = [built_in().page(number, 5) for number in (1, 2, 3, 4)]
    assert [item["code"] for page in pages for item in page["items"]] == [item["code"] for item in ITEMS]
    assert {page["total"] for page in pages} == {len(ITEMS)}
    assert not ItemPage().validate(pages[0])


# The only places whose address, and for two of them the phone, is published.
PUBLISHED = {
    "广州市天河区华利路61号": None,
    "广州市番禺区沙湾街大巷涌路143号": "020-84735511",
    "广州市海珠区官洲街北山大街10号": "020-34086822",
}


@by_code
def test_a_window_is_real_or_says_that_it_is_not(item: dict[str, object]) -> None:
    window: dict[str, object] = item["window"]  # type: ignore[assignment]
    assert window["sample"] == (window["address"] not in PUBLISHED)
    assert window["phone"] == PUBLISHED.get(str(window["address"]))
    assert str(window["hours"]).endswith("（样例）")


def test_departments_are_those_of_the_items() -> None:
    listed = built_in().departments()
    assert {department["code"] for department in listed["items"]} == {item["department"]["code"] for item in ITEMS}
    assert listed["total"] == len(listed["items"])


def test_an_item_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownItem, match="no service item x"):
        built_in().item("x")
