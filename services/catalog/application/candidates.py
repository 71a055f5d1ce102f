"""The records of a catalogue file as items that may be imported, whether they come as rows or as JSON.

Decides nothing: what is wrong with a candidate is said in it.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import marshmallow as ma
import orjson

from kernel.errors import InvalidInput
from services.catalog.application import attachments
from services.catalog.domain import columns, elements
from services.catalog.domain.categories import Category, find
from services.catalog.domain.changes import GivenFile
from services.catalog.domain.departments import LONGEST_CODE, Departments, Place
from services.catalog.domain.reading_csv import CsvFile, Row
from services.catalog.domain.reading_json import JsonFile, Record
from services.catalog.domain.unfit import CutOff

_BATCH = 1000  # rows whose present documents are fetched at once
_SAID = 5  # of all that is wrong with a record
_NONE = ("", "未分类")

Documents = Callable[[Collection[str]], Mapping[str, str]]


@dataclass(slots=True)
class Candidate:
    """An item as a file has it. `code`, `department`: None where they can't be read; `reason`: why it is wrong."""

    line: int
    code: str | None
    department: str | None
    document: elements.Document = field(default_factory=dict)
    files: tuple[GivenFile, ...] | None = None
    reason: str = ""


@dataclass
class Oddities:
    """What is odd in a file and still imported: first line and count, each once."""

    organ_codes: dict[str, list[int]] = field(default_factory=dict)
    categories: Counter[str] = field(default_factory=Counter)
    unended: int | None = None  # line


def reason_of(messages: Any) -> str:
    """marshmallow's messages in a line: the first few fields, and what is wrong with each."""
    errors = InvalidInput.from_messages(messages).errors
    said = [f"{error['field']}: {error['message']}" if error["field"] else error["message"] for error in errors]
    more = f"; and {len(said) - _SAID} more" if len(said) > _SAID else ""
    return "; ".join(said[:_SAID]) + more


def tally(file: CsvFile) -> dict[Place, Counter[str]]:
    """The organ codes of each department that the rows name, in the order of the file."""
    found: dict[Place, Counter[str]] = {}
    for row in file.rows():
        name, organ = row.cells.get("department", ""), row.cells.get("organ_code", "")
        if 0 < len(name) <= columns.LONGEST_NAME and 0 < len(organ) <= LONGEST_CODE and columns.is_area(row.cells):
            found.setdefault((name, row.cells["area_code"]), Counter())[organ] += 1
    return found


class CsvItems:
    """The rows of a CSV file. A row says only what it has columns for; the rest of a known item stays as it is."""

    def __init__(self, file: CsvFile, departments: Departments, known: Collection[str], documents: Documents) -> None:
        self._file = file
        self._departments = departments
        self._known = known
        self._documents = documents
        self.odd = Oddities()

    def __iter__(self) -> Iterator[Candidate]:
        """Raises CutOff."""
        rows = self._file.rows()
        area = None
        while batch := list(islice(rows, _BATCH)):
            codes = {row.cells.get("item_code", "") for row in batch}
            before = self._documents([code for code in codes if code in self._known])
            for row in batch:
                candidate = self._candidate(row, before)
                if row.unended:
                    self._check_whole(row, candidate, area)
                area = row.cells.get("area_code", area)
                yield candidate

    def _candidate(self, row: Row, before: Mapping[str, str]) -> Candidate:
        if row.reason:
            code = next((word for word in row.words if word in self._known), None)
            return Candidate(row.line, code, None, reason=row.reason)
        said, wrong = columns.read(row.cells)
        department = self._departments.of((row.cells["department"], row.cells["area_code"]))
        self._look_up(row, said, wrong, department)
        there = before.get(row.cells["item_code"])
        document, unfit = elements.overlay(orjson.loads(there) if there else None, said)
        wrong = {**unfit, **wrong}
        code = None if "code" in wrong else document["code"]
        if wrong:
            return Candidate(row.line, code, department, document, reason=reason_of(wrong))
        self._note(row)
        return Candidate(row.line, code, department, document)

    def _look_up(self, row: Row, said: dict[str, Any], wrong: dict[str, list[str]], department: str | None) -> None:
        """What the schema can't know: department and categories."""
        organ = row.cells["organ_code"]
        if department is None:
            _blame(row.cells, wrong)
        else:
            said["department"] = department
            said["organ_code"] = "" if organ == department else organ
        if not said.get("categories"):
            said["categories"] = _categories(row.cells["category"], said.get("audience"))

    def _note(self, row: Row) -> None:
        """What is odd in a row that is right."""
        organ, category = row.cells["organ_code"], row.cells["category"]
        if organ:
            self.odd.organ_codes.setdefault(organ, []).append(row.line)
        if category not in _NONE and not _found(category):
            self.odd.categories[category] += 1

    def _check_whole(self, row: Row, candidate: Candidate, area_before: str | None) -> None:
        """The last row has no line break behind it: it may be all there is, or its beginning."""
        if candidate.reason:
            raise CutOff(line=row.line, reason=candidate.reason)
        area = row.cells["area_code"]
        if self._file.columns[-1] == "area_code" and area_before and len(area) < len(area_before):
            raise CutOff(line=row.line, reason=f"Its area code ends after {len(area)} digits.")
        self.odd.unended = row.line


def _blame(cells: Mapping[str, str], wrong: dict[str, list[str]]) -> None:
    """Why the department of a row is not known."""
    if len(cells["department"]) > columns.LONGEST_NAME:
        wrong["department"] = [f"longer than {columns.LONGEST_NAME} characters"]
    elif not cells["department"] or not cells["organ_code"]:
        empty = "organ_code" if cells["department"] else "department"
        wrong[empty] = ["is needed to know the department"]
    elif not wrong:
        wrong["department"] = ["can't be told apart from another"]


def _categories(name: str, audience: Any) -> list[str]:
    """Codes; of a name that individuals and enterprises share those of the item's audience, or both."""
    return [category.code for category in _found(name) if not audience or category.audience in audience]


@lru_cache(10_000)
def _found(name: str) -> tuple[Category, ...]:
    return () if name in _NONE else tuple(find(name))


class JsonItems:
    """The items of a JSON file. What one doesn't say it doesn't have; but files stay if it says nothing of them."""

    def __init__(self, file: JsonFile, departments: Departments, folder: Path) -> None:
        self._file = file
        self._departments = departments
        self._folder = folder
        self.odd = Oddities()

    def __iter__(self) -> Iterator[Candidate]:
        return map(self._candidate, self._file.records("items"))

    def _candidate(self, record: Record) -> Candidate:
        if not isinstance(record.value, dict):
            return Candidate(record.line, None, None, reason="not an object")
        members = dict(record.value)
        said = members.get("department")
        found = self._departments.find(said) if isinstance(said, str) else None
        candidate = Candidate(record.line, elements.code_in(members), found.code if found else None)
        wrong = {"": [f"{name} stands in it twice" for name in record.repeated]} if record.repeated else {}
        wrong |= self._load(candidate, members)
        if found is None and "department" not in wrong:
            wrong["department"] = ["no such department, here or in the catalogue"]
        elif found is not None and not wrong and found.code != said:
            candidate.document |= {"department": found.code, "organ_code": candidate.document["organ_code"] or said}
        candidate.reason = reason_of(wrong) if wrong else ""
        organ = candidate.document.get("organ_code")
        if organ:
            self.odd.organ_codes.setdefault(organ, []).append(record.line)
        return candidate

    def _load(self, candidate: Candidate, members: dict[str, Any]) -> elements.Messages:
        wrong: elements.Messages = {}
        try:
            if "files" in members:
                candidate.files = attachments.load(members.pop("files"), self._folder)
        except ma.ValidationError as error:
            wrong["files"] = error.messages
        try:
            candidate.document = elements.load(members)
        except ma.ValidationError as error:
            wrong |= error.messages if isinstance(error.messages, dict) else {"": error.messages}
        return wrong
