"""What people type, and what they find: each way of asking by example, over a small catalogue."""

import numpy as np
import pytest

from services.catalog.domain.search import Entry, SearchIndex, analyse, highlight

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


def test_only_what_is_allowed_is_found(index: SearchIndex) -> None:
    allowed = np.array([name != "普通护照签发" for name in NAMES])
    assert "普通护照签发" not in {NAMES[row] for row in index.search("护照签发", allowed).rows}


def test_a_misspelt_query_is_spelt_as_it_was_meant(index: SearchIndex) -> None:
    assert index.search("失业保险今申领").did_you_mean == "失业保险金申领"
    assert index.search("失业保险金申领").did_you_mean is None


def test_what_matched_is_marked_and_the_name_escaped() -> None:
    assert highlight("蚕种<夏>许可&", "蚕种 许可") == "<em>蚕种</em>&lt;夏&gt;<em>许可</em>&amp;"
