"""Importing a catalogue file: read, plan, write, report. One import is one version of the catalogue, or none."""

from collections.abc import Callable

from kernel.clock import Clock
from kernel.contracts.catalog_facts import NAMED, CatalogChanged
from services.catalog.application.planning import Planning
from services.catalog.application.ports import Store, Tick
from services.catalog.application.sources import Part, Source, demo
from services.catalog.domain.changes import Plan, Report
from services.catalog.domain.reading_csv import CsvFile
from services.catalog.domain.retiring import Missing

__all__ = ["Importing", "Source", "demo"]

Progress = Callable[[int, int], None]  # units done, of all: two for each item, one until it is planned


class Importing:
    """Brings files into the catalogue."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def run(
        self,
        file: Source,
        *,
        dry_run: bool = False,
        missing: Missing = "auto",
        by: str = "operator",
        progress: Progress | None = None,
    ) -> Report:
        """Import what is right in `file`. With `dry_run` nothing is written, and the report tells what would be.

        `missing`: which items that the file doesn't have are retired (services.catalog.domain.retiring).

        Raises UnfitFile or Overtaken, then nothing was changed; or what `is_away` tells.
        """
        state = self._store.state()
        parts = file.open()
        tick = _ticking(2 * sum(map(_count, parts)), progress)
        plan = Planning(self._store, state, missing, tick).read(parts)
        parts.clear()  # the file's text, while we write
        version = None
        if not (dry_run or plan.changes_nothing):
            version = state.version + 1
            self._store.write(plan, self._fact(plan, file.name, version, by), tick)
        return _report(plan, file.name, dry_run, version)

    def _fact(self, plan: Plan, source: str, version: int, by: str) -> CatalogChanged:
        summary = plan.summary
        codes = (*(item.code for item in plan.items), *plan.retired)
        return CatalogChanged(
            occurred_at=self._clock.now(),
            by=by,
            version=version,
            source=source,
            added=summary["added"],
            changed=summary["changed"],
            retired=summary["retired"],
            halls=summary["halls"],
            codes=codes[:NAMED],
        )


def _ticking(total: int, progress: Progress | None) -> Tick:
    """Counts what is done, and tells now and then."""
    done = told = 0

    def tick(units: int) -> None:
        nonlocal done, told
        done += units
        if progress and (done - told >= total // 200 or done >= total):
            told = done
            progress(min(done, total), total)

    return tick


def _count(part: Part) -> int:
    return part.file.count() if isinstance(part.file, CsvFile) else part.file.count("items")


def _report(plan: Plan, source: str, dry_run: bool, version: int | None) -> Report:
    return Report(
        source=source,
        dry_run=dry_run,
        version=version,
        problems=tuple(plan.problems),
        warnings=tuple(plan.warnings),
        retired_codes=plan.retired,
        **plan.summary,
    )
