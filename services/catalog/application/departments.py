"""Departments and categories, with how many items each has. Answered from the snapshot alone."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from kernel.contracts.catalog import UnknownDepartment
from services.catalog.application.lists import page_of, paged
from services.catalog.domain import categories
from services.catalog.domain.rows import DepartmentRow
from services.catalog.domain.snapshot import Snapshot

Json = dict[str, Any]


class Departments:
    """Handlers about departments and categories. Requests are loaded by the schemas of kernel.contracts.catalog."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot

    def departments(self) -> Json:
        """Those that offer anything (`DepartmentList`)."""
        snapshot = self._snapshot()
        offering = [one for one in counted(snapshot, snapshot.departments) if one["items"]]
        return {"as_of": snapshot.version, "items": offering, "total": len(offering)}

    def department(self, request: Json) -> Json:
        """A department with a page of its items (`DepartmentPage`). Raises UnknownDepartment."""
        snapshot = self._snapshot()
        found = snapshot.departments_named(request["department"].strip())
        if not found:
            raise UnknownDepartment(department=request["department"])
        rows = snapshot.all_rows()[snapshot.facets.mask("department", [found[0].code])]
        return {
            "department": found[0].shown(),
            "organ_codes": list(found[0].organ_codes),
            "items": [snapshot.summary(row) for row in rows[paged(request)].tolist()],
            **page_of(snapshot, len(rows), request),
        }

    def categories(self) -> Json:
        """All categories, those without items too (`CategoryList`)."""
        snapshot = self._snapshot()
        items = [{**asdict(one), "items": snapshot.facets.total(one.kind, one.code)} for one in categories.CATEGORIES]
        return {"as_of": snapshot.version, "items": items, "total": len(items)}


def counted(snapshot: Snapshot, departments: Iterable[DepartmentRow]) -> list[Json]:
    """Departments with how many items they offer (`DepartmentCounted`)."""
    total = snapshot.facets.total
    return [{**department.shown(), "items": total("department", department.code)} for department in departments]
