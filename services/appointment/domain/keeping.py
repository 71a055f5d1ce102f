"""How long what tells of a person is kept: no longer than it is needed (个人信息保护法 19). Pure.

Days are counted from the end of what it is about; what is not over is kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from services.appointment.domain.rules import HallRule

_HOLDS = timedelta(days=7)  # ended without a booking: as long as a request can be repeated
_ENTRIES = timedelta(days=30)  # on a waiting list, after its last day: people look what came of it
_VISITS = timedelta(days=90)  # kept or cancelled: no limit counts longer than a month, and people ask about a visit
_BLOCKS = timedelta(days=60)  # over, with the appeals against it: a review can be asked for (行政复议法 20)
_TICKETS = timedelta(days=0)  # who had which number, and why ahead, matters on its day alone


@dataclass(frozen=True)
class Stale:
    """Rows of a kind that are from before a day, and tell of a person no more. `halls`: of these alone."""

    kind: str
    kept: timedelta
    before: date
    halls: tuple[str, ...] = ()


def stale(rules: Mapping[str, HallRule], today: date) -> Iterator[Stale]:
    """All that may have to be forgotten. `rules`: of all halls.

    In an order in which what refers to something goes before it.
    """
    for kind, kept in (
        ("entries", _ENTRIES),
        ("holds", _HOLDS),
        ("appeals", _BLOCKS),
        ("blocks", _BLOCKS),
        ("visits", _VISITS),
        ("tickets", _TICKETS),
    ):
        yield Stale(kind, kept, today - kept)
    lengths = {hall: _missed(rule) for hall, rule in rules.items()}
    for kept in sorted(set(lengths.values())):
        halls = tuple(sorted(hall for hall, length in lengths.items() if length == kept))
        yield Stale("missed", kept, today - kept, halls)


def _missed(rule: HallRule) -> timedelta:
    """Another visit missed may make it count once more, and the block that follows may be appealed against."""
    return timedelta(days=rule.no_show_days + rule.blocked_days + 1)
