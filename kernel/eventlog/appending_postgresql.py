"""Appending on PostgreSQL: one call of the function `append_events`, which does all of it inside the database."""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise

import sqlalchemy as sa

from kernel.eventlog.drafting import Draft, firsts, is_plain
from kernel.eventlog.events import Appended, Conflict, Duplicate, Outcome, Reused

_CALL = "SELECT append_events(" + ", ".join(["%s"] * 12) + ")"
_MARK = "\x1e"
_OUTCOMES: dict[str, Callable[..., Outcome]] = {
    "appended": Appended,
    "duplicate": Duplicate,
    "conflict": Conflict,
    "reused": Reused,
}


def write(connection: sa.Connection, drafts: Sequence[Draft]) -> list[Outcome]:
    """Append; one outcome per draft. The head is locked from here to the end of the connection's transaction."""
    rows = [row for one in drafts for row in one.rows]
    plain = is_plain(drafts)
    counts = [len(one.rows) for one in drafts]
    columns = [_joined(column) for column in zip(*rows, strict=True)]
    heads = _joined(firsts(drafts)) if plain else ""
    answer = connection.exec_driver_sql(_CALL, (plain, heads, _joined(counts), *columns)).scalar_one()
    if isinstance(answer, int):
        return [Appended(first, following - 1) for first, following in pairwise(accumulate(counts, initial=answer))]
    return [_OUTCOMES[kind](*facts) for kind, *facts in answer]


def _joined(values: Iterable[object]) -> str:
    """None as an empty string. Names can't hold the mark (see `draft`), nor can JSON."""
    return _MARK.join("" if value is None else str(value) for value in values)
