"""The state machines of what logs tell of: which event may follow in which state, by the events alone.

Reads the same tables that services decide by; decides nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kernel.contracts.lifecycle import TRANSITIONS as CASE
from kernel.eventlog.events import Recorded
from services.appointment.domain.booking import TRANSITIONS as BOOKING
from services.appointment.domain.tickets import TRANSITIONS as TICKET

Machine = Mapping[str, Mapping[str, str]]


def _machine(transitions: Mapping[object, Mapping[type, object]]) -> Machine:
    return {
        str(state): {fact.TYPE: str(after) for fact, after in facts.items()}  # type: ignore[attr-defined]
        for state, facts in transitions.items()
    }


# By the type that a life begins with. A stream that begins otherwise is of something without a machine.
MACHINES: Mapping[str, Machine] = {
    begins: machine
    for machine in (_machine(CASE), _machine(BOOKING), _machine(TICKET))  # type: ignore[arg-type]
    for begins in machine["new"]
}

# States that nothing but an afterthought (a rating, an appeal) follows.
ENDED = frozenset({"concluded", "served", "cancelled", "no_show", "finished", "missed", "closed"})


@dataclass(frozen=True)
class Step:
    """An event with the state after it (None: of no machine), and what is wrong with it, if anything."""

    event: Recorded
    state: str | None
    fault: str | None


def steps(events: Iterable[Recorded]) -> Iterator[Step]:
    """The life of one stream, in order. After a fault, the state is what it was."""
    machine, state, version = None, "new", 0
    for event in events:
        if version == 0:
            machine = MACHINES.get(event.type)
        fault = None
        if event.stream_version != version + 1:
            fault = f"version {event.stream_version} follows version {version}"
        version = event.stream_version
        if machine is not None:
            after = machine.get(state, {}).get(event.type)
            if after is None:
                fault = fault or f"{event.type} is not allowed in state {state}"
            state = after or state
        yield Step(event, state if machine is not None else None, fault)


def ended_before(events: Sequence[Recorded], time: datetime) -> bool:
    """Whether this life had come to its end before `time`, by when its events were recorded."""
    if not events or events[0].type not in MACHINES:
        return False
    life = list(steps(events))
    first = next((step for step in life if step.state in ENDED), None)
    return first is not None and first.event.recorded_at < time and life[-1].state in ENDED
