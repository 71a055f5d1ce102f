"""Reads an archive back, checking every byte before it is believed, and writes it to a log: all of it, or nothing."""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from kernel.database import Database
from kernel.eventlog.events import GENESIS, Head, Recorded, follows, link, read_published
from kernel.eventlog.restoring import restore, standing
from operations.archive.manifest import CASES, PREVIOUS, RANGE, ArchiveBad, ArchiveFailed, ArchiveUnfit, Manifest

_PAGE = 2000
_LONGEST = 1024 * 1024  # bytes of a line; an event has 64 KiB at most

Told = Callable[[int, int], None]


def events_in(file: Path, manifest: Manifest, told: Told | None = None) -> Iterator[Recorded]:
    """Its events, each checked before it is given out: digests, chain, form. Raises ArchiveBad, ArchiveFailed."""
    at = Head(manifest.first - 1, bytes.fromhex(manifest.before))
    for number, line in enumerate(_checked_lines(file, manifest), 1):
        try:
            event = read_published(line.rstrip(b"\n"))
            if manifest.kind == CASES:
                at = Head(event.position - 1, bytes.fromhex(_previous(line)))
        except ValueError as error:
            raise ArchiveBad(file=str(file), why=f"line {number}: {error}") from None
        if not follows(at, event):
            raise ArchiveBad(file=str(file), why=f"line {number} does not follow from the chain before it")
        at = Head(event.position, event.chain)
        yield event
        if told is not None and number % _PAGE == 0:
            told(number, manifest.events)
    if manifest.kind == RANGE and at != Head(manifest.last, bytes.fromhex(manifest.after)):
        raise ArchiveBad(file=str(file), why=f"it ends at position {at.position} with another chain value")


def _previous(line: bytes) -> str:
    _, found, rest = line.rpartition(PREVIOUS)
    if not found:
        raise ValueError("no chain value before it")
    return rest[:64].decode()


def _checked_lines(file: Path, manifest: Manifest) -> Iterator[bytes]:
    """The lines of one block after the other, each block when its digest is right."""
    block: list[bytes] = []
    count = size = 0
    digests = iter(manifest.digests)
    for line in _raw_lines(file):
        block.append(line)
        count, size = count + 1, size + len(line)
        if size > manifest.bytes:
            raise ArchiveBad(file=str(file), why="it is longer than its manifest says")
        if len(block) == manifest.block:
            yield from _right(file, block, next(digests, ""), count)
            block = []
    if block:
        yield from _right(file, block, next(digests, ""), count)
    if count != manifest.events:
        raise ArchiveBad(file=str(file), why=f"it ends after {count} of {manifest.events} events: it was truncated")


def _right(file: Path, block: list[bytes], digest: str, last: int) -> list[bytes]:
    if hashlib.sha256(b"".join(block)).hexdigest() != digest:
        raise ArchiveBad(file=str(file), why=f"something is changed in lines {last - len(block) + 1} to {last}")
    return block


def _raw_lines(file: Path) -> Iterator[bytes]:
    try:
        with gzip.open(file, "rb") as lines:
            while line := lines.readline(_LONGEST + 1):
                if len(line) > _LONGEST:
                    raise ArchiveBad(file=str(file), why=f"it has a line longer than {_LONGEST} bytes")
                yield line
    except EOFError:
        raise ArchiveBad(file=str(file), why="it was truncated") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ArchiveBad(file=str(file), why=f"it can't be decompressed: {error}") from None
    except OSError as error:
        raise ArchiveFailed(file=str(file), why=error.strerror or str(error)) from None


def bring_in(file: Path, manifest: Manifest, database: Database, told: Told | None = None) -> Head:
    """Write it to the log in `database`, all of it or nothing; where the log stands then.

    A range goes where a log stands right before it, and keeps its positions and chain. Whole lives go to an empty log,
    where they get positions and a chain of their own. Raises ArchiveUnfit, ArchiveBad, ArchiveFailed.
    """
    with database.write() as tx:
        at = standing(tx)
        if manifest.kind == CASES and at.position:
            raise ArchiveUnfit(
                file=str(file), why=f"cases go to an empty log, and this one is at position {at.position}"
            )
        if manifest.kind == RANGE and at != Head(manifest.first - 1, bytes.fromhex(manifest.before)):
            why = (
                f"it goes on from position {manifest.first - 1}, chain {manifest.before}; this log is at {at.position}"
            )
            raise ArchiveUnfit(file=str(file), why=f"{why}, chain {at.chain.hex()}")
        events = events_in(file, manifest, told)
        return restore(tx, events if manifest.kind == RANGE else _numbered(events)) or at


def _numbered(events: Iterable[Recorded]) -> Iterator[Recorded]:
    chain = GENESIS
    for position, event in enumerate(events, 1):
        chain = link(chain, position, event.body)
        yield replace(event, position=position, chain=chain)
