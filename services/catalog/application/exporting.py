"""The catalogue as a file that can be imported again: JSON holds all of it, CSV what its columns hold.

Written record by record; nothing is kept.
"""

import base64
import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

import orjson

from services.catalog.domain import columns
from services.catalog.domain.categories import BY_CODE
from services.catalog.domain.reading_json import FORMAT

Json = dict[str, Any]
Format = Literal["json", "csv"]


class Contents(Protocol):
    """Active items and halls, all departments, as JSON values; a file's content as bytes."""

    def departments(self) -> Iterator[Json]: ...

    def items(self) -> Iterator[Json]: ...

    def halls(self) -> Iterator[Json]: ...

    def having_files(self) -> set[str]: ...

    def files(self, code: str) -> list[Json]: ...


class Archive(Protocol):
    """Where the catalogue is read from, in one state."""

    def opened(self) -> AbstractContextManager[Contents]: ...


class Exporting:
    """Writes catalogues."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def lines(self, form: Format) -> Iterator[bytes]:
        """The file, a piece at a time; UTF-8. Raises what `is_away` tells, also in the middle."""
        with self._archive.opened() as contents:
            yield from _json(contents) if form == "json" else _csv(contents)


def _json(contents: Contents) -> Iterator[bytes]:
    yield b'{\n"format": ' + orjson.dumps(FORMAT)
    yield from _list("departments", contents.departments())
    yield from _list("items", _with_files(contents))
    yield from _list("halls", contents.halls())
    yield b"\n}\n"


def _list(name: str, records: Iterable[Json]) -> Iterator[bytes]:
    """A member: a record a line, so that a line number names a record."""
    yield b",\n" + orjson.dumps(name) + b": ["
    before = b"\n"
    for record in records:
        yield before + orjson.dumps(record)
        before = b",\n"
    yield b"\n]"


def _with_files(contents: Contents) -> Iterator[Json]:
    having = contents.having_files()
    for item in contents.items():
        files = contents.files(item["code"]) if item["code"] in having else []
        yield {**item, "files": [{**file, "content": base64.b64encode(file["content"]).decode()} for file in files]}


def _csv(contents: Contents) -> Iterator[bytes]:
    names = {department["code"]: department["name"] for department in contents.departments()}
    yield _line(columns.ALL)
    for item in contents.items():
        cells = columns.write(item)
        first = [BY_CODE[code].name for code in item["categories"][:1] if code in BY_CODE]
        cells["category"] = first[0] if first else "未分类"
        cells["department"] = names[item["department"]]
        cells["organ_code"] = cells["organ_code"] or item["department"]
        yield _line([cells[name] for name in columns.ALL])


def _line(cells: Iterable[str]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(cells)
    return written.getvalue().encode()
