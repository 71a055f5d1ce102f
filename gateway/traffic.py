"""What every request leaves behind: a line in the log and figures for Prometheus. Never a code, a name or an address.

Figures are this process's own.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from kernel import logs, tracing

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

_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])


def trace_of(environ: Mapping[str, Any]) -> str | None:
    """The `traceparent` (W3C Trace Context) that a request came with; None where it has none that can be read."""
    return tracing.read(environ.get("HTTP_TRACEPARENT"))


def record(route: str, method: str, status: int, seconds: float) -> None:
    """Count a request and log it. `route` is the path as the table has it, so without serials and codes."""
    method = known(method)
    _counter(route, method, status).inc()
    _histogram(route).observe(seconds)
    log.info("request", route=route, method=method, status=status, ms=round(seconds * 1000, 1))


def known(method: str) -> str:
    """The method, or OTHER: whatever a stranger calls a method must not become a label."""
    return method if method in _METHODS else "OTHER"


# Looking labels up costs more than counting: the routes, methods and statuses are few, so the counters are kept.
@cache
def _counter(route: str, method: str, status: int) -> Any:
    return REQUESTS.labels(route, method, str(status))


@cache
def _histogram(route: str) -> Any:
    return SECONDS.labels(route)
