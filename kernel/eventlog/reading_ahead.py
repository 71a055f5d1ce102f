"""A reader that fetches the next page while the last one is worked on. For who reads a long log from end to end.

Its answers are those of the reader beneath, never older than the call before the one that asked.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

from kernel.database import Database
from kernel.eventlog.events import Recorded
from kernel.eventlog.following import LONG_PAGE
from kernel.eventlog.reading import LogReader


class ReadingAhead(LogReader):
    """See `reading_ahead`."""

    def __init__(self, database: Database, pool: ThreadPoolExecutor) -> None:
        super().__init__(database)
        self._pool = pool
        self._fetched: tuple[int, Future[list[Recorded]]] | None = None

    def read(self, after: int, limit: int = 1000) -> list[Recorded]:
        """As `LogReader.read`."""
        if limit != LONG_PAGE:  # asked for by somebody else, or near the end
            return super().read(after, limit)
        page = self._page(after)
        if len(page) == LONG_PAGE:  # a page that is not full is the last: what comes next is not there yet
            at = page[-1].position
            self._fetched = (at, self._pool.submit(self._prepared, at))
        return page

    def _page(self, after: int) -> list[Recorded]:
        fetched, self._fetched = self._fetched, None
        if fetched is not None and fetched[0] == after:
            return fetched[1].result() or self._prepared(after)  # what was not there then may be there now
        return self._prepared(after)

    def _prepared(self, after: int) -> list[Recorded]:
        """The next page, its data read: there is time for that while others wait for their database."""
        page = super().read(after, LONG_PAGE)
        for event in page:
            with suppress(ValueError, KeyError, TypeError):  # no event: the chain tells that it was changed
                event.data  # noqa: B018 (it is kept)
        return page


@contextmanager
def reading_ahead(database: Database) -> Iterator[ReadingAhead]:
    """A reader of the log in `database`, with a thread of its own until the end."""
    with ThreadPoolExecutor(1, thread_name_prefix="reading ahead") as pool:
        yield ReadingAhead(database, pool)
