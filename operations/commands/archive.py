"""Archives: copies of a part of a log as evidence, for analysis, and to take a log elsewhere."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from operations.commands.common import Whole, WrongUsage, json_option, opened, say, settings
from operations.commands.log import Time, log_option
from operations.commands.pace import Pace

if TYPE_CHECKING:
    from operations.archive.manifest import Manifest

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def archive() -> None:
    """Copies of a part of a log. The log itself keeps everything.

    \b
    Example:
      yichuang archive export 2026-02.jsonl.gz
    """


@archive.command(name="export")
@click.argument("file", type=_FILE)
@log_option
@click.option("--from", "first", type=Whole(1), help="The first position. Default: 1.")
@click.option("--to", "last", type=Whole(1), help="The last position. Default: the log's head.")
@click.option("--ended-before", type=Time(), help="Instead: the whole lives of cases that had ended before this time.")
@json_option
def export(
    file: Path, owner: str, first: int | None, last: int | None, ended_before: datetime | None, as_json: bool
) -> None:
    """Write a range of a log, or cases that have ended, to FILE: events as published, a line each, gzip.

    FILE.manifest.json has the digests and the chain values at both ends, signed: keep both. Exit code 1: the log is
    broken there, or the disk is full or closed to us; then nothing is left behind.

    \b
    Example:
      yichuang archive export 2026-02.jsonl.gz --from 1 --to 100000
      yichuang archive export old-cases.jsonl.gz --ended-before 2026-01-01T00:00:00+08:00
    """
    from kernel.clock import SystemClock
    from kernel.eventlog.heads import Signer
    from kernel.eventlog.reading import LogReader
    from operations.archive.exporting import Exporter

    if ended_before is not None and (first or last):
        raise WrongUsage("--ended-before is instead of --from and --to")
    with opened(owner) as database:
        exporter = Exporter(LogReader(database), owner, Signer(settings().key()), SystemClock())
        pace = Pace(f"export {owner}", as_json)
        if ended_before is not None:
            made = exporter.ended(file, ended_before, pace)
        else:
            made = exporter.range(file, first or 1, last, pace)
    say(_told(file, made), f"{_sentence(made)} are in {file}; its manifest is beside it", as_json)


@archive.command(name="verify")
@click.argument("file", type=_FILE)
@click.option("--key", help="The public key that must have signed it, as `log head` prints it.")
@json_option
def verify(file: Path, key: str | None, as_json: bool) -> None:
    """Check FILE against its manifest: signature, digests, chain, and every event in it. Needs no hall.

    \b
    Example:
      yichuang archive verify 2026-02.jsonl.gz
    """
    from operations.archive.importing import events_in
    from operations.archive.manifest import read_manifest

    manifest = read_manifest(file, key)
    count = sum(1 for _ in events_in(file, manifest, Pace("verify archive", as_json)))
    say(_told(file, manifest), f"sound: {_sentence(manifest)}; {count} events read, signed by {manifest.key}", as_json)


@archive.command(name="import")
@click.argument("file", type=_FILE)
@click.option("--key", help="The public key that must have signed it, as `log head` prints it.")
@json_option
def import_(file: Path, key: str | None, as_json: bool) -> None:
    """Write FILE to the log that it is of, in this installation: all of it or nothing.

    A range goes to a log that stands right before it (an empty one, for position 1) and is there what it was: same
    positions, same chain. Cases go to an empty log and get positions there. Nobody is told of any of it here: no
    applicant, no department. Then: `yichuang verify --repair`.

    \b
    Example:
      DATA_DIR=elsewhere yichuang migrate
      DATA_DIR=elsewhere yichuang archive import 2026-02.jsonl.gz
    """
    from operations.archive.importing import bring_in
    from operations.archive.manifest import read_manifest

    manifest = read_manifest(file, key)
    with opened(_known(manifest)) as database:
        head = bring_in(file, manifest, database, Pace("import", as_json))
    told = {**_told(file, manifest), "head": head.position, "head_chain": head.chain.hex()}
    say(told, f"{_sentence(manifest)} are imported; the log of {manifest.log} is at position {head.position}", as_json)


def _known(manifest: "Manifest") -> str:
    from operations.verification import CHECKED

    if manifest.log not in CHECKED:
        raise WrongUsage(f"there is no log of {manifest.log}")
    return manifest.log


def _told(file: Path, manifest: "Manifest") -> dict[str, Any]:
    members = {name: value for name, value in manifest.as_dict().items() if name not in ("digests", "signature")}
    return {"file": str(file), **members}


def _sentence(manifest: "Manifest") -> str:
    if manifest.cases is not None:
        return f"{manifest.events} events of {manifest.cases} cases that had ended before {manifest.until}"
    return f"{manifest.events} events, positions {manifest.first} to {manifest.last}"
