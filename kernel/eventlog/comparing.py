"""Two sets of the same tables, row by row in the order of their keys: what one has and the other has not.

Reads both as streams, so that it needs no more memory for a million rows than for a thousand. Writes nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa

from kernel.eventlog.consumers import Table

_AT_ONCE = 5_000  # rows fetched at a time
_SHOWN = 200  # characters of a value in a sample

Row = tuple[Any, ...]


@dataclass(kw_only=True)
class Difference:
    """What the shadow of a table has that the live one has not. `gone` is None where it was not looked for."""

    table: str
    rows: int = 0  # of the shadow
    added: int = 0
    gone: int | None = 0
    changed: int = 0
    samples: list[dict[str, Any]] = field(default_factory=list)


def plain(row: Sequence[Any]) -> Row:
    """As both databases have it: days as texts."""
    return tuple(value.isoformat() if isinstance(value, date) else value for value in row)


def shown(value: Any) -> Any:
    """A value as a report has it: nothing long, nothing that JSON has not."""
    if isinstance(value, str) and len(value) > _SHOWN:
        return value[:_SHOWN] + "…"
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def compare(
    live: sa.Connection,
    shadow: sa.Connection,
    table: Table,
    *,
    samples: int = 5,
    part: bool = False,
    streams: Sequence[str] = (),
    told: Callable[[int], None] | None = None,
) -> Difference:
    """Compare `table`. `part`: the shadow holds some of it on purpose, so what it lacks is not gone.

    `streams`: look at the rows of these alone. `told`: how many more rows of the shadow were read.
    """
    layout = _layout(live, table.name)
    restricted = bool(streams) and table.stream is not None
    found = Difference(table=table.name, gone=None if part and not restricted else 0)
    width = len(layout.key)
    some = streams if restricted else ()
    left, right = _rows(live, layout, table, some), _rows(shadow, layout, table, some, told)
    for mine, new in _aligned(left, right, width):
        found.rows += new is not None
        if mine != new:
            _count(found, mine, new, layout.columns, width, samples)
    return found


@dataclass(frozen=True)
class _Layout:
    columns: tuple[str, ...]  # those of the key first
    key: tuple[str, ...]
    texts: frozenset[str]
    dated: bool


def _layout(connection: sa.Connection, table: str) -> _Layout:
    inspector = sa.inspect(connection)
    key = inspector.get_pk_constraint(table)["constrained_columns"]
    types = {str(column["name"]): column["type"] for column in inspector.get_columns(table)}
    texts = frozenset(name for name, kind in types.items() if isinstance(kind, sa.String))
    dated = any(isinstance(kind, sa.Date) for kind in types.values())
    return _Layout((*key, *(name for name in types if name not in key)), tuple(key), texts, dated)


def _rows(
    connection: sa.Connection,
    layout: _Layout,
    table: Table,
    streams: Sequence[str],
    told: Callable[[int], None] | None = None,
) -> Iterator[Row]:
    values = {f"s{number}": stream for number, stream in enumerate(streams)}
    where = f" WHERE {table.stream} IN ({', '.join(f':{name}' for name in values)})" if values else ""
    # In the order in which Python compares texts, whatever the database's own is.
    bytewise = ' COLLATE "C"' if connection.dialect.name == "postgresql" else ""
    order = ", ".join(f"{name}{bytewise if name in layout.texts else ''}" for name in layout.key)
    statement = f"SELECT {', '.join(layout.columns)} FROM {table.name}{where} ORDER BY {order}"
    streamed = connection.execute(sa.text(statement), values, execution_options={"stream_results": True})
    as_row = plain if layout.dated else tuple  # a look at each value of a million rows shows
    for part in streamed.partitions(_AT_ONCE):
        yield from map(as_row, part)
        if told is not None:
            told(len(part))


def _aligned(left: Iterator[Row], right: Iterator[Row], width: int) -> Iterator[tuple[Row | None, Row | None]]:
    """Rows with the same key side by side; None beside one that is alone."""
    mine, new = next(left, None), next(right, None)
    while mine is not None or new is not None:
        if new is None or (mine is not None and mine[:width] < new[:width]):
            yield mine, None
            mine = next(left, None)
        elif mine is None or new[:width] < mine[:width]:
            yield None, new
            new = next(right, None)
        else:
            yield mine, new
            mine, new = next(left, None), next(right, None)


def _count(
    found: Difference, mine: Row | None, new: Row | None, columns: Sequence[str], width: int, samples: int
) -> None:
    kind = "added" if mine is None else "gone" if new is None else "changed"
    number = getattr(found, kind)
    if number is None:
        return
    setattr(found, kind, number + 1)
    if number < samples:
        row: Row = new if mine is None else mine  # type: ignore[assignment]
        key = dict(zip(columns[:width], map(shown, row[:width]), strict=True))
        found.samples.append({"kind": kind, "key": key, **_values(mine, new, columns)})


def _values(mine: Row | None, new: Row | None, columns: Sequence[str]) -> dict[str, Any]:
    if mine is None or new is None:
        return {}
    pairs = zip(columns, mine, new, strict=True)
    return {"columns": {name: [shown(old), shown(now)] for name, old, now in pairs if old != now}}
