"""Writes an archive: whole on the disk, with its manifest, or not at all. Never makes evidence of a broken log."""

import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from kernel.clock import Clock, format_time
from kernel.eventlog.events import GENESIS, Head, Recorded, follows, publish_form
from kernel.eventlog.heads import Signer
from kernel.eventlog.reading import LogReader
from operations import lives
from operations.archive.manifest import (
    BLOCK,
    CASES,
    PREVIOUS,
    RANGE,
    ArchiveFailed,
    ArchiveThere,
    ExportRuns,
    LogUnsound,
    Manifest,
    NothingToArchive,
    manifest_of,
)

_PAGE = 2000

Told = Callable[[int, int], None]


class _Lines:
    """Writes lines, and keeps what the manifest says of them."""

    def __init__(self, output: IO[bytes]) -> None:
        self._output = output
        self._block = hashlib.sha256()
        self._digests: list[str] = []
        self.count = self.bytes = 0

    def write(self, line: bytes) -> None:
        self._output.write(line)
        self._block.update(line)
        self.count += 1
        self.bytes += len(line)
        if self.count % BLOCK == 0:
            self._digests.append(self._block.hexdigest())
            self._block = hashlib.sha256()

    def digests(self) -> tuple[str, ...]:
        rest = (self._block.hexdigest(),) if self.count % BLOCK else ()
        return (*self._digests, *rest)


@dataclass(frozen=True)
class Exporter:
    """Writes archives of one log."""

    reader: LogReader
    log: str
    signer: Signer
    clock: Clock

    def range(self, file: Path, first: int, last: int | None, told: Told | None = None) -> Manifest:
        """Every event from position `first` to `last` (None: the head). Raises LogUnsound, ArchiveFailed."""
        head = self.reader.head().position
        end = head if last is None else min(last, head)
        if first > head:
            raise NothingToArchive(file=str(file), why=f"the log has no position {first}; its head is at {head}")
        if first > end:
            raise NothingToArchive(file=str(file), why=f"the range ends at {last}, before it begins at {first}")
        events = self._sound(first, end, _counting(told, 1 - first, end - first + 1))
        lines = (publish_form(event) + b"\n" for _, event in events)
        return self._write(file, lines, kind=RANGE, first=first, last=end, cases=None, until=None)

    def ended(self, file: Path, until: datetime, told: Told | None = None) -> Manifest:
        """The whole lives of those cases, visits or tickets that had ended before `until`. Raises as `range`.

        In the order of the log, as a log is where they are imported: their times rise there, too.
        """
        head = self.reader.head().position
        ended = self._ended(until, head, _counting(told, 0, 2 * head))
        if not ended.streams:
            raise NothingToArchive(file=str(file), why=f"nothing had ended before {format_time(until)}")
        events = self._sound(ended.first, ended.last, _counting(told, head, 2 * head))
        # Each with the chain value before it, so that it can be checked without its neighbours.
        lines = (
            publish_form(event)[:-1] + PREVIOUS + before.hex().encode() + b'"}\n'
            for before, event in events
            if event.stream in ended.streams
        )
        told_of = {"cases": len(ended.streams), "until": format_time(until)}
        return self._write(file, lines, kind=CASES, first=ended.first, last=ended.last, **told_of)

    def _ended(self, until: datetime, head: int, told: Callable[[int], None]) -> "_Ended":
        """Those that had ended, by what the log holds up to `head`: it may grow meanwhile."""
        found = _Ended(first=head)
        after, seen = "", 0
        while some := self.reader.lives(after, _PAGE):
            after = next(reversed(some))
            for stream, events in some.items():
                life = [event for event in events if event.position <= head]
                if lives.ended_before(life, until):
                    found.add(stream, life)
                seen += len(life)
            told(seen)
        return found

    def _sound(self, first: int, last: int, told: Callable[[int], None]) -> Iterator[tuple[bytes, Recorded]]:
        """The events from `first` to `last`, each with the chain value before it. Raises LogUnsound."""
        at = Head(first - 1, self._chain(first - 1))
        while at.position < last:
            page = self.reader.read(at.position, min(_PAGE, last - at.position))
            if not page:
                raise LogUnsound(position=at.position + 1)
            for event in page:
                if not follows(at, event):
                    raise LogUnsound(position=at.position + 1)
                yield at.chain, event
                at = Head(event.position, event.chain)
            told(at.position)

    def _write(self, file: Path, lines: Iterable[bytes], *, first: int, last: int, **members: Any) -> Manifest:
        with _writing(file) as output:
            written = _written(output, lines)
            made = Manifest(
                log=self.log,
                made_at=format_time(self.clock.now()),
                first=first,
                last=last,
                before=self._chain(first - 1).hex(),
                after=self._chain(last).hex(),
                events=written.count,
                bytes=written.bytes,
                digests=written.digests(),
                block=BLOCK,
                **members,
            )
            output.done(made, self.signer)
        return made

    def _chain(self, position: int) -> bytes:
        chain = self.reader.chain_at(position) if position else GENESIS
        if chain is None:
            raise LogUnsound(position=position)
        return chain


@dataclass
class _Ended:
    """Streams whose lives have ended, and between which positions all of their events lie."""

    first: int
    last: int = 0
    streams: set[str] = field(default_factory=set)

    def add(self, stream: str, life: Sequence[Recorded]) -> None:
        self.streams.add(stream)
        self.first = min(self.first, life[0].position)
        self.last = max(self.last, life[-1].position)


def _counting(told: Told | None, before: int, total: int) -> Callable[[int], None]:
    """Tells how much is done of `total`, where `before` had been when it began to be counted."""

    def tell(done: int) -> None:
        if told is not None:
            told(before + done, total)

    return tell


def _written(output: "_Output", lines: Iterable[bytes]) -> _Lines:
    written = _Lines(output.compressed)
    for line in lines:
        written.write(line)
    return written


class _Output:
    """Both files under other names until all is on the disk."""

    def __init__(self, file: Path, compressed: IO[bytes], raw: IO[bytes]) -> None:
        self.file = file
        self.compressed = compressed
        self._raw = raw

    def done(self, manifest: Manifest, signer: Signer) -> None:
        self.compressed.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        told = signer.sign_members({**manifest.as_dict(), "digests": list(manifest.digests)})
        partial = _partial(manifest_of(self.file))
        try:
            with partial.open("w", encoding="utf-8") as output:
                json.dump(told, output, ensure_ascii=False, indent=1)
                output.flush()
                os.fsync(output.fileno())
            partial.rename(manifest_of(self.file))
        finally:
            partial.unlink(missing_ok=True)
        _partial(self.file).rename(self.file)  # last: an archive that is there has its manifest


def _partial(file: Path) -> Path:
    return file.with_name(file.name + ".partial")


@contextmanager
def _writing(file: Path) -> Iterator[_Output]:
    try:
        with _alone(_partial(file)) as raw:
            if file.exists():
                raise ArchiveThere(file=str(file))
            with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6, mtime=0) as compressed:
                yield _Output(file, compressed, raw)  # type: ignore[arg-type]
    except OSError as error:
        raise ArchiveFailed(file=str(file), why=error.strerror or str(error)) from None


@contextmanager
def _alone(partial: Path) -> Iterator[IO[bytes]]:
    """The file, made by nobody but us, and gone at the end: another export to the same name would write into it."""
    try:
        raw = partial.open("xb")
    except FileExistsError:
        raise ExportRuns(file=str(partial)) from None
    try:
        with raw:
            yield raw
    finally:
        partial.unlink(missing_ok=True)
