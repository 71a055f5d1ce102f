"""The catalogue: items, departments and halls brought in from files, and written to files."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from operations.commands.common import REFUSED, Failure, WrongUsage, fail, json_option, opened, say, settings

if TYPE_CHECKING:
    from services.catalog.application.importing import Importing, Source
    from services.catalog.bootstrap import Catalog
    from services.catalog.domain.changes import Problem, Report
    from services.catalog.domain.retiring import Missing

_SHOWN = 50  # problems, and warnings, for people; JSON has all
_COUNTS = ("added", "changed", "retired", "unchanged", "departments", "halls")


@click.group()
def catalog() -> None:
    """The catalogue of service items and halls.

    \b
    Example:
      yichuang catalog import items.csv --dry-run
    """


@catalog.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--encoding",
    type=click.Choice(["utf-8", "gb18030", "gbk"], case_sensitive=False),
    default="utf-8",
    show_default=True,
    help="Of the file.",
)
@click.option("--complete", is_flag=True, help="The file is the whole catalogue: retire all items it doesn't have.")
@click.option("--keep-missing", is_flag=True, help="Retire no items that the file doesn't have.")
@json_option
def import_(file: Path, dry_run: bool, encoding: str, complete: bool, keep_missing: bool, as_json: bool) -> None:
    """Import items, departments and halls from FILE, CSV or JSON (docs/catalogue.md). All of it is one version.

    Records that are wrong are told with their line and left out. Exit code 1 if there were any, or if the file could
    not be taken at all; then nothing was changed.

    \b
    Example:
      yichuang catalog import items.csv --dry-run
      yichuang catalog import items.csv --encoding gb18030
      yichuang catalog import catalogue.json --complete
    """
    if complete and keep_missing:
        raise WrongUsage("--complete and --keep-missing contradict each other")
    from services.catalog.application.importing import Source

    missing: Missing = "complete" if complete else "keep" if keep_missing else "auto"
    with _at_work() as work:
        report = _imported(work.importing, Source.of(file, encoding), missing, dry_run, as_json)
    say(report.to_json(), _sentences(report), as_json)
    if report.problems:
        raise click.exceptions.Exit(REFUSED)


@catalog.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--format", "form", type=click.Choice(["json", "csv"]), help="Default: as FILE ends, else json.")
@json_option
def export(file: Path | None, form: str | None, as_json: bool) -> None:
    """Write the catalogue to FILE, or to standard output. Importing it again changes nothing.

    JSON holds all of it; CSV holds items, and what its columns hold. Items that were retired are left out.

    \b
    Example:
      yichuang catalog export catalogue.json
      yichuang catalog export --format csv > items.csv
    """
    if as_json and file is None:
        raise WrongUsage("--json tells about a FILE, which isn't named; for the format use --format json")
    chosen = form or ("csv" if file and file.suffix.lower() == ".csv" else "json")
    with opened("catalog"), _at_work() as work:  # it must be there: who only reads makes none
        lines = work.exporting.lines("csv" if chosen == "csv" else "json")
        if file is None:
            for line in lines:
                sys.stdout.buffer.write(line)
            return
        written = _write(file, lines)
    say({"file": str(file), "format": chosen, "bytes": written}, f"{file}: {written:,} bytes", as_json)


@contextlib.contextmanager
def _at_work() -> Iterator["Catalog"]:
    from services.catalog.bootstrap import open_catalog

    catalog = open_catalog(settings(making=True))
    try:
        yield catalog
    finally:
        catalog.close()


def _imported(importing: "Importing", source: "Source", missing: "Missing", dry_run: bool, as_json: bool) -> "Report":
    from kernel.errors import Refusal

    with _bar(source.name) as progress:
        try:
            return importing.run(source, dry_run=dry_run, missing=missing, progress=progress)
        except Refusal as refusal:
            refused = refusal
    fail(refused.to_wire(), f"{refused.sentence('en')} ({refused.code})\nNothing was changed.", as_json)


@contextlib.contextmanager
def _bar(name: str) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar where somebody looks; None elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(show_speed=False),
        progress.TextColumn("{task.fields[rate]} items/s,"),
        progress.TimeRemainingColumn(),
        progress.TextColumn("left"),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None, rate="…")

        def tell(done: int, total: int) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = f"{done / 2 / elapsed:,.0f}" if elapsed else "…"
            bar.update(task, completed=done, total=total, rate=rate)

        yield tell


def _write(file: Path, lines: Iterator[bytes]) -> int:
    """All of it or nothing: under another name first."""
    drafted = file.with_name(f".{file.name}.part")
    try:
        with drafted.open("wb") as out:
            size = sum(out.write(line) for line in lines)
        drafted.replace(file)
    except OSError as error:
        raise Failure(f"{file} can't be written: {error.strerror or error}") from None
    finally:
        drafted.unlink(missing_ok=True)
    return size


def _sentences(report: "Report") -> str:
    lines = [_headline(report), *(f"  {name:<12} {getattr(report, name):>8,}" for name in _COUNTS)]
    lines += _listed(f"{len(report.problems):,} records are wrong and were left out:", report.problems)
    lines += _listed(f"{len(report.warnings):,} warnings:", report.warnings)
    return "\n".join(lines)


def _headline(report: "Report") -> str:
    if report.dry_run:
        return f"{report.source}: nothing was written (--dry-run); an import would do this"
    if report.version is None:
        return f"{report.source}: nothing changed"
    return f"{report.source} is version {report.version} of the catalogue"


def _listed(title: str, problems: tuple["Problem", ...]) -> list[str]:
    if not problems:
        return []
    more = [f"  and {len(problems) - _SHOWN:,} more (--json shows all)"] if len(problems) > _SHOWN else []
    return [title, *map(_line, problems[:_SHOWN]), *more]


def _line(problem: "Problem") -> str:
    where = f"line {problem.line}" if problem.line is not None else "all"
    about: list[Any] = [problem.code] if problem.code else []
    return "  ".join(["", f"{where:<10}", *about, problem.reason])
