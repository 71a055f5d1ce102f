"""Lists of items: filtered, searched, counted, in pages. Answered from the snapshot alone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import numpy as np

from kernel.clock import CHINA, Clock
from kernel.contracts.catalog import NO_SUCH_VALUE
from kernel.errors import InvalidInput
from kernel.traditional import to_simplified
from services.catalog.domain import categories
from services.catalog.domain.facets import Mask, Rows
from services.catalog.domain.search import highlight
from services.catalog.domain.snapshot import KINDS, Snapshot

Json = dict[str, Any]
Masks = dict[str, Mask]  # by filter

WINDOW = timedelta(days=30)  # in which filings make an item hot


class Filings(Protocol):
    """How often items were filed."""

    def since(self, day: Any) -> dict[str, int]: ...


@dataclass(frozen=True)
class Chosen:
    """The items of a list, in its order, and the filters on it. `text`: what was searched for, empty if nothing was."""

    found: Rows  # before the filters
    masks: Masks
    text: str = ""
    did_you_mean: str | None = None

    @property
    def rows(self) -> Rows:
        """What all filters leave."""
        return self.without("")

    def without(self, name: str) -> Rows:
        """What all filters but this one leave."""
        masks = [mask for other, mask in self.masks.items() if other != name]
        return self.found[np.logical_and.reduce(masks)[self.found]] if masks else self.found


class Lists:
    """Handlers of lists. Requests are loaded by the schemas of kernel.contracts.catalog."""

    def __init__(self, snapshot: Callable[[], Snapshot], filings: Filings, clock: Clock) -> None:
        self._snapshot = snapshot
        self._filings = filings
        self._clock = clock

    def items(self, request: Json) -> Json:
        """The items that fit all filters and the query (`ItemPage`). Raises InvalidInput for bad filters."""
        snapshot = self._snapshot()
        return item_page(snapshot, choose(snapshot, request["q"], _masks(snapshot, request)), request)

    def hot_items(self, request: Json) -> Json:
        """What was filed most in the last days, the most first (`HotPage`). Items that were retired are left out."""
        snapshot = self._snapshot()
        today = self._clock.now().astimezone(CHINA).date()
        filed = self._filings.since(today - WINDOW + timedelta(days=1))
        rows = [(-count, snapshot.row_of[code]) for code, count in filed.items() if code in snapshot.row_of]
        shown = sorted(rows)[: request["page_size"]]
        return {
            "items": [{**snapshot.summary(row), "filed": -count} for count, row in shown],
            **page_of(snapshot, len(rows), {"page": 1, **request}),
        }


def choose(snapshot: Snapshot, query: str, masks: Masks) -> Chosen:
    """The items that fit the query, best first; all of them in the order of lists if it is blank."""
    text = query.strip()
    if not text:
        return Chosen(snapshot.all_rows(), masks)
    if text in snapshot.row_of:  # somebody has the code of an item at hand, and wants that one
        return Chosen(np.array([snapshot.row_of[text]], dtype=np.int32), masks, text)
    called = [department.code for department in snapshot.departments_called(text)]
    if called:
        rows = snapshot.all_rows()[snapshot.facets.mask("department", called)]
        return Chosen(rows, masks, text)
    # Narrowed afterwards: whether an item fits a query does not depend on the filters, nor do the counts beside them.
    english = snapshot.english.search(text)
    if english:
        return Chosen(np.array(english, dtype=np.int32), masks, text)
    found = snapshot.index.search(text)
    return Chosen(found.rows, masks, text, found.did_you_mean)


def item_page(snapshot: Snapshot, chosen: Chosen, request: Json) -> Json:
    """The page asked for, and what the whole list can be narrowed to."""
    rows = chosen.rows
    return {
        "items": [_shown(snapshot, row, chosen.text) for row in rows[paged(request)].tolist()],
        "facets": _counted(snapshot, chosen, rows),
        "did_you_mean": chosen.did_you_mean,
        **page_of(snapshot, len(rows), request),
    }


def paged(request: Json) -> slice:
    """The part of a list that is the page asked for; behind the end it is empty."""
    start = (request["page"] - 1) * request["page_size"]
    return slice(start, start + request["page_size"])


def page_of(snapshot: Snapshot, total: int, request: Json) -> Json:
    """What every page says of itself."""
    same = {name: request[name] for name in ("page", "page_size")}
    return {"as_of": snapshot.version, "total": total, **same}


def _shown(snapshot: Snapshot, row: int, text: str) -> Json:
    summary = snapshot.summary(row)
    return {**summary, "highlight": highlight(summary["name"], text)} if text else summary


def _counted(snapshot: Snapshot, chosen: Chosen, rows: Rows) -> Json:
    """How many items each value would leave: added to the filters, or put in the place of the same filter's value."""
    counts = snapshot.facets.counts(rows)
    for name in chosen.masks:
        counts[name] = snapshot.facets.counts(chosen.without(name))[name]
    return {
        name: [
            {"value": value.value, "name": value.name, "name_en": value.name_en, "count": count}
            for value, count in counted
        ]
        for name, counted in counts.items()
    }


def _masks(snapshot: Snapshot, request: Json) -> Masks:
    """By filter, the items that have what it asks for. Raises InvalidInput with every bad filter."""
    asked = {name: request[name] for name in snapshot.facets.names if request[name] is not None}
    values = {name: _values(snapshot, name, given, request["audience"]) for name, given in asked.items()}
    unknown = {name: [NO_SUCH_VALUE] for name, found in values.items() if not found}
    if unknown:
        raise InvalidInput.from_messages(unknown)
    return {name: snapshot.facets.mask(name, found) for name, found in values.items()}


def _values(snapshot: Snapshot, name: str, given: Any, audience: str | None) -> list[str]:
    """The values of a facet that a filter means."""
    if isinstance(given, bool):
        return ["true" if given else "false"]
    text = to_simplified(given.strip())
    if name in KINDS:
        # An item for both audiences has categories of both, so another audience's is no mistake.
        found = categories.find(text, audience, name) or categories.find(text, None, name)
        return [category.code for category in found]
    if name == "department":
        return [department.code for department in snapshot.departments_named(text)]
    return [text]
