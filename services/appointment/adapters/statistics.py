"""The projection that counts what happens in halls, by group and day, from appointment's own log.

Publishes nothing. What it has counted can be thrown away and counted anew: the log has it all.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from kernel.contracts.ticket_facts import TICKET_FACTS
from kernel.contracts.visit import load_visit_fact
from kernel.contracts.visit_facts import VISIT_FACTS
from kernel.errors import Park
from kernel.eventlog.events import Recorded
from services.appointment.adapters.sql import among, values_of
from services.appointment.application.queue_rows import Counts, micros_of, moment_of
from services.appointment.domain.counting import COUNTS, IGNORED, LONGEST, Added, Seen, count

Key = tuple[str, str, date]  # hall, group, day

_KNOWN = {name for name, fact in {**VISIT_FACTS, **TICKET_FACTS}.items() if fact not in IGNORED}
_NAMES = f"hall, group_id, day, {', '.join(COUNTS)}"


def _more(name: str) -> str:
    if name == LONGEST:
        return f"{name} = CASE WHEN excluded.{name} > s.{name} THEN excluded.{name} ELSE s.{name} END"
    return f"{name} = s.{name} + excluded.{name}"


_ADD = sa.text(
    f"INSERT INTO hall_statistic AS s ({_NAMES}) VALUES (:hall, :group_id, :day, {', '.join(f':{n}' for n in COUNTS)})"
    f" ON CONFLICT (hall, group_id, day) DO UPDATE SET {', '.join(map(_more, COUNTS))}"
).bindparams(sa.bindparam("day", type_=sa.Date))
_STREAM = "stream, group_id, day, issued_at, called_at, low, high"
_SEEN = f"SELECT {_STREAM} FROM counted_stream WHERE {{streams}}"
_KEEP = sa.text(
    f"INSERT INTO counted_stream ({_STREAM}) VALUES (:stream, :group_id, :day, :issued_at, :called_at, :low, :high)"
    " ON CONFLICT (stream) DO UPDATE SET group_id = excluded.group_id, day = excluded.day,"
    " called_at = excluded.called_at"
).bindparams(sa.bindparam("day", type_=sa.Date))
_ROWS = (
    sa.text(
        f"SELECT group_id, day, {', '.join(COUNTS)} FROM hall_statistic"
        " WHERE hall = :hall AND day BETWEEN :first AND :last ORDER BY day, group_id"
    )
    .bindparams(sa.bindparam("first", type_=sa.Date), sa.bindparam("last", type_=sa.Date))
    .columns(day=sa.Date)
)


class StatisticsProjection:
    """Folds a batch in memory and writes it with two statements."""

    name = "statistics"

    def apply(self, tx: sa.Connection, events: Sequence[Recorded]) -> None:
        """Take `events`, in the log's order. Types that it does not know are others' business, and let pass."""
        counted = [event for event in events if event.type in _KNOWN]
        streams = _load(tx, {event.stream for event in counted})
        sums: dict[Key, dict[str, int]] = {}
        for event in counted:
            streams[event.stream], added = _take(streams.get(event.stream, Seen()), event)
            for one in added:
                _sum(sums.setdefault((event.data["hall"], one.group, one.day), dict.fromkeys(COUNTS, 0)), one)
        _write(tx, streams, sums)


def _take(seen: Seen, event: Recorded) -> tuple[Seen, Sequence[Added]]:
    try:
        return count(seen, load_visit_fact(event.type, event.version, event.data))
    except LookupError as error:
        raise Park(str(error)) from None


def _sum(sums: dict[str, int], one: Added) -> None:
    for name, more in one.counts.items():
        sums[name] = max(sums[name], more) if name == LONGEST else sums[name] + more


def _load(tx: sa.Connection, streams: Collection[str]) -> dict[str, Seen]:
    query = sa.text(_SEEN.format(streams=among(tx, "stream", "streams"))).columns(day=sa.Date)
    rows = tx.execute(query, {"streams": values_of(tx, streams)})
    return {stream: _seen(*rest) for stream, *rest in rows}


def _write(tx: sa.Connection, streams: Mapping[str, Seen], sums: Mapping[Key, Mapping[str, int]]) -> None:
    if streams:
        tx.execute(_KEEP, [_row(stream, seen) for stream, seen in sorted(streams.items())])
    if sums:
        ordered = sorted(sums.items())
        tx.execute(_ADD, [{"hall": key[0], "group_id": key[1], "day": key[2], **counts} for key, counts in ordered])


def _row(stream: str, seen: Seen) -> dict[str, Any]:
    times = {"issued_at": micros_of(seen.issued_at), "called_at": micros_of(seen.called_at)}
    return {"stream": stream, "group_id": seen.group, "day": seen.day, "low": seen.low, "high": seen.high, **times}


def _seen(group: str, day: date, issued_at: int | None, called_at: int | None, low: int, high: int) -> Seen:
    times = {"issued_at": moment_of(issued_at), "called_at": moment_of(called_at)}
    return Seen(group=group, day=day, low=low, high=high, **times)


class StatisticTables:
    """What `application.queue_ports.StatisticStore` promises."""

    def counts(self, tx: sa.Connection, hall: str, first: date, last: date) -> list[Counts]:
        rows = tx.execute(_ROWS, {"hall": hall, "first": first, "last": last})
        return [Counts(group, day, dict(zip(COUNTS, numbers, strict=True))) for group, day, *numbers in rows]
