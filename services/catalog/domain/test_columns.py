"""Cells and elements: each column read as people write it, and written so that it is read again."""

from typing import Any

import pytest

from services.catalog.domain import columns, elements


def read(**cells: str) -> dict[str, Any]:
    said, wrong = columns.read(cells)
    assert wrong == {}
    return said


@pytest.mark.parametrize(
    ("cell", "amount", "unit"),
    [
        ("20", 20, "working_days"),
        ("20个工作日", 20, "working_days"),
        ("20 工作日", 20, "working_days"),
        ("60日", 60, "natural_days"),
        ("60天", 60, "natural_days"),
        ("60 natural_days", 60, "natural_days"),
        ("0", 0, "working_days"),
    ],
)
def test_limits(cell: str, amount: int, unit: str) -> None:
    assert read(promised_limit=cell) == {"promised_limit": {"amount": amount, "unit": unit}}


@pytest.mark.parametrize(
    ("column", "cell", "element"),
    [
        ("item_type", "1", {"type": "01"}),
        ("item_type", "05", {"type": "05"}),
        ("item_type", "公共服务", {"type": "20"}),
        ("item_type", "", {"type": None}),
        ("charged", "", {"charged": None}),
        ("charged", "是", {"charged": True}),
        ("online", "", {"online": False}),
        ("kind", "", {"kind": None}),
        ("kind", "即办件", {"kind": "immediate"}),
        ("audience", "个人、企业", {"audience": ["individual", "enterprise"]}),
        ("everyday_names", " 开店 ;; 办执照；注册 ", {"everyday_names": ["开店", "办执照", "注册"]}),
        ("statutory_limit", "", {"statutory_limit": None}),
        ("area_code", "", {"area": ""}),
    ],
)
def test_other_cells(column: str, cell: str, element: dict[str, Any]) -> None:
    assert read(**{column: cell}) == element


def test_every_column_that_was_written_is_read_as_it_was() -> None:
    document = elements.load(
        {
            "code": "A1",
            "name": "事项",
            "department": "x",
            "type": "10",
            "kind": "promised",
            "audience": ["individual"],
            "statutory_limit": {"amount": 60, "unit": "natural_days"},
            "charged": False,
            "conditions": ["一；二", "三"],
            "everyday_names": ["开店", "注册"],
            "sample": True,
        }
    )
    said = read(**columns.write(document))
    assert {name: document[name] for name in said} == said
    assert len(said) == len(columns.COLUMNS)
