"""Looks at everything once: tables, broker, services, disk. Who is away is noted, and the others are looked at.

Changes nothing, and makes neither tables nor where they would be.
"""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from kernel.clock import SystemClock
from kernel.config import Settings
from kernel.database import Database, DatabaseAway, open_existing, present
from kernel.database.away import is_full, lacks_rights
from kernel.database.size import size_of
from kernel.eventlog.parking import Lag
from kernel.eventlog.reading import LogReader
from kernel.messaging.connection import BrokerAway
from kernel.messaging.depths import Depth, depths
from kernel.messaging.relay import standing as relayed
from kernel.messaging.topology import QUEUES
from operations import heartbeat
from operations.consumers import CONSUMERS, consumer
from operations.services import OWNERS
from operations.watch import asking

# Who tells how an owner stands, from its tables. Of the others only the size is known.
STANDING = {
    "filing": "services.filing.adapters.standing:standing",
    "appointment": "services.appointment.adapters.standing:standing",
    "notify": "services.notify.adapters.standing:standing",
}


class NoTables(Exception):
    """Nobody has made them yet; the message says whose."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """All that was found. What is not known is None, or not there."""

    at: datetime
    embedded: bool
    address: str  # of the gateway
    tables: dict[str, dict[str, Any]]  # by owner: as its service's `status` says it
    consumers: list[Lag]
    parked_cases: dict[str, int]  # by consumer
    queues: dict[str, Depth | None] | None
    services: dict[str, bool | None]
    processes: dict[str, int]  # that take requests, by service
    beating: list[str]  # services that gave signs of life on this machine
    disk: tuple[int, int] | None  # free and all of it, in bytes
    away: dict[str, str]  # what could not be looked at, and why
    unmade: dict[str, str]  # what is not there yet
    closed: dict[str, str]  # what we may not look at, and why


class Look:
    """One look at everything."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._now = SystemClock().now()
        self._away: dict[str, str] = {}
        self._unmade: dict[str, str] = {}
        self._closed: dict[str, str] = {}

    def take(self) -> Seen:
        """What there is now. Raises nothing that is away."""
        tables = {owner: told for owner in OWNERS if (told := self._of(owner)) is not None}
        lags = [(lag, parked) for name in CONSUMERS if (found := self._consumer(name)) for lag, parked in [found]]
        queues, services, processes = self._running()
        if tables.get("filing") and "relay" not in services:
            services["relay"] = tables["filing"]["relay"]["led"]
        return Seen(
            at=self._now,
            embedded=self._settings.embedded,
            address=asking.address(self._settings),
            tables=tables,
            consumers=[lag for lag, _ in lags],
            parked_cases={lag.consumer: parked for lag, parked in lags},
            queues=queues,
            services=services,
            processes=processes,
            beating=heartbeat.beating_now(self._settings.data_dir),
            disk=_disk(self._settings),
            away=self._away,
            unmade=self._unmade,
            closed=self._closed,
        )

    def _of(self, owner: str) -> dict[str, Any] | None:
        with self._noting(f"{owner}'s tables"), self._opened(owner) as database:
            return _standing(owner)(database, self._now)
        return None

    def _consumer(self, name: str) -> tuple[Lag, int] | None:
        wanted = consumer(name)
        with (
            self._noting(f"{wanted.owner}'s tables"),
            self._opened(wanted.owner) as live,
            self._opened(wanted.log) as log,
        ):
            follower = wanted.follower(live, LogReader(log), SystemClock())
            return follower.lag(), len({event.stream for event in follower.parked()})
        return None

    def _running(self) -> tuple[dict[str, Depth | None] | None, dict[str, bool | None], dict[str, int]]:
        """Queues, services and their processes. An embedded hall is asked for them; its broker is inside it."""
        if self._settings.embedded:
            return asking.hall(self._settings)
        try:
            found = depths(self._settings.amqp_uri, [*(queue.name for queue in QUEUES), *asking.REQUEST_QUEUES])
        except BrokerAway as error:
            self._away["RabbitMQ"] = str(error)
            return None, dict.fromkeys(asking.ASKED) | asking.gateway(self._settings), {}
        services = asking.services(self._settings) | asking.gateway(self._settings)
        processes = {name: depth.consumers for queue, name in asking.REQUEST_QUEUES.items() if (depth := found[queue])}
        return {queue.name: found[queue.name] for queue in QUEUES}, services, processes

    @contextlib.contextmanager
    def _opened(self, owner: str) -> Iterator[Database]:
        database = open_existing(self._settings, owner)
        if database is None:
            raise NoTables(f"{owner} has no tables yet")
        try:
            if present(database) is None:
                raise NoTables(f"{owner} has no tables yet")
            yield database
        finally:
            database.close()

    @contextlib.contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        """Go on without what can't be looked at."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, DatabaseAway, OSError) as error:
            said = str(error).splitlines()[0]
            if lacks_rights(error) or isinstance(error, PermissionError):
                self._closed[what] = said
            else:
                self._away[what] = f"its disk is full, {said}" if is_full(error) else said
        except NoTables as why:
            self._unmade[what] = str(why)


def look(settings: Settings) -> Seen:
    """One look at everything."""
    return Look(settings).take()


def _standing(owner: str) -> Callable[[Database, datetime], dict[str, Any]]:
    if owner not in STANDING:
        return _relayed if owner == "catalog" else _sized
    module, _, attribute = STANDING[owner].partition(":")
    found: Callable[[Database, datetime], dict[str, Any]] = getattr(import_module(module), attribute)
    return found


def _relayed(database: Database, now: datetime) -> dict[str, Any]:
    return {**_sized(database, now), "relay": relayed(database).figures(now)}


def _sized(database: Database, _now: datetime) -> dict[str, Any]:
    return {"database_bytes": size_of(database)}


def _disk(settings: Settings) -> tuple[int, int] | None:
    try:
        usage = shutil.disk_usage(settings.data_dir)
    except OSError:
        return None
    return usage.free, usage.total
