"""Did you mean: misspelt by sound or form, in an official or an everyday name; and what is no mistake."""

import pytest

from services.catalog.domain.search import Entry, SearchIndex, analyse, highlight

NAMES = ["失业保险金申领", "失业登记", "孤儿救助资格认定", "未就业随军配偶养老保险关系转移接续申请", "养蜂证申领"]
MARKET = Entry("临时便民服务摊点设置", everyday=("夜市摆摊",))


@pytest.fixture(scope="module")
def index() -> SearchIndex:
    entries = [*map(Entry, NAMES), MARKET]
    return SearchIndex(map(analyse, entries), [entry.name for entry in entries])


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("失业保险今申领", "失业保险金申领"),
        ("末就业随军配偶", "未就业随军配偶"),
        ("矢业登记", "失业登记"),
        ("狐儿救助", "孤儿救助"),
        ("养蜂证申颂", "养蜂证申领"),
        ("夜市百摊", "夜市摆摊"),
    ],
)
def test_a_misspelt_query_is_said_as_it_was_meant(index: SearchIndex, query: str, meant: str) -> None:
    assert index.search(query).did_you_mean == meant


@pytest.mark.parametrize(
    "query", ["失业保险金申领", "失业登记", "失业", "孤儿", "shiyedengji", "sydj", "怎么领失业金", "护照", ""]
)
def test_what_was_spelt_right_is_not_corrected(index: SearchIndex, query: str) -> None:
    assert index.search(query).did_you_mean is None


def test_a_misspelt_everyday_phrase_is_understood(index: SearchIndex) -> None:
    found = index.search("失页保险金")
    assert found.did_you_mean == "失业保险金"


@pytest.mark.parametrize(
    ("name", "query", "html"),
    [
        ("蚕种<夏>许可&", "蚕种 许可", "<em>蚕种</em>&lt;夏&gt;<em>许可</em>&amp;"),
        ("琉璃瓦申领", "liuliwa", "<em>琉璃瓦</em>申领"),
        ("琉璃瓦申领", "llw", "<em>琉璃瓦</em>申领"),
        ("琉璃塔申领", "琉璃塔", "<em>琉璃塔</em>申领"),
        ("琉璃瓦申领", "琉离瓦", "<em>琉璃瓦</em>申领"),
        ("琉璃瓦申领", "河道采砂", "琉璃瓦申领"),
        ("琉璃瓦申领", "", "琉璃瓦申领"),
    ],
)
def test_what_matched_is_marked(name: str, query: str, html: str) -> None:
    assert highlight(name, query) == html
