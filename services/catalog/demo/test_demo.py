"""The demo catalogue fits the contract, keeps the limits of real items, and says of what stands in that it does."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stdnum.cn import uscc

from kernel.contracts.halls import HallElements
from kernel.contracts.items import STEPS, TYPES, Department, ItemElements
from services.catalog.domain.categories import BY_CODE

FORMAT = "yichuang-catalogue/1"
PARTS = [json.loads(path.read_text()) for path in sorted(Path(__file__).parent.glob("*.json"))]
DEPARTMENTS: list[dict[str, Any]] = [department for part in PARTS for department in part["departments"]]
FILES = {item["code"]: item.pop("files", []) for part in PARTS for item in part["items"]}
ITEMS: list[dict[str, Any]] = [ItemElements().load(item) for part in PARTS for item in part["items"]]
HALLS: list[dict[str, Any]] = [HallElements().load(hall) for part in PARTS for hall in part["halls"]]
BY_NAME = {item["name"]: item for item in ITEMS}
by_item = pytest.mark.parametrize("item", ITEMS, ids=[item["name"] for item in ITEMS])
by_hall = pytest.mark.parametrize("hall", HALLS, ids=[hall["id"] for hall in HALLS])

# The only places whose address, and for two of them the phone, is published.
PUBLISHED = {
    "广州市天河区华利路61号": None,
    "广州市番禺区沙湾街大巷涌路143号": "020-84735511",
    "广州市海珠区官洲街北山大街10号": "020-34086822",
}

EXAMPLES = {"text": ".*", "date": r"\d{4}-\d\d-\d\d", "integer": r"\d*", "boolean": "true|false"}

# Statutory / promised limits of the real items in working days, “d” for natural days, “-” for none.
LIMITS = """
签注居住证 5/5, 一次性创业补贴申领 20/20, 城乡居民参保登记 20/2, 不动产转移登记 30/2, 社会保障卡申领 30/1,
个体工商户设立登记 15/1, 普通护照首次申领 15/7, 往来港澳通行证及签注 15/7, 出生登记 5/1, 身份证换补领 30/15,
结婚登记 1/1, 失业保险金申领 20/10, 工伤认定 60d/60d, 公积金租房提取 3/3, 公租房申请 45/30, 食品经营许可核发 10/5,
有限公司设立登记 3/1, 公共场所卫生许可 20/10, 教师资格认定 30/20, 驾驶证期满换证 1/1, 户口迁移审批 20/10,
无犯罪记录证明 3/1, 旅馆业特种行业许可 20/7, 公章刻制业许可 20/7, 犬类准养证 20/5, 大型群众性活动许可 7d/5d,
离婚登记 -/-, 补领结婚证 -/-, 高龄津贴 20/10, 最低生活保障 30/20, 临时救助 -/10, 残疾人证新办 -/15,
医保电子凭证申领 -/-, 生育津贴支付 20/10, 异地长期居住人员备案 2/1, 养老保险关系转移接续 45d/15,
个人参保证明打印 -/-, 护士新办执业注册 20/10, 医师新办执业注册 20/10, 法律援助申请 7d/5d, 建筑工程施工许可 7d/3,
排水许可 20/10, 大型户外广告 20/7, 占用挖掘城市道路 20/10, 民办非企业单位成立登记 60d/20, 烟草专卖零售许可 20/10,
取水许可证新办 45d/20, 公司注销登记 -/1
"""


def _limits() -> Iterator[tuple[str, str, str]]:
    for entry in LIMITS.replace("\n", " ").split(","):
        name, limits = entry.split()
        yield (name, *limits.split("/"))  # type: ignore[misc]


def _short(limit: dict[str, Any] | None) -> str:
    return f"{limit['amount']}{'d' if limit['unit'] == 'natural_days' else ''}" if limit else "-"


def _natural_days(limit: dict[str, Any]) -> float:
    """At least so many natural days; exact for natural days, seven for five working days."""
    return float(limit["amount"] * (1 if limit["unit"] == "natural_days" else 7 / 5))


def test_the_catalogue_is_as_large_as_it_should_be() -> None:
    assert len(ITEMS) >= 55
    assert len({item["department"] for item in ITEMS}) >= 16
    assert sum(item["online"] for item in ITEMS) >= 14
    assert sum(item["bookable"] for item in ITEMS) >= 12
    assert len(HALLS) >= 6
    assert {hall["level"] for hall in HALLS} == {"city", "district", "street"}


def test_every_part_is_an_import_of_its_own() -> None:
    assert all(set(part) == {"format", "departments", "items", "halls"} for part in PARTS)
    assert {part["format"] for part in PARTS} == {FORMAT}


def test_codes_and_names_are_used_once() -> None:
    for names in (
        [item["code"] for item in ITEMS],
        [item["name"] for item in ITEMS],
        [hall["id"] for hall in HALLS],
        [department["code"] for department in DEPARTMENTS],
        [department["name"] for department in DEPARTMENTS],
    ):
        assert [name for name, count in Counter(names).items() if count > 1] == []


def test_departments_are_those_of_the_items() -> None:
    assert {department["code"] for department in DEPARTMENTS} == {item["department"] for item in ITEMS}
    assert all(department["name_en"] for department in DEPARTMENTS)
    assert not any(Department(unknown="exclude").validate(department) for department in DEPARTMENTS)


@by_item
def test_an_item_is_named_by_organ_level_and_basic_code(item: dict[str, Any]) -> None:
    code = item["code"]
    assert re.fullmatch(r"[0-9A-Z]{18}[2345](00|44)\d{10}", code)
    assert code[:18] == item["department"]
    assert code[21:23] in TYPES
    assert item["type"] in TYPES
    assert uscc.is_valid(item["department"])
    assert item["sample"] is True


@by_item
def test_a_promise_is_not_longer_than_the_law_allows(item: dict[str, Any]) -> None:
    statutory, promised = item["statutory_limit"], item["promised_limit"]
    if item["kind"] == "immediate":
        assert statutory is promised is None
    elif statutory is not None:
        assert _natural_days(promised) <= _natural_days(statutory)
    else:
        assert promised is not None


@pytest.mark.parametrize(("name", "statutory", "promised"), list(_limits()))
def test_the_real_limits_are_kept(name: str, statutory: str, promised: str) -> None:
    item = BY_NAME[name]
    assert (_short(item["statutory_limit"]), _short(item["promised_limit"])) == (statutory, promised)


@by_item
def test_steps_fit_in_the_promised_limit(item: dict[str, Any]) -> None:
    names = [step["name"] for step in item["steps"]]
    assert names == [step for step in STEPS if step in names]
    assert {"收件", "受理", "审查", "决定", "送达"} <= set(names)
    limits = [step["limit"] for step in item["steps"] if step["limit"]]
    if item["promised_limit"] is None:
        assert limits == []
    else:
        assert {limit["unit"] for limit in limits} == {item["promised_limit"]["unit"]}
        assert sum(limit["amount"] for limit in limits) <= item["promised_limit"]["amount"]


@by_item
def test_real_estate_is_accepted_by_its_own_rule(item: dict[str, Any]) -> None:
    if "不动产" in item["name"]:
        assert item["deemed_acceptance"] is False


@by_item
def test_an_item_is_found_by_what_people_say(item: dict[str, Any]) -> None:
    assert item["plain_name"]
    assert item["name_en"]
    names = item["everyday_names"]
    assert 4 <= len(names) <= 12
    assert len(set(names)) == len(names)
    assert item["name"] not in names


@by_item
def test_categories_are_known_and_fit_the_audience(item: dict[str, Any]) -> None:
    categories = [BY_CODE[code] for code in item["categories"]]
    assert len(categories) >= 2
    assert len(set(categories)) == len(categories)
    assert {category.audience for category in categories} == set(item["audience"])
    assert any(category.kind == "theme" for category in categories)


@by_item
def test_a_guide_says_what_one_comes_for(item: dict[str, Any]) -> None:
    for told in ("conditions", "hall_flow", "results", "legal_basis", "windows", "level", "consultation", "complaint"):
        assert item[told], told
    assert 2 <= len(item["questions"]) <= 4
    assert all(basis["text"] == "" for basis in item["legal_basis"])
    assert item["charged"] == bool(item["fees"])


@by_item
def test_names_of_fields_and_materials_are_used_once(item: dict[str, Any]) -> None:
    for names in ([one["name"] for one in item["fields_"]], [one["code"] for one in item["materials"]]):
        assert len(set(names)) == len(names)


@by_item
def test_what_the_hall_has_already_is_not_asked_for(item: dict[str, Any]) -> None:
    assert not any(material["exempt"] and material["required"] for material in item["materials"])


@by_item
def test_an_item_that_is_online_has_a_whole_form(item: dict[str, Any]) -> None:
    if not item["online"]:
        return
    assert item["fields_"]
    assert item["online_flow"]
    assert {field["page"] for field in item["fields_"]} == set(range(1, item["fields_"][-1]["page"] + 1))
    for field in item["fields_"]:
        assert len(field["example"]) <= field["max_length"]
        assert field["example"] or not field["required"]
        assert re.fullmatch(EXAMPLES[field["type"]], field["example"], re.DOTALL)


@by_item
def test_forms_that_a_material_names_are_made_or_brought(item: dict[str, Any]) -> None:
    brought = {file["name"]: Path(__file__).parent / file["path"] for file in FILES[item["code"]]}
    assert all("样例" in path.read_text().splitlines()[0] for path in brought.values())
    made = {"blank-form.html", "sample-form.html"} if item["fields_"] else set()
    named = {material[form] for material in item["materials"] for form in ("blank_form", "sample_form")} - {None}
    assert named <= made | set(brought)


@by_item
def test_a_window_is_real_or_says_that_it_is_not(item: dict[str, Any]) -> None:
    halls = {hall["id"]: hall for hall in HALLS}
    for window in item["windows"]:
        hall = halls[window["hall"]]
        unit = {unit["name"]: unit for unit in hall["units"]}[window["unit"]]
        assert item["code"] in unit["items"]
        assert window["sample"] == (window["address"] not in PUBLISHED)
        assert window["phone"] == PUBLISHED.get(window["address"])
        assert window["hours"].endswith("（样例）")
        assert (window["address"], window["sample"]) == (hall["address"], hall["sample"])


@by_hall
def test_a_hall_is_real_or_says_that_it_is_not(hall: dict[str, Any]) -> None:
    assert hall["sample"] == (hall["address"] not in PUBLISHED)
    assert hall["sample"] == hall["name"].endswith("（样例）") == hall["address"].endswith("（样例）")
    assert hall["phone"] == PUBLISHED.get(hall["address"])
    assert hall["hours"].endswith("（样例）")
    assert hall["transit"]
    assert hall["driving"]
    assert hall["introduction"]
    assert hall["map_url"].startswith(
        f"https://uri.amap.com/marker?position={hall['longitude']},{hall['latitude']}&name="
    )


@by_hall
def test_a_unit_handles_items_that_exist(hall: dict[str, Any]) -> None:
    departments = {item["code"]: item["department"] for item in ITEMS}
    assert hall["units"]
    for unit in hall["units"]:
        assert unit["items"]
        assert len(set(unit["items"])) == len(unit["items"])
        assert unit["floor"].endswith("（样例）")
        assert unit["windows"].endswith("（样例）")
        if unit["department"] is not None:
            assert {departments[code] for code in unit["items"]} == {unit["department"]}
