"""Whether the log, progress and the messages tell the same story. Reads all three; works everything out anew.

Deliberately apart from the services' own code: it knows the published table of states and which steps are told.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import orjson
import sqlalchemy as sa

from kernel.config import Settings
from kernel.contracts.case import FACTS
from kernel.contracts.lifecycle import TRANSITIONS, State
from kernel.database import open_database
from kernel.eventlog import LogReader, Recorded, Sound, verify

# Steps inside a department, and what the applicant said, are not told to the applicant.
SILENT = {"case.step", "case.rated"}


def disagreements(settings: Settings) -> list[str]:
    """What doesn't fit, a line each; empty when all agree."""
    filing = open_database(settings, "filing")
    try:
        reader = LogReader(filing)
        sound = verify(reader)
        events = _all(reader)
    finally:
        filing.close()
    found = [] if isinstance(sound, Sound) else [f"the log is broken: {sound}"]
    found += _gaps(events)
    found += _differences("state in progress", _states(events), _progress_states(settings))
    found += _differences("timeline in progress", _timelines(events), _progress_timelines(settings))
    found += _differences("messages", _told(events), _messages(settings))
    found += _differences("outbox", _told_by_serial(events), _outbox(settings.data_dir))
    return found


def _all(reader: LogReader) -> list[Recorded]:
    events: list[Recorded] = []
    while page := reader.read(events[-1].position if events else 0, 5000):
        events += page
    return events


def _gaps(events: list[Recorded]) -> list[str]:
    positions = [event.position for event in events]
    return [] if positions == list(range(1, len(events) + 1)) else ["the log's positions have gaps"]


def _states(events: list[Recorded]) -> dict[str, str]:
    states: dict[str, State] = {}
    for event in events:
        before = states.get(event.stream, State.NEW)
        states[event.stream] = TRANSITIONS[before][FACTS[event.type]]
    return {serial: state.value for serial, state in states.items()}


def _timelines(events: list[Recorded]) -> dict[tuple[str, int], str]:
    return {(event.stream, event.stream_version): f"{event.position} {event.type}" for event in events}


def _told(events: list[Recorded]) -> Mapping[str, int]:
    return Counter(f"{event.stream} {event.position}" for event in events if event.type not in SILENT)


def _told_by_serial(events: list[Recorded]) -> Mapping[str, int]:
    return Counter(event.stream for event in events if event.type not in SILENT)


def _rows(settings: Settings, owner: str, query: str) -> list[sa.Row[tuple[object, ...]]]:
    database = open_database(settings, owner)
    try:
        with database.read() as connection:
            return list(connection.execute(sa.text(query)))
    finally:
        database.close()


def _progress_states(settings: Settings) -> dict[str, str]:
    return {row[0]: row[1] for row in _rows(settings, "progress", "SELECT serial, state FROM case_progress")}


def _progress_timelines(settings: Settings) -> dict[tuple[str, int], str]:
    query = "SELECT serial, stream_version, position, type FROM case_step"
    return {(row[0], row[1]): f"{row[2]} {row[3]}" for row in _rows(settings, "progress", query)}


def _messages(settings: Settings) -> Mapping[str, int]:
    query = "SELECT serial, position FROM message WHERE state = 'delivered' AND log = 'filing'"
    return Counter(f"{row[0]} {row[1]}" for row in _rows(settings, "notify", query))


def _outbox(data_dir: Path) -> Mapping[str, int]:
    written = [orjson.loads(path.read_bytes()) for path in (data_dir / "outbox").glob("*.json")]
    return Counter(message["serial"] for message in written if message["type"].startswith("case."))


def _differences(what: str, expected: Mapping[object, object], found: Mapping[object, object]) -> list[str]:
    keys = sorted(set(expected) | set(found), key=str)
    wrong = [key for key in keys if expected.get(key) != found.get(key)]
    if not wrong:
        return []
    first = wrong[0]
    return [f"{what}: {len(wrong)} of {len(keys)} differ, first {first}: {expected.get(first)} ≠ {found.get(first)}"]
