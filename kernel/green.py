"""Greenlets under the services: one call, made before anything else is imported.

All other code is plain blocking code, the same in threads (tests, command line) and in greenlets (services).
"""

import os
import warnings
from collections.abc import Callable
from functools import partial
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
    # eventlet's own look-up of names knows less than the system's, and is a quarter of a service's time to start.
    os.environ["EVENTLET_NO_GREENDNS"] = "yes"
    import eventlet

    eventlet.monkey_patch()
    _look_names_up_off_hub()


def is_patched() -> bool:
    """Whether `patch` has been called in this process."""
    return _patched


def _look_names_up_off_hub() -> None:
    import socket

    from eventlet.green import socket as green_socket

    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_at_hand(host):
            return look_up(host, *args, **kwargs)
        return off_hub(partial(look_up, host, *args, **kwargs))

    socket.getaddrinfo = green_socket.getaddrinfo = getaddrinfo


def _is_at_hand(host: Any) -> bool:
    """Whether nobody need be asked about it: an address, or this machine."""
    text = host if isinstance(host, str) else "localhost" if host is None else ""
    return text == "localhost" or ":" in text or text.replace(".", "").isdigit()


def off_hub(function: Callable[..., Any], *args: Any) -> Any:
    """What `function(*args)` returns or raises. In a patched process it runs in a real thread: other greenlets go on.

    It must not use what is patched: no locks, sockets or threads.
    """
    if not _patched:
        return function(*args)
    from eventlet import tpool  # only where it is in use already: its import is slow and warns

    return tpool.execute(function, *args)
