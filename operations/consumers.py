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
    "progress": "services.progress.bootstrap:build",
    "notify": "services.notify.bootstrap:build",
    "catalog": "services.catalog.bootstrap:open_catalog",
}


class Consumer(Protocol):
    """What opens a consuming service returns."""

    follower: Follower

    def rebuild(self) -> int:
        """Read the whole log again into tables emptied of what comes from it; the number of events."""
        ...

    def close(self) -> None: ...


@contextlib.contextmanager
def following(settings: Settings, name: str) -> Iterator[Consumer]:
    """The application of a consumer, closed at the end. Raises KeyError for a name that is none."""
    module, _, function = CONSUMERS[name].partition(":")
    build: Any = getattr(import_module(module), function)
    consumer = cast(Consumer, build(settings))
    try:
        yield consumer
    finally:
        consumer.close()
