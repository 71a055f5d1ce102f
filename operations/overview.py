"""All of a hall on one screen: services, queues, logs, consumers by the age of what they lack, messages, timers, disk.

Reads tables, the broker and this machine, and asks no service: it answers when none runs, and says what is away.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import pika
import pika.exceptions
import sqlalchemy as sa

from kernel.clock import Clock, format_time, to_micros
from kernel.config import Settings
from kernel.database import Database, is_away, open_database
from kernel.messaging.topology import QUEUES
from operations.department_client import amqp_parameters
from operations.heartbeat import signs
from operations.status import Status, status
from services.notify.adapters.messages import SqlMessages

_OVERDUE_SECONDS = 120  # filing looks at the clock once a minute
_LOOKS = sa.text("SELECT count(*) FROM clock_look WHERE look_at < :before")

Seen = TypeVar("Seen")

# What makes a line of the screen a warning.
LATE_SECONDS, UNSENT_SECONDS, DISK_SHARE = 30.0, 600.0, 0.1


@dataclass(frozen=True, kw_only=True)
class Overview:
    """None stands for what could not be asked; `away` says why, by name."""

    at: datetime
    services: dict[str, float]  # seconds since each gave a sign of life on this machine
    logs: dict[str, dict[str, Any]] | None
    consumers: list[dict[str, Any]] | None
    queues: dict[str, dict[str, int] | None] | None  # a queue that is not there: None; the embedded hall has none
    messages: dict[str, Any] | None
    overdue_looks: int | None
    disk: dict[str, Any]
    away: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "warnings": self.warnings}

    @property
    def warnings(self) -> list[str]:
        """What an operator should look at; empty: nothing."""
        found = [f"{name}: {why}" for name, why in self.away.items()]
        found += [f"{name} gave no sign of life for {age:.0f} s" for name, age in self.services.items() if age > 15]
        for one in self.consumers or ():
            if one["oldest_unprocessed_seconds"] > LATE_SECONDS:
                found.append(f"{one['consumer']} lacks an event that is {one['oldest_unprocessed_seconds']:.0f} s old")
            if one["parked"]:
                found.append(f"{one['consumer']} has parked {one['parked']} events")
        found += [f"queue {name} is missing" for name, queue in (self.queues or {}).items() if queue is None]
        if self.messages and (self.messages["oldest_unsent_seconds"] or 0) > UNSENT_SECONDS:
            found.append(f"the oldest unsent message is {self.messages['oldest_unsent_seconds']:.0f} s old")
        if self.overdue_looks:
            found.append(f"{self.overdue_looks} cases wait for filing to look at the clock")
        if self.disk["free_share"] < DISK_SHARE:
            found.append(f"{self.disk['path']} has {self.disk['free_share']:.0%} of its disk free")
        return found


def look(settings: Settings, clock: Clock) -> Overview:
    """Everything, as it is now."""
    now, away = clock.now(), dict[str, str]()
    standing = _or_away(away, "logs", lambda: status(settings))
    return Overview(
        at=now,
        services=signs(settings.data_dir),
        logs=None if standing is None else _logs(standing, now),
        consumers=None if standing is None else [lag.figures(now) for lag in standing.consumers],
        queues=None if settings.embedded else _or_away(away, "broker", lambda: queues(settings.amqp_uri)),
        messages=_or_away(away, "notify", lambda: _messages(settings, now)),
        overdue_looks=_or_away(away, "filing", lambda: _overdue(settings, now)),
        disk=_disk(settings),
        away=away,
    )


def _or_away(away: dict[str, str], name: str, ask: Callable[[], Seen]) -> Seen | None:
    try:
        return ask()
    except (sa.exc.SQLAlchemyError, pika.exceptions.AMQPError, OSError) as error:
        if isinstance(error, sa.exc.SQLAlchemyError) and not (is_away(error) or _not_migrated(error)):
            raise
        away[name] = (str(error) or repr(error)).splitlines()[0]
        return None


def _not_migrated(error: sa.exc.SQLAlchemyError) -> bool:
    return isinstance(error, sa.exc.OperationalError | sa.exc.ProgrammingError | sa.exc.NoResultFound)


def _logs(standing: Status, now: datetime) -> dict[str, dict[str, Any]]:
    return {
        owner: {
            "head": one.head,
            "relay": one.relay.position,
            "relay_behind": one.head - one.relay.position,
            "relay_leads": one.relay.leads_until > now,
        }
        for owner, one in standing.logs.items()
    }


def _messages(settings: Settings, now: datetime) -> dict[str, Any]:
    with _opened(settings, "notify") as database:
        standing = SqlMessages(database).standing()
    age = None if standing.oldest_unsent is None else (now - standing.oldest_unsent).total_seconds()
    return {"counts": dict(standing.counts), "oldest_unsent_seconds": age}


def _overdue(settings: Settings, now: datetime) -> int:
    with _opened(settings, "filing") as database, database.single() as connection:
        before = to_micros(now) - _OVERDUE_SECONDS * 1_000_000
        return int(connection.execute(_LOOKS, {"before": before}).scalar_one())


@contextmanager
def _opened(settings: Settings, owner: str) -> Iterator[Database]:
    database = open_database(settings, owner)
    try:
        yield database
    finally:
        database.close()


def queues(uri: str) -> dict[str, dict[str, int] | None]:
    """Each queue with its messages and consumers. Raises pika's AMQPError or OSError where the broker is away."""
    found: dict[str, dict[str, int] | None] = {}
    with closing(pika.BlockingConnection(amqp_parameters(uri))) as connection:
        for queue in QUEUES:
            try:
                told = connection.channel().queue_declare(queue.name, passive=True).method
                found[queue.name] = {"messages": told.message_count, "consumers": told.consumer_count}
            except pika.exceptions.ChannelClosedByBroker:  # there is no such queue; this channel is gone
                found[queue.name] = None
    return found


def _disk(settings: Settings) -> dict[str, Any]:
    usage = shutil.disk_usage(settings.data_dir)
    return {"path": str(settings.data_dir), "free_bytes": usage.free, "free_share": usage.free / usage.total}


def when(overview: Overview) -> str:
    """For people."""
    return format_time(overview.at)[:19].replace("T", " ")
