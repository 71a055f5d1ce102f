"""Greenlets under the services: one call, made before anything else is imported.

All other code is plain blocking code, the same in threads (tests, command line) and in greenlets (services).
"""

import os
import warnings
from collections.abc import Callable
from typing import Any

# eventlet says at every start that it is in maintenance only. The decision and its way out are in docs/adr; that one
# sentence need not be in every log.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

_patched = False


def patch() -> None:
    """Make sockets, locks, threads and time of this process yield to its other greenlets. Harmless when repeated.

    psycopg waits through the patched selectors, so a slow query stops its own greenlet only.
    """
    global _patched
    if _patched:
        return
    _patched = True
    # Its C wait function would block the whole process; read by psycopg when it is first imported.
    os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
    import eventlet

    eventlet.monkey_patch()


def is_patched() -> bool:
    """Whether `patch` has been called in this process."""
    return _patched


def off_hub(function: Callable[..., Any], *args: Any) -> Any:
    """What `function(*args)` returns or raises. In a patched process it runs in a real thread: other greenlets go on.

    It must not use what is patched: no locks, sockets or threads.
    """
    if not _patched:
        return function(*args)
    from eventlet import tpool  # only where it is in use already: its import is slow and warns

    return tpool.execute(function, *args)
