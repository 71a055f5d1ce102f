"""A catalogue in memory, for tests and benchmarks of what reads it; never used by the service."""

from collections.abc import Iterable
from typing import Any

import orjson

from kernel.contracts.halls import HallElements
from services.catalog.domain import elements
from services.catalog.domain.listing import listing, terms
from services.catalog.domain.rows import Contents, DepartmentRow, Json, ListedRow
from services.catalog.domain.snapshot import Snapshot

HALLS = HallElements()
WINDOW = {"name": "综合窗口", "address": "一号路1号", "hours": "9:00-17:00（样例）", "phone": None, "sample": True}
POLICE = DepartmentRow("11440100000001003W", "公安局", "Police", ("P-2",), 1)
LABOUR = DepartmentRow("11440100000002006D", "人力资源和社会保障局", "Labour", (), 2)
DEPARTMENTS = (POLICE, LABOUR)


def document(code: str, name: str, department: DepartmentRow = POLICE, **members: Any) -> Json:
    """An item's elements, complete enough to file."""
    said = {
        "kind": "promised",
        "promised_limit": {"amount": 5, "unit": "working_days"},
        "audience": ["individual"],
        "online": True,
        "windows": [WINDOW],
        **members,
    }
    return elements.load({"code": code, "name": name, "department": department.code, **said})


def listed(code: str, name: str, department: DepartmentRow = POLICE, **members: Any) -> ListedRow:
    """An item as it is stored for lists."""
    said = document(code, name, department, **members)
    return ListedRow(code, name, department.code, orjson.dumps(listing(said)), terms(said, department.name))


def snapshot(*items: ListedRow, halls: Iterable[Json] = (), version: int = 1) -> Snapshot:
    """A catalogue of these items."""
    return Snapshot(Contents(version, list(items), list(DEPARTMENTS), list(halls)))


def hall(id_: str, name: str, **members: Any) -> Json:
    """A hall as it is stored."""
    said = {
        "level": "city",
        "area": "440100",
        "area_name": "广州市",
        "address": "一号路1号",
        "hours": "9-17",
        **members,
    }
    # What the schema loads are JSON values.
    return dict(HALLS.load({"id": id_, "name": name, **said}))
