"""The quick way to load an item gives what the schema gives, or leaves it to the schema."""

import json
from pathlib import Path
from typing import Any

import marshmallow as ma
import pytest

from kernel.contracts.items import ItemElements
from services.catalog.domain import elements

DEMO = Path(__file__).parent.parent / "demo"
ITEMS: list[dict[str, Any]] = [
    {name: value for name, value in item.items() if name != "files"}
    for path in sorted(DEMO.glob("*.json"))
    for item in json.loads(path.read_text()).get("items", [])
]
PLAIN = {"code": "A1", "name": "事项", "department": "x"}


def by_schema(members: dict[str, Any]) -> dict[str, Any]:
    loaded: dict[str, Any] = ItemElements().load(members)
    return {"fields": loaded.pop("fields_"), **loaded}


def test_every_item_of_the_demo_is_loaded_as_by_the_schema() -> None:
    assert len(ITEMS) > 40
    assert [elements.load(item) for item in ITEMS] == [by_schema(item) for item in ITEMS]
    assert elements.load(PLAIN) == by_schema(PLAIN)


@pytest.mark.parametrize(
    "members",
    [
        {**PLAIN, "colour": "red"},
        {"code": "A1", "name": "事项"},
        {**PLAIN, "name": None},
        {**PLAIN, "extension_working_days": "0"},
        {**PLAIN, "materials": [{}]},
        {**PLAIN, "channels": {"colour": "red"}},
        {**PLAIN, "type": ""},
    ],
)
def test_what_is_wrong_is_said_as_by_the_schema(members: dict[str, Any]) -> None:
    with pytest.raises(ma.ValidationError) as quickly:
        elements.load(members)
    with pytest.raises(ma.ValidationError) as slowly:
        by_schema(members)
    assert quickly.value.messages == slowly.value.messages
