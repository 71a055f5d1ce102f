"""Keeps the newest snapshot at hand. The next is made beside the one in use, which goes on answering until the swap."""

import threading
from collections.abc import Callable

from kernel import collector, logs
from kernel.green import is_patched, off_hub
from services.catalog.domain.rows import Contents
from services.catalog.domain.snapshot import Snapshot

log = logs.get(__name__)


class Snapshots:
    """The snapshot to answer from."""

    def __init__(self, version: Callable[[], int], contents: Callable[[], Contents]) -> None:
        """`version` tells what the catalogue stands at, `contents` reads it whole."""
        self._version = version
        self._contents = contents
        self._kept: Snapshot | None = None
        self._building = threading.Lock()

    def current(self) -> Snapshot:
        """The one at hand; before there is any it is made first, and everybody waits. Raises what `is_away` tells."""
        if self._kept is None:
            self.refresh()
        assert self._kept is not None
        return self._kept

    def refresh(self) -> bool:
        """Go over to the catalogue's present version: whether that is another. Raises what `is_away` tells."""
        with self._building:
            if self._kept is not None and self._kept.version == self._version():
                return False
            made: Snapshot = off_hub(_made, self._contents())
            self._kept = made
        log.info("catalogue loaded", version=made.version, items=len(made))
        return True


def _made(contents: Contents) -> Snapshot:
    snapshot = Snapshot(contents)
    snapshot.index.search("办理")  # the search reads its tables when they are first needed: not while somebody waits
    if is_patched():  # in a command nobody else waits
        # Nothing of a snapshot points back at itself: it goes without the collector when the next has taken its place.
        collector.spare_what_is_there()
    return snapshot
