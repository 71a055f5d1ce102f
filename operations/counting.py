"""How much a log holds, counted by its database: by type, by department, by day. Only reads."""

from typing import Any

import sqlalchemy as sa

from kernel.clock import format_time, from_micros
from kernel.database import Database

_WHOLE = sa.text(
    "SELECT count(*), (SELECT count(*) FROM (SELECT DISTINCT stream FROM event) AS s),"
    " min(recorded_at), max(recorded_at) FROM event"
)
_DAY = 86_400_000_000  # microseconds
_CHINA = 8 * 3_600_000_000
# PostgreSQL can't make text of the escape of U+0000, which JSON may hold in any member: it reads another one there.
_NAMES = {
    "type": {"postgresql": "type", "sqlite": "type"},
    "department": {
        "postgresql": r"replace(body, '\u0000', '\ufffd')::json ->> 'organ'",
        "sqlite": "json_extract(body, '$.organ')",
    },
    "day": dict.fromkeys(("postgresql", "sqlite"), f"(recorded_at + {_CHINA}) / {_DAY}"),
}


def whole(database: Database) -> dict[str, Any]:
    """How many events of how many streams, and when the first and the last were recorded."""
    with database.read() as connection:
        events, streams, first, last = connection.execute(_WHOLE).one()
    times = [None if at is None else format_time(from_micros(at)) for at in (first, last)]
    return {"events": events, "streams": streams, "first": times[0], "last": times[1]}


def counted(database: Database, by: str) -> list[tuple[str, int]]:
    """Names with numbers, in the names' order. `by`: type, department or day (in China)."""
    query = f"SELECT {_NAMES[by][database.dialect]} AS name, count(*) FROM event GROUP BY 1 ORDER BY 1"
    with database.read() as connection:
        rows = connection.execute(sa.text(query.replace("::", "\\:\\:"))).all()
    return [(_day(name) if by == "day" else name, count) for name, count in rows]


def _day(number: int) -> str:
    return f"{from_micros(number * _DAY - _CHINA):%Y-%m-%d}"
