"""Halls as the catalogue has them, taken over whenever it changes. Asks; decides nothing.

What was missed is made good: whoever starts, or could not ask, asks again until it has the latest version.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from services.appointment.application.planning import Planning

PAGE = 50  # halls that are asked for at once

Ask = Callable[[Mapping[str, Any]], dict[str, Any]]  # `kernel.contracts.catalog.BookableHallsAsked` → BookableHalls


class Adopting:
    """One for a process; any number of processes may adopt the same halls at once."""

    def __init__(self, planning: Planning) -> None:
        self._planning = planning
        self._heard, self._adopted = 1, 0  # how often there was news, and up to which it is taken over

    def heard(self) -> None:
        """The catalogue has changed, or may have."""
        self._heard += 1

    def turn(self, ask: Ask) -> bool:
        """Take the halls over if there is news; whether there was. Raises what `ask` raises, and asks again later."""
        heard = self._heard  # before it is asked: what changes meanwhile is news again
        if heard == self._adopted:
            return False
        self._planning.adopt(list(_halls(ask)))
        self._adopted = heard
        return True


def _halls(ask: Ask) -> Iterator[dict[str, Any]]:
    page, version = 1, None
    while True:
        answer = ask({"page": page, "page_size": PAGE})
        if version not in (None, answer["as_of"]):
            raise CatalogueMoved
        version = answer["as_of"]
        yield from answer["items"]
        if page * PAGE >= answer["total"]:
            return
        page += 1


class CatalogueMoved(Exception):
    """The catalogue changed between two pages of it; the next turn reads it anew."""
