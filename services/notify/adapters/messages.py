"""Messages in the database: claimed in order under a lease, saved under the claim, settled by receipts.

Every change is guarded by the state it expects, so that of two who race, one changes nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, text

from kernel.clock import format_time, from_micros, to_micros
from kernel.contracts.notify import COUNTED, LOGS, UnknownMessage
from kernel.database import Database
from services.notify.domain.message import Claimed, Result, State
from services.notify.domain.visits import OVERTAKEN, OVERTAKING

# The indexes message_unsent and message_in_line hold just these.
_UNSENT = "due_at IS NOT NULL AND accepted_at IS NULL"
# Only the first in line of its case and channel is taken: what follows it waits until that was accepted, *as saved*, or
# failed for good. So no two of a case are ever under way together, whoever sends them, and what a process that died
# was sending goes out again before what comes after it. What is tried so much later that it is not `:held` for steps
# out of the line meanwhile. (A scalar, and no join: one look at an index for each row, until there are enough.)
_IN_ORDER = (
    " AND position = (SELECT min(ahead.position) FROM message AS ahead WHERE ahead.log = message.log"
    " AND ahead.serial = message.serial AND ahead.channel = message.channel AND ahead.accepted_at IS NULL"
    " AND ahead.due_at <= :held)"
)


def _claim(skip: str) -> TextClause:
    # Taken from a process that died while sending, the message may have gone out: only the same provider may have it.
    return text(
        "WITH picked AS MATERIALIZED ("
        f"SELECT id FROM message WHERE due_at <= :now AND accepted_at IS NULL{_IN_ORDER}"
        f" ORDER BY due_at, position LIMIT :limit {skip})"
        " UPDATE message SET state = 'sending', claim = claim + 1, due_at = :lease, updated_at = :now,"
        " unsure = unsure OR state = 'sending',"
        " provider = COALESCE(provider, CASE channel WHEN 'sms' THEN :sms ELSE :email END)"
        " WHERE id IN (SELECT id FROM picked)"
        " RETURNING id, serial, position, type, channel, recipient, subject, text, provider, unsure, attempts, claim,"
        " expires_at, traceparent"
    )


_CLAIM = {"postgresql": _claim("FOR UPDATE SKIP LOCKED"), "sqlite": _claim("")}
# Planned with figures of when little was waiting, a claim would look at all that waits and sort it, each time.
# By what is there at the time at which a message is claimed. What comes later is also sent later. (Counted, and the
# log hidden from its index, so that only the visit's own are looked at: EXISTS would be planned as a join with all
# messages, and a log's index as a walk down its tail.)
_OVERTAKEN = text(
    "SELECT id FROM message WHERE id IN :ids AND 0 < (SELECT count(*) FROM message AS later"
    " WHERE later.serial = message.serial AND later.position > message.position AND later.log || '' = message.log"
    " AND later.channel = message.channel AND later.type IN :overtaking)"
).bindparams(bindparam("ids", expanding=True), bindparam("overtaking", OVERTAKING, expanding=True))
UNSORTED: dict[str, tuple[str, ...]] = {"postgresql": ("SET LOCAL enable_sort = off",), "sqlite": ()}
_SWITCH = text("UPDATE message SET provider = :provider WHERE id = :id AND claim = :claim AND state = 'sending'")
# A receipt that came before has settled the state: what the sender knows is older and must not overwrite it.
_SAVE = text(
    "UPDATE message SET state = :state, attempts = :attempts, due_at = :due_at, provider = :provider,"
    " unsure = :unsure, reason = :reason, accepted_at = :accepted_at, updated_at = :now,"
    " provider_reference = COALESCE(:provider_reference, provider_reference)"
    " WHERE id = :id AND claim = :claim AND state = 'sending'"
)
_OVERDUE = text(
    "UPDATE message SET state = 'failed_for_good', reason = 'no_receipt', due_at = NULL, updated_at = :now"
    " WHERE due_at <= :now AND accepted_at IS NOT NULL AND state = 'sending' RETURNING id, serial"
)
_SETTLED = (
    "accepted_at = COALESCE(accepted_at, :now), due_at = NULL, updated_at = :now,"
    " provider_reference = COALESCE(:reference, provider_reference),"
    " attempts = attempts + CASE WHEN state = 'sending' AND accepted_at IS NULL THEN 1 ELSE 0 END"
)
# Only who has the message speaks for it. Nobody is named as long as nobody was asked, or has certainly not taken it.
_THEIRS = "(provider = :provider OR provider IS NULL)"
_DELIVERED = text(
    f"UPDATE message SET state = 'delivered', reason = NULL, provider = :provider, {_SETTLED}"
    f" WHERE id = :id AND state <> 'delivered' AND {_THEIRS}"
)
# A provider speaks of failure only for what was given to it: by now another may be asked.
_UNDELIVERED = text(
    f"UPDATE message SET state = 'failed_for_good', reason = :reason, provider = :provider, {_SETTLED}"
    f" WHERE id = :id AND state NOT IN ('delivered', 'failed_for_good') AND {_THEIRS}"
    " AND (provider = :provider OR state IN ('created', 'past'))"
)
_STATE = text(f"SELECT state FROM message WHERE id = :id AND {_THEIRS}")
_COLUMNS = (
    "id, log, serial, position, source, event_id, type, channel, language, recipient, subject, text, state, attempts,"
    " due_at, expires_at, provider, provider_reference, accepted_at, reason, created_at, updated_at"
)
_LOGS = ", ".join(f"'{log}'" for log in LOGS)  # what is of no log is lost, see `lost`
_OF_CASE = text(
    f"SELECT {_COLUMNS} FROM message WHERE serial = :serial AND log IN ({_LOGS}) ORDER BY position, channel DESC"
)
# Each through an index of its own, without reading what is settled: there is ever more of that.
_WAITING = text(f"SELECT state, count(*), min(created_at) FROM message WHERE {_UNSENT} GROUP BY state")
_UNREPORTED = text("SELECT count(*) FROM message WHERE due_at IS NOT NULL AND accepted_at IS NOT NULL")
_FAILED = text(f"SELECT count(*) FROM message WHERE state = 'failed_for_good' AND log IN ({_LOGS})")
COUNTS = (_WAITING, _UNREPORTED, _FAILED)


# What a provider says is stored as text, and PostgreSQL keeps no NUL in one. Were that an error, the result could never
# be saved, nor any other beside it, and the message would be sent again.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Standing:
    """How many messages are in each state that is counted; when the oldest was made that no provider has taken yet."""

    counts: dict[str, int]
    oldest_unsent: datetime | None


class SqlMessages:
    """The messages of one database; several processes may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self, now: datetime, limit: int, lease_until: datetime, held_until: datetime, first: dict[str, str]
    ) -> list[Claimed]:
        """Take up to `limit` due messages, those of processes that died included, each the first in line of its case.

        What is tried again by `held_until` holds back what follows it. `first`: provider by channel.
        """
        lease = to_micros(lease_until)
        values = {"now": to_micros(now), "limit": limit, "lease": lease, "held": to_micros(held_until), **first}
        with self._database.write() as tx:
            for setting in UNSORTED[self._database.dialect]:
                tx.exec_driver_sql(setting)
            rows = [dict(row) for row in tx.execute(_CLAIM[self._database.dialect], values).mappings()]
            overtaken = _overtaken(tx, rows)
        claimed = [_claimed(row, lease, row["id"] in overtaken) for row in rows]
        return sorted(claimed, key=lambda message: message.position)

    def switch(self, message: Claimed, provider: str) -> bool:
        """Note that `provider` is about to be given it; False if the claim no longer stands."""
        values = {"id": message.id, "claim": message.claim, "provider": provider}
        with self._database.write() as tx:
            return tx.execute(_SWITCH, values).rowcount == 1

    def save(self, results: Sequence[Result], now: datetime) -> None:
        """Save each whose claim still stands and whose receipt has not come in the meantime."""
        with self._database.write() as tx:
            tx.execute(_SAVE, [{**_values(result), "now": to_micros(now)} for result in results])

    def give_up_on_receipts(self, now: datetime) -> list[tuple[str, str]]:
        """Fail those whose receipt is overdue; (id, serial) of each."""
        with self._database.write() as tx:
            return [(row.id, row.serial) for row in tx.execute(_OVERDUE, {"now": to_micros(now)})]

    def receipt(
        self, message: str, provider: str, delivered: bool, fields: dict[str, str | None], now: datetime
    ) -> str:
        """Note a receipt; the state after it. What is delivered stays so.

        Raises UnknownMessage, also for a message that another provider has.
        """
        reason, reference = _plain(fields["reason"]) or "undelivered", _plain(fields["reference"])
        values = {"id": message, "provider": provider, "reference": reference, "now": to_micros(now)}
        with self._database.write() as tx:
            if delivered:
                tx.execute(_DELIVERED, values)
            else:
                tx.execute(_UNDELIVERED, {**values, "reason": reason})
            state: str | None = tx.execute(_STATE, values).scalar_one_or_none()
        if state is None:
            raise UnknownMessage
        return state

    def of_case(self, serial: str) -> list[dict[str, Any]]:
        """All messages about a case, in the order of their events (`Message` each)."""
        with self._database.single() as tx:
            return [_shown(dict(row)) for row in tx.execute(_OF_CASE, {"serial": serial}).mappings()]

    def listed(self, serial: str | None, state: str | None, limit: int, lost: bool = False) -> list[dict[str, Any]]:
        """The newest messages (`Message` each), newest first; only those of `serial` or in `state`, where given.

        `lost`: instead those of a log that is no more.
        """
        values = {name: value for name, value in (("serial", serial), ("state", state)) if value is not None}
        where = "".join(f" AND {name} = :{name}" for name in values)
        # Of each log by its own positions, which an index has in order: there is no such index over both.
        these = [f"log NOT IN ({_LOGS})"] if lost else [f"log = '{log}'" for log in LOGS]
        statements = [
            text(f"SELECT {_COLUMNS} FROM message WHERE {of}{where} ORDER BY position DESC, channel LIMIT :limit")
            for of in these
        ]
        with self._database.single() as tx:
            of_each = [tx.execute(one, {**values, "limit": limit}).mappings().all() for one in statements]
        newest = sorted((row for rows in of_each for row in rows), key=lambda row: -row["created_at"])
        return [_shown(dict(row)) for row in newest[:limit]]

    def standing(self) -> Standing:
        """How the messages stand now."""
        with self._database.single() as tx:
            waiting = tx.execute(_WAITING).all()
            unreported, failed = (int(tx.execute(count).scalar_one()) for count in (_UNREPORTED, _FAILED))
        unsent = {row[0]: int(row[1]) for row in waiting}
        counts = {state: unsent.get(state, 0) for state in COUNTED}
        counts[State.SENDING] += unreported
        counts[State.FAILED_FOR_GOOD] = failed
        oldest = min((row[2] for row in waiting), default=None)
        return Standing(counts, None if oldest is None else from_micros(oldest))


def _overtaken(tx: Connection, rows: Sequence[dict[str, Any]]) -> set[str]:
    """The ids of those that say what is no longer true, since a later message of their visit says otherwise."""
    ids = [row["id"] for row in rows if row["type"] in OVERTAKEN]
    return set(tx.execute(_OVERTAKEN, {"ids": ids}).scalars()) if ids else set()


def _claimed(row: dict[str, Any], lease: int, overtaken: bool) -> Claimed:
    return Claimed(**{**row, "unsure": bool(row["unsure"])}, lease_until=lease, overtaken=overtaken)


def _values(result: Result) -> dict[str, Any]:
    said = {"reason": _plain(result.reason), "provider_reference": _plain(result.provider_reference)}
    return {**asdict(result), **said}


def _plain(said: str | None) -> str | None:
    return None if said is None else _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", said)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    due = row.pop("due_at")
    waiting = row["state"] in (State.CREATED, State.FAILED_FOR_NOW)
    row["next_attempt_at"] = due if waiting else None
    for name in ("next_attempt_at", "expires_at", "accepted_at", "created_at", "updated_at"):
        row[name] = None if row[name] is None else format_time(from_micros(row[name]))
    return row
