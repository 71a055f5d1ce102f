"""The built-in items (事项), read from `items.json` and checked once.

Never changes while a process runs, and holds no database.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from kernel.contracts.catalog import DepartmentList, Item, ItemPage, UnknownItem

_FILE = Path(__file__).with_name("items.json")


class Catalogue:
    """Items and departments as JSON values, in the form of `kernel.contracts.catalog`."""

    def __init__(self, departments: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
        self._departments = departments
        self._items = {item["code"]: item for item in items}

    def item(self, code: str) -> dict[str, Any]:
        """One item, whole. Raises UnknownItem."""
        if code not in self._items:
            raise UnknownItem(item=code)
        return self._items[code]

    def page(self, number: int, size: int) -> dict[str, Any]:
        """Page `number` (from 1) of the items, `size` a page, without their forms."""
        items = list(self._items.values())[(number - 1) * size : number * size]
        page = {"items": items, "total": len(self._items), "page": number, "page_size": size}
        return ItemPage().dump(page)  # type: ignore[no-any-return]

    def departments(self) -> dict[str, Any]:
        """All departments."""
        return DepartmentList().dump({"items": self._departments, "total": len(self._departments)})  # type: ignore[no-any-return]

    def close(self) -> None:
        """Nothing is held open."""


@cache
def built_in() -> Catalogue:
    """The catalogue that comes with the hall. Raises marshmallow.ValidationError if the file does not fit."""
    read = json.loads(_FILE.read_text())
    by_code = {department["code"]: department for department in read["departments"]}
    items = [{**item, "department": by_code[item["department"]]} for item in read["items"]]
    schema = Item()
    return Catalogue(read["departments"], [schema.dump(schema.load(item)) for item in items])
