"""Small differences between the two databases, named once. Holds no statement of its own."""

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa


def on_postgresql(tx: sa.Connection) -> bool:
    """Else it is SQLite, whose writing transaction holds the whole database."""
    return tx.dialect.name == "postgresql"


def lock_rows(tx: sa.Connection, others: str = "") -> str:
    """Ends a SELECT whose rows are to be held; `others`: what is done about rows that somebody else holds."""
    return f" FOR UPDATE {others}" if on_postgresql(tx) else ""


def among(tx: sa.Connection, column: str, name: str, kind: str = "text") -> str:
    """A condition: `column` is in the list that is bound to `name` by `values_of`. `kind`: text or bigint."""
    if on_postgresql(tx):
        return f"{column} = ANY(CAST(:{name} AS {kind}[]))"
    return f"{column} IN (SELECT value FROM json_each(:{name}))"


def values_of(tx: sa.Connection, values: Collection[Any]) -> Any:
    """What `among` reads."""
    return list(values) if on_postgresql(tx) else json.dumps(list(values))


def pairs(tx: sa.Connection, kinds: tuple[str, str]) -> str:
    """A table of the columns a and b, of the two lists that are bound to `a` and `b`. PostgreSQL only."""
    return f"unnest(CAST(:a AS {kinds[0]}[]), CAST(:b AS {kinds[1]}[])) WITH ORDINALITY AS pair(a, b, n)"
