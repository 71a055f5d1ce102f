"""Writes an archive: whole on the disk, with its manifest, or not at all. Never makes evidence of a broken log."""

import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
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
        end = self.reader.head().position if last is None else min(last, self.reader.head().position)
        if first > end:
            raise NothingToArchive(file=str(file), why=f"the log has no position {first}; its head is at {end}")
        before = GENESIS if first == 1 else self._chain(first - 1)
        after = before

        def lines() -> Iterator[bytes]:
            nonlocal after
            at = Head(first - 1, before)
            while at.position < end:
                page = self.reader.read(at.position, min(_PAGE, end - at.position))
                for event in page:
                    if not follows(at, event):
                        raise LogUnsound(position=at.position + 1)
                    at = Head(event.position, event.chain)
                    yield publish_form(event) + b"\n"
                if not page:
                    raise LogUnsound(position=at.position + 1)
                after = at.chain
                if told is not None:
                    told(at.position - first + 1, end - first + 1)

        with _writing(file) as output:
            written = _written(output, lines())
            made = self._manifest(
                written,
                kind=RANGE,
                first=first,
                last=end,
                before=before.hex(),
                after=after.hex(),
                cases=None,
                until=None,
            )
            output.done(made, self.signer)
        return made

    def ended(self, file: Path, until: datetime, told: Told | None = None) -> Manifest:
        """The whole lives of those cases, visits or tickets that had ended before `until`. Raises as `range`."""
        head = self.reader.head()
        span: dict[str, Any] = {"cases": 0, "first": head.position, "last": 0, "after": head.chain.hex()}

        def lines() -> Iterator[bytes]:
            seen = 0
            for some in self._pages():
                ended = [life for life in some if lives.ended_before(life, until)]
                span["cases"] += len(ended)
                for life in ended:
                    span["first"] = min(span["first"], life[0].position)
                    span["last"] = max(span["last"], life[-1].position)
                yield from self._alone([event for life in ended for event in life])
                seen += sum(map(len, some))
                if told is not None:
                    told(seen, head.position)

        with _writing(file) as output:
            written = _written(output, lines())
            if not written.count:
                raise NothingToArchive(file=str(file), why=f"nothing had ended before {format_time(until)}")
            before = self.reader.chain_at(span["first"] - 1) or GENESIS
            ends = {"before": before.hex(), "after": self._chain(span["last"]).hex(), "until": format_time(until)}
            made = self._manifest(written, kind=CASES, **{**span, **ends})
            output.done(made, self.signer)
        return made

    def _pages(self) -> Iterator[list[list[Recorded]]]:
        after = ""
        while some := self.reader.lives(after, _PAGE):
            after = next(reversed(some))
            yield list(some.values())

    def _alone(self, events: list[Recorded]) -> Iterator[bytes]:
        """Each with the chain value before it, so that it can be checked without its neighbours."""
        before = {0: GENESIS, **self.reader.chains_at([event.position - 1 for event in events])}
        for event in events:
            chain = before.get(event.position - 1)
            if chain is None or not follows(Head(event.position - 1, chain), event):
                raise LogUnsound(position=event.position)
            yield publish_form(event)[:-1] + PREVIOUS + chain.hex().encode() + b'"}\n'

    def _chain(self, position: int) -> bytes:
        chain = self.reader.chain_at(position)
        if chain is None:
            raise LogUnsound(position=position)
        return chain

    def _manifest(self, written: _Lines, **members: Any) -> Manifest:
        return Manifest(
            log=self.log,
            made_at=format_time(self.clock.now()),
            events=written.count,
            bytes=written.bytes,
            digests=written.digests(),
            block=BLOCK,
            **members,
        )


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
        with partial.open("w", encoding="utf-8") as output:
            json.dump(told, output, ensure_ascii=False, indent=1)
            output.flush()
            os.fsync(output.fileno())
        partial.rename(manifest_of(self.file))
        _partial(self.file).rename(self.file)  # last: an archive that is there has its manifest


def _partial(file: Path) -> Path:
    return file.with_name(file.name + ".partial")


@contextmanager
def _writing(file: Path) -> Iterator[_Output]:
    try:
        if file.exists():
            raise ArchiveFailed(file=str(file), why="it is there already")
        with ExitStack() as stack:
            raw = stack.enter_context(_partial(file).open("wb"))
            compressed = stack.enter_context(gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6, mtime=0))
            yield _Output(file, compressed, raw)  # type: ignore[arg-type]
    except OSError as error:
        raise ArchiveFailed(file=str(file), why=error.strerror or str(error)) from None
    finally:
        _partial(file).unlink(missing_ok=True)
        _partial(manifest_of(file)).unlink(missing_ok=True)
