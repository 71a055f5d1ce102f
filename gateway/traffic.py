"""What every request leaves behind: a line in the log and figures for Prometheus. Never a code, a name or an address.

Figures are this process's own.
"""

import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from kernel import logs

log = logs.get(__name__)

REGISTRY = CollectorRegistry()
REQUESTS = Counter("yichuang_http_requests", "Requests answered.", ["route", "method", "status"], registry=REGISTRY)
SECONDS = Histogram(
    "yichuang_http_seconds",
    "From a request's header to its answer.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])


def trace_of(environ: Mapping[str, Any]) -> tuple[str, str]:
    """The request's id (32 hex digits) and the `traceparent` (W3C Trace Context) to pass on: its own, or a new one."""
    came = _TRACEPARENT.fullmatch(environ.get("HTTP_TRACEPARENT", ""))
    fresh = os.urandom(24).hex()
    request_id = came.group(1) if came and came.group(1).strip("0") else fresh[:32]
    return request_id, f"00-{request_id}-{fresh[32:]}-{came.group(3) if came else '01'}"


def record(route: str, method: str, status: int, seconds: float, request_id: str) -> None:
    """Count a request and log it. `route` is the path as the table has it, so without serials and codes."""
    if method not in _METHODS:  # whatever a stranger calls a method must not become a label
        method = "OTHER"
    _counter(route, method, status).inc()
    _histogram(route).observe(seconds)
    log.info("request", route=route, method=method, status=status, ms=round(seconds * 1000, 1), request_id=request_id)


# Looking labels up costs more than counting: the routes, methods and statuses are few, so the counters are kept.
@cache
def _counter(route: str, method: str, status: int) -> Any:
    return REQUESTS.labels(route, method, str(status))


@cache
def _histogram(route: str) -> Any:
    return SECONDS.labels(route)
