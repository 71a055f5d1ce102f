"""What an import will do, found out without writing anything: a plan, and the report's problems and warnings."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import marshmallow as ma
import orjson

from kernel.contracts.halls import HallElements
from services.catalog.application.candidates import Candidate, CsvItems, JsonItems, Oddities, reason_of, tally
from services.catalog.application.ports import State, Store, Tick
from services.catalog.application.sources import Part
from services.catalog.domain import departments, elements
from services.catalog.domain.changes import HallChange, ItemChange, KnownFile, Plan, Problem, canonical, digest_of
from services.catalog.domain.departments import Departments
from services.catalog.domain.listing import listing, terms
from services.catalog.domain.reading_csv import CsvFile
from services.catalog.domain.reading_json import JsonFile, Record
from services.catalog.domain.retiring import Missing, Spoken, retiring, retiring_halls

_HALF = "a text in it holds half a character"
_NAMED = 5  # examples in a warning


class Planning:
    """One import, from the parts of its file to its plan."""

    def __init__(self, store: Store, state: State, missing: Missing, tick: Tick) -> None:
        """`tick` hears 1 for each item read and 1 more for each that need not be written."""
        self._store = store
        self._state = state
        self._missing = missing
        self._tick = tick
        self._departments = Departments(state.departments)
        self._spoken = Spoken()
        self._seen: dict[str, tuple[int, str]] = {}  # line and digest, by code
        self._odd = Oddities()
        self.plan = Plan()

    def read(self, parts: list[Part]) -> Plan:
        """Raises UnfitFile: what is found out only on the way through."""
        for part in parts:
            self._read_departments(part.file)
        for part in parts:
            items = self._items(part)
            for candidate in items:
                self._take(candidate)
            self._merge(items.odd)
        self._retire()
        self._read_halls([part.file for part in parts if isinstance(part.file, JsonFile)])
        self.plan.departments = self._departments.changed()
        self.plan.searched = list(self._searched())
        self._warn()
        return self.plan

    def _read_departments(self, file: CsvFile | JsonFile) -> None:
        if isinstance(file, CsvFile):
            self._departments.settle(tally(file))
            return
        for record in file.records("departments"):
            try:
                given = departments.load(_object(record))
                canonical({"name": given.name, "name_en": given.name_en})
                self._departments.take(given)
            except ma.ValidationError as error:
                self._problem(record.line, _named(record, "code"), reason_of(error.messages))
            except (TypeError, ValueError) as error:
                self._problem(
                    record.line, _named(record, "code"), _HALF if isinstance(error, TypeError) else str(error)
                )
            else:
                self._odd.organ_codes.setdefault(given.code, []).append(record.line)

    def _items(self, part: Part) -> CsvItems | JsonItems:
        if isinstance(part.file, CsvFile):
            return CsvItems(part.file, self._departments, self._state.items, self._store.documents)
        return JsonItems(part.file, self._departments, part.folder)

    def _take(self, candidate: Candidate) -> None:
        self._tick(1)
        self._note(candidate)
        if not candidate.reason:
            wrong = elements.check(candidate.document, {file.name for file in self._files(candidate)})
            candidate.reason = reason_of(wrong) if wrong else ""
        if not candidate.reason:
            candidate.reason = self._change(candidate)
        if candidate.reason:
            self._tick(1)
            self._problem(candidate.line, candidate.code or "", candidate.reason)

    def _note(self, candidate: Candidate) -> None:
        """What the file speaks of, also by records that are wrong."""
        known = self._state.items.get(candidate.code or "")
        department = candidate.department or (known.department if known else None)
        if department is not None:
            self._spoken.departments.add(department)
        if candidate.code is not None:
            self._spoken.codes.add(candidate.code)
        elif department is not None:
            self._spoken.unreadable.add(department)
        else:
            self._spoken.unreadable_anywhere = True
        if not candidate.reason:
            self._spoken.samples.add(candidate.document["sample"])
        elif known:
            self._spoken.samples.add(known.sample)

    def _change(self, candidate: Candidate) -> str:
        """Put it into the plan, if it is new or another; or say why not."""
        code = candidate.document["code"]
        try:
            document = canonical(candidate.document)
        except TypeError:
            return _HALF
        digest = digest_of(document, self._files(candidate))
        line, before = self._seen.setdefault(code, (candidate.line, digest))
        if line != candidate.line:
            self._tick(1)
            return "" if before == digest else f"line {line} has this code already"
        known = self._state.items.get(code)
        if known is not None and known.digest == digest and not known.retired:
            self._tick(1)
            self.plan.unchanged += 1
            return ""
        self.plan.added += known is None or known.retired
        self.plan.items.append(self._item(candidate, document, digest, known.version + 1 if known else 1))
        return ""

    def _item(self, candidate: Candidate, document: bytes, digest: str, version: int) -> ItemChange:
        said = candidate.document
        department = self._departments.find(said["department"])
        assert department is not None  # or the candidate would be wrong
        return ItemChange(
            code=said["code"],
            version=version,
            department=department.code,
            name=said["name"],
            sample=said["sample"],
            digest=digest,
            document=document,
            listing=canonical(listing(said)),
            terms=terms(said, department.name),
            files=candidate.files,
        )

    def _files(self, candidate: Candidate) -> tuple[KnownFile, ...]:
        if candidate.files is None:
            return self._state.files.get(candidate.document["code"], ())
        return tuple(file.about for file in candidate.files)

    def _retire(self) -> None:
        if not self._spoken.codes and not self._spoken.unreadable_anywhere and not self._spoken.unreadable:
            return  # the file is not about items
        offered = {code: item for code, item in self._state.items.items() if not item.retired}
        found = retiring(offered, self._spoken, self._missing)
        self.plan.retired = found.codes
        self.plan.warnings += [Problem(None, "", sentence) for sentence in found.warnings]

    def _searched(self) -> Iterator[tuple[str, str]]:
        """Items whose department has another name now, and that are not written anyway."""
        renamed = self._departments.renamed()
        written = {item.code for item in self.plan.items}
        for code, text in self._store.listings(renamed) if renamed else ():
            if code not in written:
                document = orjson.loads(text)
                department = self._departments.find(document["department"])
                yield code, terms(document, department.name if department else "")

    def _read_halls(self, files: list[JsonFile]) -> None:
        given: dict[str, tuple[bool, str]] = {}
        readable = True
        for record in (record for file in files for record in file.records("halls")):
            hall = _named(record, "id")
            readable = readable and bool(hall)
            try:
                document = HallElements().load(_object(record))
                if hall in given:
                    raise ma.ValidationError("this id stands in the file already")
                self._hall(record.line, document)
                given[hall] = (document["sample"], document["area"])
            except (ma.ValidationError, TypeError) as error:
                reason = _HALF if isinstance(error, TypeError) else reason_of(error.messages)
                self._problem(record.line, hall, reason)
                known = self._state.halls.get(hall)
                if known:
                    given.setdefault(hall, (known.sample, known.area))
        offered = {name: (hall.sample, hall.area) for name, hall in self._state.halls.items() if not hall.retired}
        if readable:
            self.plan.retired_halls = retiring_halls(offered, given, self._missing)

    def _hall(self, line: int, document: dict[str, Any]) -> None:
        content = canonical(document)
        self._look_for_items(line, document)
        known = self._state.halls.get(document["id"])
        digest = digest_of(content)
        if known is not None and known.digest == digest and not known.retired:
            return
        last = max((hall.place for hall in self._state.halls.values()), default=0)
        place = known.place if known else last + 1 + len(self.plan.halls)
        self.plan.halls.append(HallChange(document["id"], place, content, digest))

    def _look_for_items(self, line: int, document: dict[str, Any]) -> None:
        known = self._seen.keys() | {code for code, item in self._state.items.items() if not item.retired}
        codes = [code for unit in document["units"] for code in unit["items"]]
        self._warn_of(line, document["id"], "items", [code for code in codes if code not in known])
        organs = [unit["department"] for unit in document["units"] if unit["department"]]
        self._warn_of(
            line, document["id"], "departments", [code for code in organs if not self._departments.find(code)]
        )

    def _warn_of(self, line: int, hall: str, what: str, unknown: list[str]) -> None:
        if unknown:
            examples = ", ".join(unknown[:_NAMED])
            reason = f"{len(unknown)} {what} of its units are not in the catalogue: {examples}"
            self.plan.warnings.append(Problem(line, hall, _readable(reason)))

    def _merge(self, odd: Oddities) -> None:
        for code, lines in odd.organ_codes.items():
            self._odd.organ_codes.setdefault(code, []).extend(lines)
        self._odd.categories.update(odd.categories)
        self._odd = replace(self._odd, unended=odd.unended or self._odd.unended)

    def _warn(self) -> None:
        for code, lines in self._odd.organ_codes.items():
            if not departments.is_organ_code(code):
                times = f"; {len(lines)} records have it" if len(lines) > 1 else ""
                self.plan.warnings.append(Problem(lines[0], _readable(code), f"no organ can have this code{times}"))
        for one in self._departments.numbered:
            reason = f"{one.name} is published under the code of another department; it is one of its own: {one.code}"
            self.plan.warnings.append(Problem(None, "", _readable(reason)))
        if self._odd.categories:
            examples = _readable(", ".join(name[:50] for name, _ in self._odd.categories.most_common(_NAMED)))
            count, rows = len(self._odd.categories), self._odd.categories.total()
            reason = f"{count} categories of {rows} rows are not known; these items have none: {examples}"
            self.plan.warnings.append(Problem(None, "", reason))
        if self._odd.unended is not None:
            self.plan.warnings.append(Problem(self._odd.unended, "", "no line break behind it: is the file whole?"))

    def _problem(self, line: int, code: str, reason: str) -> None:
        self.plan.problems.append(Problem(line, _readable(code), _readable(reason)))


def _readable(text: str) -> str:
    """Fit to be printed: it came from a file that may hold anything."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def _object(record: Record) -> dict[str, Any]:
    if not isinstance(record.value, dict):
        raise ma.ValidationError("not an object")
    if record.repeated:
        raise ma.ValidationError([f"{name} stands in it twice" for name in record.repeated])
    return record.value


def _named(record: Record, member: str) -> str:
    """What the record calls itself; empty if it doesn't."""
    name = record.value.get(member) if isinstance(record.value, dict) else None
    return name[:64] if isinstance(name, str) else ""
