"""Waiting for something to become true, with a deadline.

Never a fixed sleep: a test is as fast as what it waits for, and its failure says what was last seen.
"""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


def eventually(check: Callable[[], Seen], timeout: float = 10, every: float = 0.02) -> Seen:
    """Call `check` until it returns something true and return that. An AssertionError in it counts as not yet.

    After `timeout` seconds raises the last AssertionError, or one that shows what `check` last returned.
    """
    deadline = time.monotonic() + timeout
    while True:
        failed: AssertionError | None = None
        seen: Seen | None = None
        try:
            seen = check()
        except AssertionError as error:
            failed = error
        if failed is None and seen:
            return seen
        if time.monotonic() >= deadline:
            raise failed or AssertionError(f"not within {timeout} s; last seen: {seen!r}")
        time.sleep(every)
