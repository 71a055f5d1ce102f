"""Statistics of a hall: what was counted by day and group, and how well the waits were foretold.

Reads what the follower of the log has counted; it may be a moment behind.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from services.appointment.application.queue_rows import Counts
from services.appointment.application.queue_views import QueueViews
from services.appointment.application.ticketing import place_of
from services.appointment.application.tools import Tools
from services.appointment.domain.times import day_of

MEASURED_DAYS = 30  # that the published error of the estimates rests on

Json = dict[str, Any]


class Statistics:
    """Handlers of `hall_statistics` and `wait`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._views = QueueViews(tools)

    def of_hall(self, hall: str, first: date | None, last: date | None) -> Json:
        """In the form of `kernel.contracts.hall_day.HallStatistics`; today where nothing is said."""
        today = day_of(self._tools.clock.now())
        first, last = first or last or today, last or first or today
        names, rows = self._counted(hall, first, last)
        items = [_shown(row, names) for row in rows]
        return {"hall": hall, "first_day": first.isoformat(), "last_day": last.isoformat(), "items": items}

    def wait(self, hall: str) -> Json:
        """In the form of `kernel.contracts.hall_day.Waits`. Raises UnknownHall."""
        today = day_of(self._tools.clock.now())
        _, rows = self._counted(hall, today - timedelta(days=MEASURED_DAYS), today)
        groups = [
            {**one, "measured": _measured(row.counts for row in rows if row.group == one["group"])}
            for one in self._views.waits(hall)
        ]
        whole = _measured(row.counts for row in rows)
        return {"hall": hall, "days": MEASURED_DAYS, "groups": groups, "measured": whole}

    def _counted(self, hall: str, first: date, last: date) -> tuple[Mapping[str, str], list[Counts]]:
        with self._tools.database.read() as tx:
            named = place_of(self._tools, tx, hall).named
            return {one.id: one.name for one in named.values()}, self._tools.store.counts(tx, hall, first, last)


def _shown(row: Counts, names: Mapping[str, str]) -> Json:
    place = {"date": row.day.isoformat(), "group": row.group, "name": names.get(row.group, row.group)}
    return {**place, **row.counts, "measured": _measured([row.counts])}


def _measured(rows: Iterable[Mapping[str, int]]) -> Json:
    """How well the waits were foretold: the share that fell into the range, and how far its middle was off."""
    sums: Counter[str] = Counter()
    for row in rows:
        sums.update(row)
    called = sums["called"]
    return {
        "tickets": called,
        "within": round(sums["estimates_met"] / called, 3) if called else None,
        "mean_error_minutes": round(sums["estimate_error_seconds"] / called / 60, 1) if called else None,
        "mean_wait_minutes": round(sums["wait_seconds"] / called / 60, 1) if called else None,
        "mean_service_minutes": round(sums["service_seconds"] / sums["served"] / 60, 1) if sums["served"] else None,
    }
