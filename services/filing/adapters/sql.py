"""Small differences between the two databases, named once.

Holds no statement of its own.
"""

import json
from collections.abc import Collection

import sqlalchemy as sa


def lock_rows(tx: sa.Connection, others: str = "") -> str:
    """Ends a SELECT whose rows are to be held; `others`: what is done about rows that somebody else holds.

    On SQLite the writing transaction holds the whole database already.
    """
    return f" FOR UPDATE {others}" if tx.dialect.name == "postgresql" else ""


def each_of(tx: sa.Connection, name: str) -> str:
    """A query of one column `value`: the members of the JSON list that is bound to `name`."""
    if tx.dialect.name == "postgresql":
        return f"SELECT value FROM json_array_elements_text(CAST(:{name} AS json))"
    return f"SELECT value FROM json_each(:{name})"


def as_list(values: Collection[str]) -> str:
    """What `each_of` reads."""
    return json.dumps(list(values))
