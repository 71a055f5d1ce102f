"""Which events of a log are meant: of certain streams, organs, types.

A projection that is given a selection sees those alone, and its follower moves past the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from kernel.eventlog.events import Recorded
from kernel.eventlog.following import Projection


@dataclass(frozen=True, kw_only=True)
class Selection:
    """An event is meant if it is of one of the values of each member that has any."""

    streams: tuple[str, ...] = ()
    organs: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    def has(self, event: Recorded) -> bool:
        return (
            (not self.streams or event.stream in self.streams)
            and (not self.types or event.type in self.types)
            and (not self.organs or event.organ in self.organs)
        )

    def of(self, projection: Projection) -> Projection:
        """`projection`, seeing what is meant and no more."""
        return projection if self == EVERYTHING else _Selected(projection, self)


EVERYTHING = Selection()


class _Selected:
    def __init__(self, projection: Projection, selection: Selection) -> None:
        self.name = projection.name
        self._projection = projection
        self._selection = selection

    def apply(self, tx: sa.Connection, events: Sequence[Recorded]) -> None:
        meant = [event for event in events if self._selection.has(event)]
        if meant:
            self._projection.apply(tx, meant)
