"""The projection that keeps progress's tables up with the case log. Never publishes, never tells anybody anything."""

from collections.abc import Sequence

import orjson
from sqlalchemy import Connection

from kernel.clock import parse_time, to_micros
from kernel.eventlog.events import Recorded
from services.progress.adapters import tables
from services.progress.domain.case import Case, Entry, fold


class CaseProjection:
    """Folds a batch in memory and writes it with two statements, however many cases it touches."""

    name = "progress"

    def apply(self, tx: Connection, events: Sequence[Recorded]) -> None:
        """Take `events`, in the log's order. Raises Park for one that cannot follow what its case went through."""
        cases = tables.load_cases(tx, {event.stream for event in events})
        steps = [_take(cases, event) for event in events]
        tables.save_cases(tx, list(cases.values()))
        tables.add_steps(tx, steps)


def _take(cases: dict[str, Case], event: Recorded) -> tables.StepRow:
    case = cases.get(event.stream)
    if case is None:
        case = cases[event.stream] = Case(event.stream)
    entry = _entry(event)
    public = orjson.dumps(fold(case, entry)).decode()
    return (entry.serial, entry.stream_version, event.position, entry.type, entry.occurred_at, case.state, public)


def _entry(event: Recorded) -> Entry:
    data = event.data
    return Entry(
        event.stream,
        event.stream_version,
        event.type,
        event.version,
        to_micros(parse_time(data["occurred_at"])),
        event.recorded,
        data,
    )
