"""The search page: items, and the departments and halls that fit. Answered from the snapshot alone."""

from collections.abc import Callable
from typing import Any

from kernel.contracts.catalog import NOTHING_ASKED
from kernel.errors import InvalidInput
from services.catalog.application.departments import counted
from services.catalog.application.halls import hall_summary
from services.catalog.application.lists import choose, item_page
from services.catalog.domain.snapshot import Snapshot

Json = dict[str, Any]

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
        departments = snapshot.department_index.search(text).rows[:_BESIDE].tolist()
        halls = snapshot.hall_index.search(text).rows[:_BESIDE].tolist()
        return {
            **item_page(snapshot, choose(snapshot, text, None), request),
            "departments": counted(snapshot, [snapshot.departments[row] for row in departments]),
            "halls": [hall_summary(snapshot.halls[row]) for row in halls],
        }
