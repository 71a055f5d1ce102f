"""What the gateway knows about one route: who may use it, what it takes, who answers it and with what.

Serves nothing itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import marshmallow as ma

from gateway import limits
from gateway.auth import Access
from kernel.contracts.filing import MaterialFile

JSON = ("application/json",)
HTML = "text/html"
PRIVATE = "no-store"
SHARED = "public, max-age=30"


@dataclass(frozen=True, kw_only=True)
class Route:
    """One route. Path parameters are named as in the request of the service that answers."""

    name: str  # of the method of GatewayService; without one, the service is asked and no more
    method: str
    path: str
    summary: str
    access: Access
    tag: str
    service: str = ""  # who answers; empty: the gateway itself
    rpc: str = ""
    request: type[ma.Schema] | None = None  # of the RPC
    query: ma.Schema | None = None
    body: type[ma.Schema] | None = None
    types: tuple[str, ...] = JSON  # of the body
    answer: ma.Schema | None = None
    status: int = 200
    limit: int = limits.JSON  # bytes of body
    cache: str = PRIVATE
    life: float | None = None  # seconds that the gateway keeps a shared answer; None: until the catalogue changes
    pace: limits.Pace | None = None  # how often it may be asked
    serves: str = "application/json"
    events: ma.Schema | None = None  # what follows the answer where server-sent events are accepted
    others: Mapping[int, str] = field(default_factory=dict)  # further statuses worth telling

    @cached_property
    def rule(self) -> str:
        """The path as werkzeug writes it."""
        return self.path.replace("{", "<").replace("}", ">")

    @cached_property
    def asks(self) -> frozenset[str]:
        """Names of the members of the RPC's request."""
        return frozenset(self.request._declared_fields) if self.request else frozenset()

    @cached_property
    def takes(self) -> frozenset[str]:
        """Names of the members of the body."""
        return frozenset(self.body._declared_fields) if self.body else frozenset()

    @cached_property
    def checker(self) -> ma.Schema:
        """What the body is held against. Raises TypeError for a route without one."""
        if self.body is None:
            raise TypeError(f"{self.name} takes no body")
        return self.body()

    @property
    def shared(self) -> bool:
        """Whether a service's answer is the same for everybody, and kept by the gateway."""
        return self.cache == SHARED and self.service != ""

    @property
    def unsafe(self) -> bool:
        """Whether it changes something."""
        return self.method not in ("GET", "HEAD")

    @property
    def takes_key(self) -> bool:
        """Whether an Idempotency-Key counts here. Elsewhere it is let pass: such requests repeat safely by nature."""
        return "idempotency_key" in self.asks

    @property
    def takes_file(self) -> bool:
        """Whether the body may be a file itself instead of JSON."""
        return self.body is MaterialFile
