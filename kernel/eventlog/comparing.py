"""Two sets of the same tables, row by row in the order of their keys: what one has and the other has not.

Reads both as streams, so that it needs no more memory for a million rows than for a thousand. Writes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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

    @property
    def none(self) -> bool:
        return not (self.added or self.gone or self.changed)


@dataclass(frozen=True)
class Side:
    """A connection and the schema's words for its tables."""

    connection: sa.Connection

    def rows(self, statement: str, streams: Sequence[str]) -> Iterator[Row]:
        values = {f"s{number}": stream for number, stream in enumerate(streams)}
        streaming = self.connection.execution_options(stream_results=True, yield_per=_AT_ONCE)
        for part in streaming.execute(sa.text(statement), values).partitions():
            yield from part


def compare(
    live: sa.Connection,
    shadow: sa.Connection,
    table: Table,
    *,
    samples: int = 5,
    part: bool = False,
    streams: Sequence[str] = (),
) -> Difference:
    """Compare `table`. `part`: the shadow holds some of it on purpose, so what it lacks is not gone.

    `streams`: look at the rows of these alone.
    """
    columns, key = _columns(shadow, table.name)
    statement = _statement(shadow, table, columns, key, streams)
    found = Difference(table=table.name, gone=None if part and not streams else 0)
    width = len(key)
    for mine, new in _aligned(Side(live).rows(statement, streams), Side(shadow).rows(statement, streams), width):
        found.rows += new is not None
        if mine != new:
            _count(found, mine, new, columns, width, samples)
    return found


def _columns(connection: sa.Connection, table: str) -> tuple[list[str], list[str]]:
    """The columns, those of the key first; and those of the key."""
    inspector = sa.inspect(connection)
    key = inspector.get_pk_constraint(table)["constrained_columns"]
    names = [column["name"] for column in inspector.get_columns(table)]
    return [*key, *(name for name in names if name not in key)], key


def _statement(
    connection: sa.Connection, table: Table, columns: Sequence[str], key: Sequence[str], streams: Sequence[str]
) -> str:
    where = ""
    if streams and table.stream is not None:
        where = f" WHERE {table.stream} IN ({', '.join(f':s{number}' for number in range(len(streams)))})"
    return (
        f"SELECT {', '.join(columns)} FROM {table.name}{where} ORDER BY {', '.join(_ordered(connection, table, key))}"
    )


def _ordered(connection: sa.Connection, table: Table, key: Sequence[str]) -> list[str]:
    """Both sides in the order in which Python compares texts, whatever the database's own is."""
    if connection.dialect.name != "postgresql":
        return list(key)
    types = {column["name"]: column["type"] for column in sa.inspect(connection).get_columns(table.name)}
    return [f'{name} COLLATE "C"' if isinstance(types[name], sa.String) else name for name in key]


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
        key = dict(zip(columns[:width], map(_shown, row[:width]), strict=True))
        found.samples.append({"kind": kind, "key": key, **_values(mine, new, columns)})


def _values(mine: Row | None, new: Row | None, columns: Sequence[str]) -> dict[str, Any]:
    if mine is None or new is None:
        return {}
    pairs = zip(columns, mine, new, strict=True)
    return {"columns": {name: [_shown(old), _shown(now)] for name, old, now in pairs if old != now}}


def _shown(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _SHOWN:
        return value[:_SHOWN] + "…"
    return value if isinstance(value, str | int | float | bool | None) else str(value)
