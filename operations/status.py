"""How far everybody is behind the logs: the relays and each consumer, read from their tables.

Asks no service, so it also answers when none runs.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from kernel.config import Settings
from kernel.eventlog.parking import Lag
from kernel.messaging.relay import standing
from operations.consumers import CONSUMERS, LOGS, following
from operations.opening import opened


@dataclass(frozen=True, kw_only=True)
class Relayed:
    """`position`: the last event that the broker confirmed. `leads_until`: when its leader's lease ends."""

    position: int
    leads_until: datetime


@dataclass(frozen=True, kw_only=True)
class LogStatus:
    """Positions on one log."""

    head: int
    relay: Relayed


@dataclass(frozen=True, kw_only=True)
class Status:
    """The logs by their owners, and the consumers, each with its place on the log that it follows."""

    logs: dict[str, LogStatus]
    consumers: list[Lag]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        logs = [line for owner, one in self.logs.items() for line in _lines(owner, one)]
        return "\n".join([*logs, *map(_line, self.consumers)])


def status(settings: Settings) -> Status:
    """Read it all. Raises what `is_away` tells."""
    lags = []
    for name in CONSUMERS:
        with following(settings, name) as one:
            lags.append(one.follower.lag())
    return Status(logs={owner: _log_status(settings, owner) for owner in LOGS}, consumers=lags)


def _log_status(settings: Settings, owner: str) -> LogStatus:
    with opened(settings, owner) as database:
        found = standing(database)
    return LogStatus(head=found.head, relay=Relayed(position=found.position, leads_until=found.leads_until))


def _lines(owner: str, one: LogStatus) -> list[str]:
    return [
        f"{owner + ' log':<17} {one.head:>8}",
        f"{owner + ' relay':<17} {one.relay.position:>8}  leads until {one.relay.leads_until}",
    ]


def _line(lag: Lag) -> str:
    oldest = f"oldest event it lacks is of {lag.oldest_unprocessed}" if lag.oldest_unprocessed else "lacks nothing"
    return f"{lag.consumer:<17} {lag.checkpoint:>8}  {oldest}; {lag.parked} parked"
