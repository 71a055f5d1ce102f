"""What people type, and what they find: each way of asking by example, over a small catalogue."""

import numpy as np
import pytest

from services.catalog.domain.search import Entry, SearchIndex, analyse

NAMES = [
    "普通护照签发",
    "失业保险金申领",
    "失业登记",
    "户口登记",
    "户口注销",
    "居民身份证办理（包括临时）",
    "社会保障卡挂失",
    "社会保障卡申领",
    "残疾人证新办",
    "未就业随军配偶养老保险关系转移接续申请",
    "公司设立登记",
    "公司变更登记",
    "结婚登记预约",
    "食品(含保健食品)经营许可核发",
]


@pytest.fixture(scope="module")
def index() -> SearchIndex:
    return SearchIndex([analyse(Entry(name)) for name in NAMES], NAMES)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("护照签发", "普通护照签发"),
        ("普通護照簽發", "普通护照签发"),
        ("hzqf", "普通护照签发"),
        ("huzhaoqianfa", "普通护照签发"),
        ("hu zhao qian fa", "普通护照签发"),
        ("huzhaoqf", "普通护照签发"),
        ("护照qianfa", "普通护照签发"),
        ("失业保险今申领", "失业保险金申领"),
        ("矢业登记", "失业登记"),
        ("末就业随军配偶", "未就业随军配偶养老保险关系转移接续申请"),
        ("小孩上户口", "户口登记"),
        ("社保卡丢了怎么办", "社会保障卡挂失"),
        ("公司登记", "公司设立登记"),
    ],
)
def test_the_item_that_is_meant_comes_first(index: SearchIndex, query: str, name: str) -> None:
    assert NAMES[index.search(query).rows[0]] == name


@pytest.mark.parametrize("query", ["", "  ", "😀🎉", "，。！？", "\0", "\ud800", "%_%", "()"])
def test_a_query_that_says_nothing_finds_nothing(index: SearchIndex, query: str) -> None:
    assert index.search(query).rows.size == 0


def test_every_name_that_holds_the_query_is_found_whatever_fits_better() -> None:
    names = ["公证业务预约办理", *(f"{thing}公证" for thing in ("遗嘱", "继承权", "委托", "房产转让合同"))]
    found = SearchIndex([analyse(Entry(name)) for name in names], names).search("公證").rows
    assert sorted(found.tolist()) == [0, 1, 2, 3, 4]


def test_only_what_is_allowed_is_found(index: SearchIndex) -> None:
    allowed = np.array([name != "普通护照签发" for name in NAMES])
    assert "普通护照签发" not in {NAMES[row] for row in index.search("护照签发", allowed).rows}


def test_everyday_names_and_what_an_item_is_about_are_found() -> None:
    entries = [
        Entry("对公民法律援助申请的审批", everyday=("请不起律师", "免费律师"), about=("区司法局",)),
        Entry("律师执业核准", about=("区司法局",)),
        Entry("烟花爆竹经营许可", about=("区应急局",)),
    ]
    index = SearchIndex(map(analyse, entries), [entry.name for entry in entries])
    assert index.search("打官司请不起律师").rows[0] == 0
    assert index.search("qbqls").rows[0] == 0
    assert index.search("区应急局").rows.tolist() == [2]


def test_of_many_that_fit_all_are_counted() -> None:
    names = [f"第{number}号食品经营许可" for number in range(500)]
    index = SearchIndex([analyse(Entry(name)) for name in names], names)
    assert index.search("食品经营许可").rows.size == 500


def test_what_does_not_fit_is_not_found(index: SearchIndex) -> None:
    assert [NAMES[row] for row in index.search("护照签发").rows] == ["普通护照签发"]


def test_an_empty_catalogue_answers() -> None:
    assert SearchIndex([], []).search("护照").rows.size == 0


@pytest.mark.parametrize(
    "query", ["护照签发" * 50, "huzhaoqianfa" * 16, "z" * 200, "护hu" * 60, "社保卡丢了怎么补办" * 22]
)
def test_the_longest_queries_are_answered(index: SearchIndex, query: str) -> None:
    assert index.search(query[:200]).rows.dtype == np.int32
