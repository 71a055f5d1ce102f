"""How notify stands, from its tables: messages that wait, and how providers answer.

Read by the service for its `status`, and by operators when no service runs.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from kernel.clock import from_micros, seconds_since
from kernel.database import Database
from kernel.database.size import size_of
from kernel.timers import overdue
from services.notify.adapters.messages import SqlMessages
from services.notify.application.observing import Heard

_DUE = sa.text("SELECT count(*), min(due_at) FROM message WHERE due_at <= :now AND accepted_at IS NULL")
_CONFIGURED = sa.text("DELETE FROM provider_answer WHERE provider NOT IN :names").bindparams(
    sa.bindparam("names", expanding=True)
)
_KNOWN = sa.text(
    "INSERT INTO provider_answer (provider, failures_running, accepted, failed) VALUES (:name, 0, 0, 0)"
    " ON CONFLICT (provider) DO NOTHING"
)
_NOTE = sa.text(
    "UPDATE provider_answer SET accepted = accepted + :accepted, failed = failed + :failed,"
    " failures_running = CASE WHEN :well THEN 0 ELSE failures_running END + :failures_running,"
    " answered_at = :answered_at, accepted_at = COALESCE(:accepted_at, accepted_at),"
    " reason = COALESCE(:reason, reason) WHERE provider = :provider"
)
_PROVIDERS = sa.text("SELECT * FROM provider_answer ORDER BY provider")


def standing(database: Database, now: datetime) -> dict[str, Any]:
    """Messages, timers, providers and size; see `kernel.contracts.notify.Status`."""
    messages = SqlMessages(database).standing()
    with database.single() as connection:
        timers = {"messages": overdue(connection, _DUE, now)}
        providers = [_shown(dict(row), now) for row in connection.execute(_PROVIDERS).mappings()]
    return {
        "messages": messages.counts,
        "oldest_unsent_seconds": seconds_since(messages.oldest_unsent, now),
        "timers": timers,
        "providers": providers,
        "database_bytes": size_of(database),
    }


def keep(database: Database, names: Sequence[str]) -> None:
    """These providers are set up; what others once answered is forgotten."""
    with database.write() as tx:
        tx.execute(_CONFIGURED, {"names": list(names)})
        tx.execute(_KNOWN, [{"name": name} for name in names])


def note(database: Database, heard: Sequence[Heard]) -> None:
    """Add what was heard of providers."""
    if heard:
        with database.write() as tx:
            tx.execute(_NOTE, [asdict(one) for one in heard])


def _shown(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    ages = {name: _age(row.pop(f"{name}_at"), now) for name in ("answered", "accepted")}
    return {**row, **{f"{name}_seconds": age for name, age in ages.items()}}


def _age(micros: int | None, now: datetime) -> float | None:
    return None if micros is None else seconds_since(from_micros(micros), now)
