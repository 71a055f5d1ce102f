"""The consumers of the logs, opened from outside their services: to rebuild them, and to see what they set aside.

Safe while the services run: a consumer's checkpoint is one row that all take turns at.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from kernel.clock import Clock, SystemClock
from kernel.config import Settings
from kernel.database import Database
from kernel.eventlog.consumers import Consumer
from kernel.eventlog.following import Follower
from kernel.eventlog.reading import LogReader
from operations.holding import private_files
from operations.opening import opened

LOGS = ("filing", "appointment", "catalog")  # by their owners; the case log comes first

CONSUMERS = {
    "progress": "services.progress.bootstrap:CONSUMER",
    "notify": "services.notify.bootstrap:CASES",
    "notify-visits": "services.notify.bootstrap:VISITS",
    "catalog": "services.catalog.bootstrap:CONSUMER",
    "statistics": "services.appointment.bootstrap:CONSUMER",
}


@dataclass(frozen=True)
class Following:
    """A consumer with its tables and the log that it follows."""

    consumer: Consumer
    live: Database
    log: Database
    clock: Clock

    @property
    def reader(self) -> LogReader:
        return LogReader(self.log)

    @property
    def follower(self) -> Follower:
        return self.consumer.follower(self.live, self.reader, self.clock)


def consumer(name: str) -> Consumer:
    """What the consumer is made of. Raises KeyError for a name that is none."""
    module, _, attribute = CONSUMERS[name].partition(":")
    found: Any = getattr(import_module(module), attribute)
    return cast(Consumer, found)


def of_log(owner: str) -> list[str]:
    """The names of those that follow this owner's log."""
    return [name for name in CONSUMERS if consumer(name).log == owner]


@contextlib.contextmanager
def following(settings: Settings, name: str) -> Iterator[Following]:
    """A consumer's databases; closed at the end.

    Raises KeyError for a name that is none, NoTables, or OtherTables.
    """
    wanted = consumer(name)
    with opened(settings, wanted.owner) as live, opened(settings, wanted.log) as log, private_files():
        yield Following(wanted, live, log, SystemClock())
