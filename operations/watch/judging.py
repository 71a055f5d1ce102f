"""Says of everything that was seen whether it is well, and what to type where it is not. Pure.

The limits are those of the alerts (deploy/prometheus/alerts.yml); a test holds them together.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from kernel.contracts.standing import TIMERS
from kernel.messaging.topology import REJECTED
from operations.watch.looking import Seen

BEHIND = 30.0  # seconds that a consumer or a relay may be behind its log
UNSENT = 600.0  # seconds that a message may wait for a provider
# Seconds that what is due may wait: some is looked at every ten minutes only. The others:
LATE = {"missed_visits": 1800.0, "tickets_left": 1800.0, "personal_data": 1800.0, "messages": 900.0}
LATE_OTHERWISE = 300.0
FAILING = 5  # failures of a provider, one after the other
ROOM, LITTLE_ROOM = 0.2, 0.1  # of the disk


class Level(StrEnum):
    WELL = "well"
    LOOK = "look"  # it may mend itself: look again in a minute
    ACT = "act"


@dataclass(frozen=True)
class Line:
    """One thing. `do`: what to type, where it is not well."""

    part: str
    name: str
    level: Level
    says: str
    do: str = ""
    figures: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def judge(seen: Seen) -> list[Line]:
    """A line for each thing, in the order in which one looks."""
    parts = (_away, _services, _queues, _consumers, _relays, _timers, _messages, _providers, _cases, _disk)
    return [line for part in parts for line in part(seen)]


def worst(lines: list[Line]) -> Level:
    """Of all of them."""
    levels = {line.level for line in lines}
    return next((level for level in (Level.ACT, Level.LOOK) if level in levels), Level.WELL)


def _away(seen: Seen) -> Iterator[Line]:
    for what, why in seen.away.items():
        yield Line("away", what, Level.ACT, f"can't be reached: {why}", "yichuang status --watch")
    for what, why in seen.unmade.items():
        yield Line("away", what, Level.ACT, why, "yichuang migrate")
    for what, why in seen.closed.items():
        yield Line("away", what, Level.ACT, f"we have no right to look at them: {why}", "it as the hall's own user")


def _services(seen: Seen) -> Iterator[Line]:
    for name, up in sorted(seen.services.items()):
        processes = seen.processes.get(name)
        figures = {"up": up, "processes": processes, "here": _lives(seen, name)}
        if up is None:
            yield Line("services", name, Level.LOOK, "not known while RabbitMQ is away", "", figures)
        elif up:
            many = f", {processes} process{'es' * (processes > 1)}" if processes else ""
            yield Line("services", name, Level.WELL, f"up{many}", "", figures)
        else:
            yield Line("services", name, *_silent(seen, name), figures)


def _silent(seen: Seen, name: str) -> tuple[Level, str, str]:
    """A hall that lives and is asked on another port than its own is not down, and must not be started again."""
    if name == "gateway":
        if _lives(seen, name):
            says = f"lives, and does not answer on {seen.address}: has the hall another PORT?"
            return Level.ACT, says, "PORT=... yichuang status"
        return Level.ACT, f"does not answer on {seen.address}", _start(seen, name)
    if seen.embedded and not seen.services.get("gateway") and _lives(seen, name):
        return Level.LOOK, "lives; how it is, only the gateway could say", ""
    return Level.ACT, "does not answer", _start(seen, name)


def _lives(seen: Seen, name: str) -> bool:
    """Whether it gave signs of life on this machine."""
    return name in seen.beating or "all" in seen.beating


def _start(seen: Seen, name: str) -> str:
    return "yichuang run" if seen.embedded else f"yichuang healthy {name}"


def _queues(seen: Seen) -> Iterator[Line]:
    if seen.queues is None:
        yield Line("queues", "all", Level.LOOK, "not known: their broker does not answer", "yichuang status --watch")
        return
    for name, depth in seen.queues.items():
        if depth is None:
            yield Line("queues", name, Level.ACT, "is not there: nobody has declared it", "yichuang status --watch")
            continue
        figures = {"messages": depth.messages, "consumers": depth.consumers}
        says = f"{depth.messages} waiting, {depth.consumers} consumers"
        if name == REJECTED:
            level = Level.ACT if depth.messages else Level.WELL
            yield Line("queues", name, level, f"{depth.messages} dead letters", "yichuang dead-letters list", figures)
        else:
            level = Level.WELL if depth.consumers else Level.ACT
            yield Line("queues", name, level, says, f"yichuang healthy {name.partition('.')[0]}", figures)


def _consumers(seen: Seen) -> Iterator[Line]:
    for lag in seen.consumers:
        figures = lag.figures(seen.at)
        age = figures["oldest_unprocessed_seconds"]
        says = f"at {lag.checkpoint} of {lag.head}" + (f"; the oldest it lacks is {span(age)} old" if age else "")
        yield Line("consumers", lag.consumer, _limit(age, BEHIND), says, "yichuang log status", figures)


def _relays(seen: Seen) -> Iterator[Line]:
    for owner, told in seen.tables.items():
        relay = told.get("relay")
        if relay is None:
            continue
        age = relay["oldest_unpublished_seconds"]
        says = f"at {relay['position']} of {relay['head']}" + (f"; {span(age)} behind" if age else "")
        level = _limit(age, BEHIND)
        if not relay["led"]:
            level, says = max(level, Level.LOOK, key=list(Level).index), f"{says}; nobody leads"
        service = "relay" if owner == "filing" else owner
        yield Line("relays", owner, level, says, f"yichuang healthy {service}", relay)


def _timers(seen: Seen) -> Iterator[Line]:
    for name, owner in TIMERS.items():
        timer = seen.tables.get(owner, {}).get("timers", {}).get(name)
        if timer is None:
            continue
        age = timer["oldest_due_seconds"]
        says = f"{timer['due']} due, the first for {span(age)}" if timer["due"] else "nothing is late"
        level = _limit(age, LATE.get(name, LATE_OTHERWISE), look=60.0)
        yield Line("timers", name, level, says, f"yichuang healthy {owner}", timer)


def _messages(seen: Seen) -> Iterator[Line]:
    told = seen.tables.get("notify")
    if told is None:
        return
    age, counts = told["oldest_unsent_seconds"], told["messages"]
    figures = {"oldest_unsent_seconds": age, **counts}
    says = ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "none waits"
    says += f"; the oldest unsent is {span(age)} old" if age else ""
    yield Line("messages", "unsent", _limit(age, UNSENT, look=60.0), says, _LIST, figures)


_LIST = "yichuang messages list --state failed_for_now"


def _providers(seen: Seen) -> Iterator[Line]:
    for one in seen.tables.get("notify", {}).get("providers", []):
        running, accepted = one["failures_running"], one["accepted_seconds"]
        last = "has taken nothing yet" if accepted is None else f"took its last message {span(accepted)} ago"
        says = f"{last}, {one['failed']} failures" + (f"; {running} running: {one['reason']}" if running else "")
        level = Level.ACT if running >= FAILING else Level.LOOK if running else Level.WELL
        yield Line("providers", one["provider"], level, says, _LIST, one)


def _cases(seen: Seen) -> Iterator[Line]:
    for consumer, count in seen.parked_cases.items():
        says = f"{count} parked" if count else "none parked"
        level = Level.ACT if count else Level.WELL
        yield Line("parked cases", consumer, level, says, "yichuang parked list", {"cases": count})
    filing = seen.tables.get("filing")
    if filing is None:
        return
    for name, level in (("waiting_events", Level.LOOK), ("unsent_replies", Level.LOOK)):
        count = filing[name]
        do = "yichuang healthy filing"
        yield Line("filing", name, level if count else Level.WELL, str(count), do, {name: count})


def _disk(seen: Seen) -> Iterator[Line]:
    for owner, told in seen.tables.items():
        figures = {"database_bytes": told["database_bytes"]}
        yield Line("disk", f"{owner}'s tables", Level.WELL, size(told["database_bytes"]), "", figures)
    if seen.disk is None:
        return
    free, total = seen.disk
    level = Level.ACT if free < LITTLE_ROOM * total else Level.LOOK if free < ROOM * total else Level.WELL
    says = f"{size(free)} of {size(total)} free"
    yield Line("disk", "DATA_DIR", level, says, 'df -h "$DATA_DIR"', {"free_bytes": free, "size_bytes": total})


def _limit(age: float, most: float, look: float = 5.0) -> Level:
    return Level.ACT if age > most else Level.LOOK if age > look else Level.WELL


def span(seconds: float) -> str:
    """In words, to the unit that matters."""
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def size(count: float) -> str:
    """Bytes in words."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
