"""Halls: where they are, when they are open, and what each of their units handles. Answered from the snapshot alone."""

from collections.abc import Callable, Set
from typing import Any

from kernel.contracts.catalog import NO_AREA, UnknownHall
from kernel.contracts.halls import HallSummary
from kernel.errors import InvalidInput
from kernel.traditional import to_simplified
from services.catalog.application.lists import page_of, paged
from services.catalog.domain.guide import HREF
from services.catalog.domain.search import speaks_of_any_hall
from services.catalog.domain.snapshot import Snapshot

Json = dict[str, Any]

_SUMMARY = tuple(HallSummary().fields)


class Halls:
    """Handlers about halls. Requests are loaded by the schemas of kernel.contracts.catalog."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot

    def halls(self, request: Json) -> Json:
        """The halls that fit, in their order; with a query the best first (`HallPage`).

        Raises InvalidInput for an area that is neither digits nor a name.
        """
        snapshot = self._snapshot()
        query = request["q"].strip()
        area = _area(request["area"])
        item = request["item"]
        fitting = [hall for hall in named(snapshot, query) if _fits(hall, area, request["level"])]
        if item is not None:
            fitting = [hall for hall in fitting if item in snapshot.row_of and _handles(hall, item)]
        return {
            "items": [hall_summary(hall) for hall in fitting[paged(request)]],
            **page_of(snapshot, len(fitting), request),
        }

    def hall(self, request: Json) -> Json:
        """A hall, whole, its units with the items that are offered now (`HallAnswer`). Raises UnknownHall."""
        snapshot = self._snapshot()
        hall = next((hall for hall in snapshot.halls if hall["id"] == request["hall"]), None)
        if hall is None:
            raise UnknownHall(hall=request["hall"])
        units = [{**unit, "items": _items(snapshot, unit["items"])} for unit in hall["units"]]
        return {**hall, "units": units, "as_of": snapshot.version}

    def bookable(self, request: Json) -> Json:
        """All halls with what can be booked at each of their units (`BookableHalls`)."""
        snapshot = self._snapshot()
        rows = snapshot.facets.mask("bookable", ["true"])
        codes = {code for code, row in snapshot.row_of.items() if rows[row]}
        items = [_bookable(hall, codes) for hall in snapshot.halls[paged(request)]]
        return {"items": items, **page_of(snapshot, len(snapshot.halls), request)}


def _bookable(hall: Json, codes: Set[str]) -> Json:
    units = [
        {"name": unit["name"], "items": [code for code in unit["items"] if code in codes]} for unit in hall["units"]
    ]
    return {"id": hall["id"], "name": hall["name"], "units": units}


def hall_summary(hall: Json) -> Json:
    """As it stands in a list."""
    return {name: hall[name] for name in _SUMMARY}


def named(snapshot: Snapshot, query: str) -> list[Json]:
    """The halls that a query may mean, the best first; all of them where it names none."""
    if not query or speaks_of_any_hall(query):
        return snapshot.halls
    return [snapshot.halls[row] for row in snapshot.hall_index.search(query).rows.tolist()]


def _area(given: str | None) -> str | None:
    """A filter by area as it is compared: a name in simplified characters, or the digits of a code."""
    area = None if given is None else to_simplified(given.strip())
    if area is not None and area.isascii() and not area.isdigit():
        raise InvalidInput.from_messages({"area": [NO_AREA]})
    return area


def _fits(hall: Json, area: str | None, level: str | None) -> bool:
    return level in (None, hall["level"]) and (area is None or _is_in(hall, area))


def _handles(hall: Json, item: str) -> bool:
    return any(item in unit["items"] for unit in hall["units"])


def _is_in(hall: Json, area: str) -> bool:
    return hall["area"].startswith(area) if area.isascii() else area in hall["area_name"]


def _items(snapshot: Snapshot, codes: list[str]) -> list[Json]:
    shown = [snapshot.summary(snapshot.row_of[code]) for code in codes if code in snapshot.row_of]
    return [
        {
            "code": item["code"],
            "name": item["name"],
            "name_en": item["name_en"],
            "href": HREF + item["code"],
        }
        for item in shown
    ]
