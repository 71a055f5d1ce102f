"""Items as rows of a CSV file: the structure only. What the cells mean is in `columns`.

A row that has the wrong shape says so and doesn't stop the others; a file that was cut off is refused whole.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from services.catalog.domain.columns import KNOWN, REQUIRED
from services.catalog.domain.text_files import LONGEST_RECORD, checked, lines
from services.catalog.domain.unfit import EmptyFile, NeverClosed, TooLarge, WrongHeader

MOST_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `cells`: by column, stripped; empty if it has the wrong shape, then `reason` says why.

    `unended`: the last of the file, and no line break behind it. `words`: the cells as they stand.
    """

    line: int
    cells: dict[str, str]
    words: list[str]
    reason: str = ""
    unended: bool = False


class CsvFile:
    """A CSV file whose encoding and header are in order. Its rows can be read several times."""

    def __init__(self, content: bytes, encoding: str = "utf-8") -> None:
        """Raises UnfitFile."""
        self._content, self._encoding = checked(content, encoding)
        self._ended = self._content.endswith((b"\n", b"\r"))
        self.columns = self._header()

    def rows(self) -> Iterator[Row]:
        """All rows but blank ones. Raises UnfitFile: a quotation mark never closed, too many rows, a line too long."""
        records = self._records()
        next(records)
        for count, (line, words, reason, is_last) in enumerate(records):
            if count >= MOST_ROWS:
                raise TooLarge(what="rows", what_zh="行数", most=MOST_ROWS)
            yield self._row(line, words, reason, is_last and not self._ended)

    def _row(self, line: int, words: list[str], reason: str, unended: bool) -> Row:
        words = [word.strip() for word in words]
        while len(words) > len(self.columns) and not words[-1]:
            words.pop()
        if not reason and len(words) != len(self.columns):
            reason = f"{len(words)} cells, the header has {len(self.columns)}"
        cells = {} if reason else dict(zip(self.columns, words, strict=True))
        return Row(line, cells, words, reason, unended)

    def _records(self) -> Iterator[tuple[int, list[str], str, bool]]:
        """Line, cells, what is wrong, whether it is the last; blank ones are left out."""
        feed = _Feed(self._content, self._encoding)
        reader = csv.reader(feed, strict=True)
        while not feed.at_end:
            line = feed.begin()
            try:
                words = next(reader, [])
                reason = ""
            except csv.Error as error:
                words, reason = [], _shape(str(error))
                if feed.line > line or "end of data" in reason:
                    raise NeverClosed(line=line) from None
            width = len(words) - len(getattr(self, "columns", words))
            if feed.line > line and width:
                raise NeverClosed(line=line)
            if reason or any(word.strip() for word in words):
                yield line, words, reason, feed.at_end

    def _header(self) -> tuple[str, ...]:
        _, words, reason, _ = next(self._records(), (1, [], "", True))
        columns = tuple(word.strip().lower() for word in words)
        missing = [name for name in REQUIRED if name not in columns]
        unknown = [name[:50] for name in columns if name not in KNOWN]
        if reason:
            raise WrongHeader(reason=reason, reason_zh=reason)
        if missing:
            raise WrongHeader(reason=f"{_named(missing)} missing", reason_zh=f"缺少 {', '.join(missing)}")
        if unknown:
            raise WrongHeader(reason=f"{_named(unknown)} not known", reason_zh=f"不认识 {', '.join(unknown)}")
        if len(set(columns)) < len(columns):
            raise WrongHeader(reason="a column stands in it twice", reason_zh="有重复的列")
        return columns

    def count(self) -> int:
        """How many rows there are. Raises what `rows` raises, and EmptyFile."""
        count = sum(1 for _ in self.rows())
        if not count:
            raise EmptyFile()
        return count


class _Feed:
    """Hands a reader the lines, and knows how many it took for one record."""

    def __init__(self, content: bytes, encoding: str) -> None:
        self._lines = lines(content, encoding)
        self._next = next(self._lines, None)
        self._size = 0
        self.line = 0

    @property
    def at_end(self) -> bool:
        return self._next is None

    def begin(self) -> int:
        """Of a record: the number of its first line."""
        self._size = 0
        return self.line + 1

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        if self._next is None:
            raise StopIteration
        line, self._next = self._next, next(self._lines, None)
        self._size += len(line)
        self.line += 1
        if self._size > LONGEST_RECORD:
            raise TooLarge(what="characters in a record", what_zh="一条记录的字符数", most=LONGEST_RECORD)
        return line


def _shape(message: str) -> str:
    if "field limit" in message:
        return f"a cell is longer than {csv.field_size_limit():,} characters"
    return message if "end of data" in message else f"not CSV: {message}"


def _named(names: list[str]) -> str:
    return ("column " if len(names) == 1 else "columns ") + ", ".join(names)
