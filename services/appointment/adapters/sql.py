"""Small differences between the two databases, named once. Holds no statement of its own."""

import json
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

import sqlalchemy as sa


@lru_cache(maxsize=500)
def text(query: str, days: tuple[str, ...] = (), dates: tuple[str, ...] = ()) -> Any:
    """The statement, made once: to read its text costs more than to run it. For texts of which there are few.

    `days`: names of bound values that are dates; `dates`: columns of the answer that are.
    """
    statement = sa.text(query).bindparams(*(sa.bindparam(name, type_=sa.Date) for name in days))
    return statement.columns(**dict.fromkeys(dates, sa.Date())) if dates else statement


def on_postgresql(tx: sa.Connection) -> bool:
    """Else it is SQLite, whose writing transaction holds the whole database."""
    return tx.dialect.name == "postgresql"


def lock_rows(tx: sa.Connection, others: str = "") -> str:
    """Ends a SELECT whose rows are to be held; `others`: what is done about rows that somebody else holds.

    Not FOR UPDATE: who inserts a booking needs its group's key, and would wait for a planner who waits for its slots.
    """
    return f" FOR NO KEY UPDATE {others}" if on_postgresql(tx) else ""


def among(tx: sa.Connection, column: str, name: str, kind: str = "text") -> str:
    """A condition: `column` is in the list that is bound to `name` by `values_of`. `kind`: text or bigint."""
    if on_postgresql(tx):
        return f"{column} = ANY(CAST(:{name} AS {kind}[]))"
    return f"{column} IN (SELECT value FROM json_each(:{name}))"


def values_of(tx: sa.Connection, values: Collection[Any]) -> Any:
    """What `among` reads."""
    return list(values) if on_postgresql(tx) else json.dumps(list(values))


_MARK = "\x1e"  # no value of ours holds it: codes are printable, and JSON escapes it


def joined(values: Iterable[Any]) -> str:
    """What `split` reads. Several times cheaper than a list, of which the driver quotes each member. None is empty."""
    return _MARK.join("" if value is None else str(value) for value in values)


def split(name: str, kind: str = "text") -> str:
    """The list of `kind` that `joined` made of the values bound to `name`. PostgreSQL only."""
    return f"CAST(string_to_array(CAST(:{name} AS text), chr(30), '') AS {kind}[])"


def pairs(kinds: tuple[str, str]) -> str:
    """A table of the columns a and b, of what was joined to `a` and `b`. PostgreSQL only."""
    return f"unnest({split('a', kinds[0])}, {split('b', kinds[1])}) WITH ORDINALITY AS pair(a, b, n)"
