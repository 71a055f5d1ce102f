"""The append-only log of a publisher: gapless, in commit order, chained, each event once.

Never rewrites what was written: corrections are further events.
"""

from kernel.eventlog.appending import EventLog
from kernel.eventlog.events import (
    GENESIS,
    Append,
    Appended,
    Conflict,
    Duplicate,
    EventIdReused,
    Head,
    NewEvent,
    Outcome,
    Recorded,
    Reused,
    VersionConflict,
    publish_form,
    read_published,
)
from kernel.eventlog.following import Follower, LogDamaged, Projection, create_follower_tables
from kernel.eventlog.parking import Lag, ParkedEvent
from kernel.eventlog.reading import LogReader
from kernel.eventlog.skipping import create_skipped_table
from kernel.eventlog.tables import add_imported, create_log, drop_log, grant_append, grant_read
from kernel.eventlog.verifying import START, Broken, Sound, verify

__all__ = [
    "GENESIS",
    "START",
    "Append",
    "Appended",
    "Broken",
    "Conflict",
    "Duplicate",
    "EventIdReused",
    "EventLog",
    "Follower",
    "Head",
    "Lag",
    "LogDamaged",
    "LogReader",
    "NewEvent",
    "Outcome",
    "ParkedEvent",
    "Projection",
    "Recorded",
    "Reused",
    "Sound",
    "VersionConflict",
    "add_imported",
    "create_follower_tables",
    "create_log",
    "create_skipped_table",
    "drop_log",
    "grant_append",
    "grant_read",
    "publish_form",
    "read_published",
    "verify",
]
