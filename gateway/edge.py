"""What the gateway keeps between requests: who tokens belong to, and wrong guesses of query codes. Nothing lasting."""

from typing import Any

from nameko.extensions import DependencyProvider

from gateway.auth import Tokens
from gateway.limits import Guesses


class Edge:
    """This process's memory. Another gateway beside it has its own."""

    def __init__(self) -> None:
        self.tokens = Tokens()
        self.guesses = Guesses()


class EdgeProvider(DependencyProvider):  # type: ignore[misc]
    """`edge = EdgeProvider()` on the gateway: `self.edge`, the same for every request."""

    edge: Edge

    def setup(self) -> None:
        self.edge = Edge()

    def get_dependency(self, worker_ctx: Any) -> Edge:
        return self.edge
