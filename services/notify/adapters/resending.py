"""One message once more, because an operator says so: the only way in which a message that was settled goes out again.

Nothing calls it by itself. The sender takes it up like any other.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from kernel.clock import to_micros
from kernel.contracts.notify import LOGS, UnknownMessage
from kernel.database import Database
from kernel.errors import Refusal
from kernel.eventlog import Recorded
from kernel.eventlog.following import Follower, Projection
from kernel.ids import new_id

_FIND = text("SELECT log, state, serial, type, channel, reason, accepted_at, expires_at FROM message WHERE id = :id")
_AGAIN = text(
    "UPDATE message SET id = :new, state = 'created', attempts = 0, claim = claim + 1, unsure = false, due_at = :now,"
    " provider = NULL, provider_reference = NULL, accepted_at = NULL, reason = NULL, updated_at = :now"
    " WHERE id = :id AND state = 'failed_for_good'"
)
_OF_EVENT = text("SELECT id FROM message WHERE log = :log AND position = :position")


class NotFailed(Refusal):
    """It is on its way, has arrived, or is of no use any more."""

    code = "not_failed"
    status = 409
    zh = "该消息的状态为 {state}，不能重发。"
    en = "The message is {state}; only one that has failed for good, and is not too late, can be sent again."


class NothingMissing(Refusal):
    """Every message of the event is there, or will be."""

    code = "nothing_missing"
    status = 409
    zh = "事件 {position} 没有缺少的消息。"
    en = "Of the event at position {position} no message is missing: {why}."


@dataclass(frozen=True)
class Resent:
    """What goes out again; `id` is new where a provider had taken it under the old one, and would drop it."""

    id: str
    about: dict[str, Any]


def resend(database: Database, id: str, now: datetime) -> Resent:
    """Let a message that failed for good be sent again. Raises UnknownMessage or NotFailed."""
    with database.write() as tx:
        found = tx.execute(_FIND, {"id": id}).mappings().one_or_none()
        if found is None:
            raise UnknownMessage
        if found["expires_at"] is not None and found["expires_at"] <= to_micros(now):
            raise NotFailed(state="too late")
        if found["log"] not in LOGS:
            raise NotFailed(state="of an event that is on the log no more")
        new = id if found["accepted_at"] is None else new_id()
        if tx.execute(_AGAIN, {"id": id, "new": new, "now": to_micros(now)}).rowcount != 1:
            raise NotFailed(state=found["state"])
    return Resent(new, {name: found[name] for name in ("serial", "type", "channel", "reason")})


def tell(database: Database, follower: Follower, projection: Projection, log: str, event: Recorded) -> list[str]:
    """Make the messages of an event that notify has read and that are not there; their ids. Raises NothingMissing."""
    if follower.checkpoint().position < event.position:
        raise NothingMissing(position=event.position, why="notify has not come to it yet")
    if not follower.check():
        raise NothingMissing(position=event.position, why="the log is not the one that was read; see: yichuang verify")
    if any(one.position == event.position for one in follower.parked()):
        raise NothingMissing(position=event.position, why="it is parked; see: yichuang parked show")
    wanted = {"log": log, "position": event.position}
    with database.write() as tx:
        before = set(tx.execute(_OF_EVENT, wanted).scalars())
        projection.apply(tx, [event])
        made = sorted(set(tx.execute(_OF_EVENT, wanted).scalars()) - before)
    if not made:
        raise NothingMissing(position=event.position, why="all that it asks for are there")
    return made
