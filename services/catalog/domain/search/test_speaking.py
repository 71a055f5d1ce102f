"""Which departments and halls stand beside the results of a search."""

import pytest

from services.catalog.domain.search import speaks_of, speaks_of_any_hall


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("人社局", "区人社局"),
        ("人社局", "人力资源和社会保障局"),
        ("市监局", "市场监督管理局"),
        ("市场监督管理局", "区市监局"),
        ("民政局", "区民政局"),
        ("民政", "区民政局"),
        ("公安局", "区公安分局"),
        ("政务服务中心在哪", "广州市政务服务中心"),
        ("沙湾街", "番禺区沙湾街道政务服务中心"),
        ("護照", "护照大厅"),
        ("番禺大厅", "番禺区政务服务中心（样例）"),
        ("天河区办事大厅", "天河区示例街政务服务中心"),
        ("沙湾街道办事处", "沙湾街道政务服务中心"),
    ],
)
def test_a_name_that_is_asked_for(query: str, name: str) -> None:
    assert speaks_of(query, name)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("失业保险今申领", "区林业局"),
        ("营业执照", "区农业农村局"),
        ("社会保障卡", "区医疗保障局"),
        ("开饭店", "番禺区沙湾街道政务服务中心"),
        ("民政局", "区财政局"),
        ("番禺大厅", "海珠区政务服务中心（样例）"),
        ("水", "区水务局"),
        ("", "区水务局"),
    ],
)
def test_a_name_that_is_not(query: str, name: str) -> None:
    assert not speaks_of(query, name)


@pytest.mark.parametrize(
    ("query", "any_hall"),
    [
        ("办事大厅", True),
        ("辦事大廳在哪里", True),
        ("政务服务中心", True),
        ("番禺大厅", False),
        ("办护照", False),
        ("在哪里", False),
    ],
)
def test_halls_in_general(query: str, any_hall: bool) -> None:
    assert speaks_of_any_hall(query) is any_hall
