"""When a message that could not be sent is tried again. Pure.

Seven retries from 25 seconds to a day, each about four times as long after the last: the first mend a hiccup, the last
an outage of a day. The figures are those that Open Notificaties publishes as its delivery guarantee.
"""

from collections.abc import Sequence
from datetime import timedelta

RETRIES: tuple[timedelta, ...] = tuple(
    timedelta(seconds=seconds) for seconds in (25, 100, 400, 1_500, 6_000, 23_000, 86_400)
)


def wait_after(attempts: int, retries: Sequence[timedelta] = RETRIES) -> timedelta | None:
    """How long to wait after so many attempts (1: the first has failed). None: there is no further one."""
    return retries[attempts - 1] if attempts <= len(retries) else None
