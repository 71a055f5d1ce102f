"""What operators did by hand, on a log of its own: who, when, to what, why, and how it ended.

Written before anything is done and again when it is: what was broken off stands there without an end.
"""

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kernel.clock import Clock, SystemClock, format_time
from kernel.config import Settings
from kernel.database import migrate, open_database
from kernel.eventlog import Append, EventLog, NewEvent, VersionConflict
from kernel.ids import new_id
from operations.holding import private_files

OWNER = "desk"
SOURCE = "/desk"
MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass
class Act:
    """One thing done by hand. `outcome` is filled in by who does it."""

    id: str
    outcome: dict[str, Any] = field(default_factory=dict)


def operator() -> str:
    """Who types, as the machine knows them; through sudo, the one behind it."""
    try:
        user = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


@contextmanager
def audited(
    settings: Settings, act: str, target: str, *, why: str = "", by: str | None = None, **details: Any
) -> Iterator[Act]:
    """Note that `act` is about to be done to `target`, and how it ended. Nothing is done that can't be noted."""
    clock = SystemClock()
    database = open_database(settings, OWNER)
    try:
        with private_files():
            migrate(database, MIGRATIONS)
        log, one = EventLog(database, clock), Act(new_id())
        told = {"act": act, "by": by or operator(), "why": why, **details}
        _note(log, clock, target, "desk.asked", {"id": one.id, **told})
        try:
            yield one
        except BaseException as error:  # also Ctrl-C: what was broken off is noted as such
            failed = {"failed": str(error) or type(error).__name__}
            _note(log, clock, target, "desk.failed", {"id": one.id, **told, **failed})
            raise
        _note(log, clock, target, "desk.done", {"id": one.id, **told, "outcome": one.outcome})
    finally:
        database.close()


def _note(log: EventLog, clock: Clock, target: str, type_: str, data: dict[str, Any]) -> None:
    now = clock.now()
    event = NewEvent(
        id=new_id(),
        source=SOURCE,
        type=type_,
        version=1,
        time=now,
        data={"occurred_at": format_time(now), **data},
        organ=OWNER,
    )
    version = 0
    while True:
        try:
            log.append(Append(stream=target, expected_version=version, events=(event,)))
        except VersionConflict as conflict:  # somebody else did something to it: behind that
            version = conflict.version
        else:
            return
