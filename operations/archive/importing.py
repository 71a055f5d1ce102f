"""Reads an archive back, checking every byte before it is believed, and writes it to a log: all of it, or nothing.

Read twice, a line at a time: whoever made it has no say in how much memory that takes.
"""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from kernel.database import Database
from kernel.eventlog.events import GENESIS, Head, Recorded, follows, link, read_published
from kernel.eventlog.restoring import restore, standing
from operations.archive.manifest import BLOCK, CASES, PREVIOUS, RANGE, ArchiveBad, ArchiveUnfit, ArchiveUnread, Manifest

_PAGE = 2000
_LONGEST = 1024 * 1024  # bytes of a line; an event has 64 KiB at most

Told = Callable[[int, int], None]


def events_in(file: Path, manifest: Manifest, told: Told | None = None) -> Iterator[Recorded]:
    """Its events, in the order of the log they come from. None is given out before the digests of all are right.

    `told`: how many lines were read, of how many: each is read twice. Raises ArchiveBad, ArchiveUnread.
    """
    for _ in _lines(file, manifest, told, 0):
        pass
    at = Head(manifest.first - 1, bytes.fromhex(manifest.before))
    for number, line in _lines(file, manifest, told, manifest.events):
        try:
            event = read_published(line.rstrip(b"\n"))
            if manifest.kind == CASES:
                at = _before(line, event, at)
        except ValueError as error:
            raise ArchiveBad(file=str(file), why=f"line {number}: {error}") from None
        if not follows(at, event):
            raise ArchiveBad(file=str(file), why=f"line {number} does not follow from the chain before it")
        at = Head(event.position, event.chain)
        yield event
    if manifest.kind == RANGE and at != Head(manifest.last, bytes.fromhex(manifest.after)):
        raise ArchiveBad(file=str(file), why=f"it ends at position {at.position} with another chain value")


def _lines(file: Path, manifest: Manifest, told: Told | None, before: int) -> Iterator[tuple[int, bytes]]:
    """Its lines, numbered. `before`: how many had been read when this began."""
    for number, line in enumerate(_right_lines(file, manifest), 1):
        yield number, line
        if told is not None and number % _PAGE == 0:
            told(before + number, 2 * manifest.events)


def _before(line: bytes, event: Recorded, last: Head) -> Head:
    """Where the log stood before an event of CASES, as its line says; `last`: after the event of the line before."""
    if event.position <= last.position:
        raise ValueError("it is not in the order of the log")
    return Head(event.position - 1, bytes.fromhex(_previous(line)))


def _previous(line: bytes) -> str:
    _, found, rest = line.rpartition(PREVIOUS)
    if not found:
        raise ValueError("no chain value before it")
    return rest[:64].decode()


def _right_lines(file: Path, manifest: Manifest) -> Iterator[bytes]:
    """Its lines. Ends with ArchiveBad at the end of the first block whose digest is not the manifest's."""
    block = hashlib.sha256()
    count = size = 0
    for line in _raw_lines(file):
        block.update(line)
        count, size = count + 1, size + len(line)
        if size > manifest.bytes or count > manifest.events:
            raise ArchiveBad(file=str(file), why="it is longer than its manifest says")
        yield line
        if count % BLOCK == 0 or count == manifest.events:
            if block.hexdigest() != manifest.digests[(count - 1) // BLOCK]:
                first = (count - 1) // BLOCK * BLOCK + 1
                raise ArchiveBad(file=str(file), why=f"something is changed in lines {first} to {count}")
            block = hashlib.sha256()
    if count != manifest.events:
        raise ArchiveBad(file=str(file), why=f"it ends after {count} of {manifest.events} events: it was truncated")


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
        raise ArchiveUnread(file=str(file), why=error.strerror or str(error)) from None


def bring_in(file: Path, manifest: Manifest, database: Database, told: Told | None = None) -> Head:
    """Write it to the log in `database`, all of it or nothing; where the log stands then.

    A range goes where a log stands right before it, and keeps its positions and chain. Whole lives go to an empty log,
    where they get positions and a chain of their own. Raises ArchiveUnfit, ArchiveBad, ArchiveUnread.
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
