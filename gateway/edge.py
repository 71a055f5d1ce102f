"""What the gateway keeps between requests: who tokens belong to, wrong guesses, pages. Nothing lasting."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from nameko.extensions import DependencyProvider

from gateway.auth import Tokens
from gateway.cache import Cache
from gateway.call import Call
from gateway.displays import Displays
from gateway.limits import Guesses, Paces
from kernel.config import Settings
from kernel.contracts.catalog_facts import CatalogChanged, load_changed
from kernel.eventlog.events import Recorded
from kernel.traditional import to_traditional

_LONGEST = 64  # characters of an address


class Edge:
    """This process's memory. Another gateway beside it has its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.proxies = settings.proxies()
        self.paces = Paces()
        self.tokens = Tokens()
        self.guesses = Guesses()
        self.cache = Cache()
        self.displays = Displays()

    def hear(self, event: Recorded | None, connected: bool) -> None:
        """What is heard of the catalogue. Raises marshmallow.ValidationError for a change that cannot be read."""
        if event is None:
            (self.cache.connected if connected else self.cache.lost)()
        elif event.type == CatalogChanged.TYPE:
            self.cache.changed(load_changed(event.data).version)

    def keep_pace(self, call: Call) -> None:
        """Raises TooOften where the route has a pace, and who calls has another."""
        pace = call.route.pace
        if pace is None:
            return
        if pace.person is not None and call.principal is not None:
            self.paces.check((pace.kind, "person", call.principal["account"]), pace.person, pace.window)
        address, most = self.address_of(call.http.environ), getattr(self.settings, pace.address)
        self.paces.check((pace.kind, "address", address), most, pace.window)

    def address_of(self, environ: Mapping[str, Any]) -> str:
        """Where a request comes from. Of what it says itself only what a trusted proxy has added counts.

        Of IPv6 the network: whoever has one address there has all of its 2^64, and could take another each time.
        """
        came: str = environ.get("REMOTE_ADDR", "")
        if came in self.proxies:
            came = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()[:_LONGEST] or came
        return _network(came) if ":" in came else came


def _network(address: str) -> str:
    """Of an IPv6 address; what is none stays as it is."""
    try:
        whole = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if whole.ipv4_mapped is not None:
        return str(whole.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(whole) >> 64 << 64, 64)))


class EdgeProvider(DependencyProvider):  # type: ignore[misc]
    """`edge = EdgeProvider()` on the gateway: `self.edge`, the same for every request."""

    edge: Edge

    def setup(self) -> None:
        self.edge = Edge(self.container.config["settings"])
        to_traditional("")  # reads its tables, which takes a moment that nobody should wait for later

    def stop(self) -> None:
        self.edge.displays.close()

    def get_dependency(self, worker_ctx: Any) -> Edge:
        return self.edge
