"""The search page: items, and the departments and halls that fit. Answered from the snapshot alone."""

from collections.abc import Callable
from typing import Any

from kernel.contracts.catalog import NOTHING_ASKED
from kernel.errors import InvalidInput
from services.catalog.application.departments import counted
from services.catalog.application.halls import hall_summary, named
from services.catalog.application.lists import choose, item_page
from services.catalog.domain.rows import DepartmentRow
from services.catalog.domain.search import speaks_of, speaks_of_any_hall
from services.catalog.domain.snapshot import Snapshot

Json = dict[str, Any]

_NAMED_BY = ("name", "area_name", "address")
_BESIDE = 5  # departments, and halls, that are shown beside the items


class Searching:
    """The handler of searches. Requests are loaded by `kernel.contracts.catalog.SearchAsked`."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot

    def search(self, request: Json) -> Json:
        """What fits the query, best first (`SearchPage`). Raises InvalidInput if it is blank."""
        text = request["q"].strip()
        if not text:
            raise InvalidInput.from_messages({"q": [NOTHING_ASKED]})
        snapshot = self._snapshot()
        return {
            **item_page(snapshot, choose(snapshot, text, {}), request),
            "departments": counted(snapshot, _departments(snapshot, text)),
            "halls": [hall_summary(hall) for hall in _halls(snapshot, text)],
        }


def _departments(snapshot: Snapshot, text: str) -> list[DepartmentRow]:
    found = [snapshot.departments[row] for row in snapshot.department_index.search(text).rows.tolist()]
    return [one for one in found if speaks_of(text, one.name)][:_BESIDE]


def _halls(snapshot: Snapshot, text: str) -> list[Json]:
    found = named(snapshot, text)
    if not speaks_of_any_hall(text):
        found = [hall for hall in found if any(speaks_of(text, hall[name]) for name in _NAMED_BY)]
    return found[:_BESIDE]
