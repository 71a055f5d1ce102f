"""The consumers of the case log, opened from outside their services: for rebuilding, and for what they set aside.

Safe while the services run: a consumer's checkpoint is one row that all take turns at.
"""

import contextlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Protocol, cast

from kernel.config import Settings
from kernel.eventlog.following import Follower

CONSUMERS = {
    "progress": "services.progress.bootstrap",
    "notify": "services.notify.bootstrap",
}


class Consumer(Protocol):
    """What a consuming service's `build(settings)` returns."""

    follower: Follower

    def rebuild(self) -> int:
        """Read the whole log again into tables emptied of what comes from it; the number of events."""
        ...

    def close(self) -> None: ...


@contextlib.contextmanager
def following(settings: Settings, name: str) -> Iterator[Consumer]:
    """The application of a consumer, closed at the end. Raises KeyError for a name that is none."""
    build: Any = import_module(CONSUMERS[name]).build
    consumer = cast(Consumer, build(settings))
    try:
        yield consumer
    finally:
        consumer.close()
