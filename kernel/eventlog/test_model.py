"""Whatever is appended in whatever order, both databases answer as a model in a few lines of Python does."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings, strategies as st

from kernel.database import Database
from kernel.eventlog import (
    Append,
    Appended,
    Conflict,
    Duplicate,
    EventLog,
    NewEvent,
    Outcome,
    Reused,
    Sound,
    add_imported,
    create_log,
    drop_log,
    verify,
)
from kernel.eventlog.testing import operations, step

# Few names, so that they meet.
EVENTS = st.builds(
    step,
    st.sampled_from("abcdefgh"),
    type=st.sampled_from(["case.step", "case.step", "case.step", "case.approved"]),
    digest=st.sampled_from([None, None, "d"]),
)
REQUESTS = st.builds(
    lambda stream, version, events: Append(stream=stream, expected_version=version, events=tuple(events)),
    st.sampled_from("XYZ"),
    st.integers(0, 4),
    st.lists(EVENTS, min_size=1, max_size=3),
)
CALLS = st.lists(st.lists(REQUESTS, max_size=6), max_size=6)


@dataclass
class Model:
    """The rules of the log, over a list."""

    log: list[tuple[str, NewEvent]] = field(default_factory=list)

    def append(self, request: Append) -> Outcome:
        ids = [event.id for event in request.events]
        for number, event in enumerate(request.events):
            if event.id in ids[:number]:
                return Reused(event.source, event.id)
        at = {event.id: position for position, (_, event) in enumerate(self.log, 1)}
        for event in request.events:
            if event.id in at and not self._same(at[event.id], request.stream, event):
                return Reused(event.source, event.id)
        known = [at[id] for id in ids if id in at]
        if len(known) == len(ids):
            return Duplicate(min(known), max(known))
        version = sum(stream == request.stream for stream, _ in self.log)
        if known or version != request.expected_version:
            return Conflict(version)
        self.log += [(request.stream, event) for event in request.events]
        return Appended(len(self.log) - len(ids) + 1, len(self.log))

    def _same(self, position: int, stream: str, event: NewEvent) -> bool:
        there, written = self.log[position - 1]
        return (there, written.type, written.digest) == (stream, event.type, event.digest)


@given(calls=CALLS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_log_answers_as_the_model_does(
    calls: Sequence[Sequence[Append]], log: EventLog, database: Database
) -> None:
    with database.write() as tx:
        drop_log(operations(tx))
        create_log(operations(tx))
        add_imported(operations(tx))
    model = Model()
    for requests in calls:
        assert log.append_all(requests) == [model.append(request) for request in requests]
    assert [(event.stream, event.id, event.type) for event in log.read(0)] == [
        (stream, event.id, event.type) for stream, event in model.log
    ]
    assert verify(log) == Sound(log.head())
