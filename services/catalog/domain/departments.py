"""Organs as a catalogue names them: one for each name and area, with one code, however many its items bear.

A published list holds codes that no organ can have; they are reported and kept, and never drop an item.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import marshmallow as ma
from stdnum.cn import uscc

from kernel.contracts import items
from kernel.contracts.values import text, texts

LONGEST_CODE = 64


@dataclass(frozen=True)
class Department:
    """An organ. `organ_codes`: the other codes that its items were published with."""

    code: str
    name: str
    name_en: str = ""
    area: str = ""
    organ_codes: tuple[str, ...] = ()
    sample: bool = False


class DepartmentElements(items.Department):
    """A department as JSON has it."""

    area = text(12)
    organ_codes = texts(LONGEST_CODE, 200)
    sample = ma.fields.Boolean(load_default=False)


_SCHEMA = DepartmentElements()


def load(members: Mapping[str, Any]) -> Department:
    """Raises marshmallow.ValidationError."""
    loaded: dict[str, Any] = _SCHEMA.load(members)
    return Department(**{**loaded, "organ_codes": tuple(loaded["organ_codes"])})


def is_organ_code(code: str) -> bool:
    """Whether it can be an organ's: a unified social credit code, or one of the TE codes that street organs have."""
    return code.startswith("TE") or (len(code) == 18 and uscc.is_valid(code))


Place = tuple[str, str]  # name and area


class Departments:
    """All departments while a file is read: those that were known, and what the file says of them."""

    def __init__(self, known: Iterable[Department]) -> None:
        self._by_code = {one.code: one for one in known}
        self._before = dict(self._by_code)
        self._codes = {(one.name, one.area): one.code for one in self._by_code.values()}
        self._aliases = {alias: one.code for one in self._by_code.values() for alias in one.organ_codes}
        self.numbered: list[Department] = []  # new ones that were published under the code of another

    def take(self, given: Department) -> None:
        """What a JSON file says of one. Where name and area are known under another code, that code stays.

        Raises ValueError if two of the codes that are known would have one name in one area.
        """
        same = self._codes.get((given.name, given.area))
        code = given.code if given.code in self._by_code else same or given.code
        if same not in (None, code):
            raise ValueError(f"{given.name} is department {same} already")
        there = self._by_code.get(code)
        others = (*(there.organ_codes if there else ()), given.code, *given.organ_codes)
        self._keep(replace(given, code=code, organ_codes=_without(code, others)))

    def settle(self, found: Mapping[Place, Counter[str]]) -> None:
        """What a CSV file says: the organ codes of each name and area, in the order of the file, with their counts."""
        for place, codes in found.items():
            code = self._known(place, codes) or self._first_code(codes)
            if code is not None:
                self._settle(place, code, codes)
            elif (code := self._numbered(codes)) is not None:
                self.numbered.append(self._settle(place, code, codes))

    def _settle(self, place: Place, code: str, codes: Iterable[str]) -> Department:
        there = self._by_code.get(code) or Department(code, place[0], area=place[1])
        self._codes[place] = code
        settled = replace(there, organ_codes=_without(code, (*there.organ_codes, *codes)))
        self._keep(settled)
        return settled

    def of(self, place: Place) -> str | None:
        """The code of the department with this name and area."""
        return self._codes.get(place)

    def find(self, code: str) -> Department | None:
        """By its code, or by one of its organ codes."""
        return self._by_code.get(code) or self._by_code.get(self._aliases.get(code, ""))

    def changed(self) -> list[Department]:
        """Those that are new, or not what they were."""
        return [one for code, one in self._by_code.items() if self._before.get(code) != one]

    def renamed(self) -> set[str]:
        """Codes of those that had another name."""
        return {
            one.code for one in self.changed() if one.code in self._before and self._before[one.code].name != one.name
        }

    def _keep(self, one: Department) -> None:
        before = self._by_code.get(one.code)
        if before is not None:
            self._codes.pop((before.name, before.area), None)
        self._by_code[one.code] = one
        self._codes[one.name, one.area] = one.code
        self._aliases |= dict.fromkeys(one.organ_codes, one.code)

    def _known(self, place: Place, codes: Iterable[str]) -> str | None:
        """The department of this name: in this area, or with one of these codes."""
        if place in self._codes:
            return self._codes[place]
        found = (self.find(code) for code in codes)
        return next((one.code for one in found if one is not None and one.name == place[0]), None)

    def _first_code(self, codes: Counter[str]) -> str | None:
        """The first that an organ can have, else the most frequent; nobody else's."""
        return next((code for code in _wanted(codes) if code not in self._by_code), None)

    def _numbered(self, codes: Counter[str]) -> str | None:
        """Organs that were published under the code of another."""
        numbers = (f"{code}-{number}" for code in _wanted(codes)[:1] for number in range(2, 1000))
        return next((code for code in numbers if code not in self._by_code), None)


def _wanted(codes: Counter[str]) -> list[str]:
    usual = [code.partition("_")[0] for code, _ in codes.most_common() if code.partition("_")[0]]
    return [code for code in codes if is_organ_code(code)] + usual


def _without(code: str, others: Iterable[str]) -> tuple[str, ...]:
    return tuple(other for other in dict.fromkeys(others) if other and other != code)
