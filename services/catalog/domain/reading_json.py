"""A catalogue as JSON: its records one by one, each with the line where it begins.

A file that isn't JSON from the first to the last character is refused whole, before any record is looked at.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from services.catalog.domain.text_files import checked
from services.catalog.domain.unfit import EmptyFile, NotACatalogue, NotJson, TooLarge

FORMAT = "yichuang-catalogue/1"
MOST_RECORDS = 200_000
LONGEST_RECORD = 16 << 20  # characters: a record may carry files
_PARTS = ("departments", "items", "halls")
_BLANK = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Record:
    """An element of one of the lists; `repeated`: members that stand twice in it."""

    line: int
    value: Any
    repeated: tuple[str, ...]


class JsonFile:
    """A catalogue file that is JSON and in the format. Its records can be read several times."""

    def __init__(self, content: bytes, encoding: str = "utf-8") -> None:
        """Raises UnfitFile."""
        content, encoding = checked(content, encoding)
        self._text = content.decode(encoding)
        del content
        self._repeated: list[str] = []
        self._decoder = json.JSONDecoder(object_pairs_hook=self._object, parse_constant=_refuse)
        self._counts: dict[str, int] = {}
        self._starts = self._outline()

    def count(self, part: str) -> int:
        """How many records there are of "departments", "items" or "halls"."""
        return self._counts.get(part, 0)

    def records(self, part: str) -> Iterator[Record]:
        """Those of "departments", "items" or "halls"; none if the file says nothing of them."""
        start = self._starts.get(part)
        if start is None:
            return
        line, counted = 1, 0
        for at, value, _ in self._elements(start):
            line += self._text.count("\n", counted, at)
            counted = at
            yield Record(line, value, tuple(self._repeated))

    def _outline(self) -> dict[str, int]:
        """Where each list begins. Goes once through all of it, so that nothing that is broken comes later."""
        starts: dict[str, int] = {}
        at = self._expect("{", self._blank(0), "an object is needed")
        for name, value_at in self._members(at):
            if name in starts or name in self._counts:
                raise _not(f"{name} stands in it twice", f"“{name}”重复")
            starts[name] = value_at
        if "format" not in starts:
            raise _not(f"its format is not said; {FORMAT!r} is known", "没有 format")
        self._check_format(starts.pop("format"))
        unknown = [name[:50] for name in starts if name not in _PARTS]
        if unknown:
            raise _not(f"{', '.join(unknown)} not known", f"不认识 {', '.join(unknown)}")
        if not sum(self._counts.values()):
            raise EmptyFile()
        return starts

    def _check_format(self, at: int) -> None:
        said = self._decode(at)[0]
        if said != FORMAT:
            raise _not(f"its format is {str(said)[:50]!r}; {FORMAT!r} is known", "format 有误")

    def _members(self, at: int) -> Iterator[tuple[str, int]]:
        """The members of the outermost object: name, and where the value begins."""
        at = self._blank(at)
        more = self._text[at : at + 1] != "}"
        while more:
            if self._text[at : at + 1] != '"':
                self._broken(at, "a member's name is needed")
            name, at = self._decode(at)
            at = self._blank(self._expect(":", self._blank(at), "a colon is needed"))
            yield name, at
            at = self._blank(self._skip(name, at))
            more = self._text[at : at + 1] == ","
            at = self._blank(at + more)
        at = self._blank(self._expect("}", at, "a comma or the end of the object is needed"))
        if at < len(self._text):
            self._broken(at, "something follows behind the end")

    def _skip(self, name: str, at: int) -> int:
        """Past a value. Of a list that we know the records are counted."""
        if name not in _PARTS:
            return self._decode(at)[1]
        if at == len(self._text):
            self._broken(at, "a list is needed")
        if self._text[at] != "[":
            raise _not(f"{name} is no list", f"“{name}”不是列表")
        count, end = 0, self._blank(at + 1) + 1
        for count, (_, _, end) in enumerate(self._elements(at), 1):  # noqa: B007
            if count > MOST_RECORDS:
                raise TooLarge(what=f"records in {name}", what_zh=f"{name} 的记录数", most=MOST_RECORDS)
        self._counts[name] = count
        return end

    def _elements(self, at: int) -> Iterator[tuple[int, Any, int]]:
        """The elements of the list at `at`: where each begins, what it is, and the place behind what follows it."""
        at = self._blank(at + 1)
        more = self._text[at : at + 1] != "]"
        while more:
            self._repeated.clear()
            start = at
            value, at = self._decode(at)
            if at - start > LONGEST_RECORD:
                raise TooLarge(what="characters in a record", what_zh="一条记录的字符数", most=LONGEST_RECORD)
            at = self._blank(at)
            more = self._text[at : at + 1] == ","
            if not more:
                self._expect("]", at, "a comma or the end of the list is needed")
            yield start, value, at + 1
            at = self._blank(at + 1)

    def _decode(self, at: int) -> tuple[Any, int]:
        try:
            return self._decoder.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            self._broken(error.pos, error.msg)
        except RecursionError:
            self._broken(at, "nested too deeply")
        except ValueError as error:  # a number of thousands of digits, or NaN
            self._broken(at, str(error).partition(";")[0])

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            self._repeated += [name for name in made if names.count(name) > 1]
        return made

    def _blank(self, at: int) -> int:
        return _BLANK.match(self._text, at).end()  # type: ignore[union-attr]

    def _expect(self, sign: str, at: int, otherwise: str) -> int:
        if self._text[at : at + 1] != sign:
            self._broken(at, otherwise)
        return at + 1

    def _broken(self, at: int, reason: str) -> NoReturn:
        before = self._text[:at]
        column = at - before.rfind("\n")
        raise NotJson(line=before.count("\n") + 1, column=column, reason=reason)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _not(reason: str, reason_zh: str) -> NotACatalogue:
    return NotACatalogue(reason=reason, reason_zh=reason_zh)
