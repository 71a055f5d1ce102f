"""Many things that are to be done, each by itself: one that cannot be done keeps nobody else waiting.

What fails is told each time and tried again the next: operators see by its timer that it is late.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from kernel import logs
from kernel.database import is_away

log = logs.get(__name__)

_T = TypeVar("_T")


class Went(NamedTuple):
    """How much came of all of them, and how many failed."""

    done: int
    failed: int


def one_by_one(what: str, things: Iterable[_T], do: Callable[[_T], int]) -> Went:
    """Raises what the database raises when it is away: then none could be done."""
    done = [_done(what, one, do) for one in things]
    return Went(sum(count or 0 for count in done), done.count(None))


def _done(what: str, one: _T, do: Callable[[_T], int]) -> int | None:
    try:
        return do(one)
    except Exception as error:  # whatever it is, it is the trouble of this one alone
        if is_away(error):
            raise
        log.exception("left for the next time", what=what, which=str(one))
        return None
