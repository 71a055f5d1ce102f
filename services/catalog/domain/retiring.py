"""Which items an import retires: those that the file plainly says are gone, by leaving them out.

A file that was cut, or that speaks for a part of the catalogue, retires nothing else's.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

Missing = Literal["auto", "complete", "keep"]

FEW = 20  # items that a department may lose at once, if it keeps as many


class Offered(Protocol):
    """What is asked of an item that is offered."""

    @property
    def department(self) -> str: ...

    @property
    def sample(self) -> bool: ...


@dataclass
class Spoken:
    """What a file speaks of. `unreadable`: departments with a record whose code can't be read."""

    codes: set[str] = field(default_factory=set)
    departments: set[str] = field(default_factory=set)
    samples: set[bool] = field(default_factory=set)  # whether it holds samples, others, or both
    unreadable: set[str] = field(default_factory=set)
    unreadable_anywhere: bool = False  # a record that tells neither its code nor its department


@dataclass(frozen=True)
class Retiring:
    """Codes to retire, and what was left alone, as sentences."""

    codes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def retiring(offered: Mapping[str, Offered], spoken: Spoken, missing: Missing = "auto") -> Retiring:
    """`offered`: the active items by code."""
    absent = {
        code: item for code, item in offered.items() if code not in spoken.codes and _speaks_of(item, spoken, missing)
    }
    if missing == "keep" or not absent:
        return Retiring()
    if spoken.unreadable_anywhere:
        return Retiring((), (_left(absent, "a record tells neither its code nor its department"),))
    readable = {code: item for code, item in absent.items() if item.department not in spoken.unreadable}
    unsure = {code: item for code, item in absent.items() if item.department in spoken.unreadable}
    gone = readable if missing == "complete" else _plainly_gone(offered, readable, spoken)
    left = {code: item for code, item in readable.items() if code not in gone}
    return Retiring(tuple(sorted(gone)), tuple(_warnings(left, unsure)))


def _speaks_of(item: Offered, spoken: Spoken, missing: Missing) -> bool:
    """A file without samples says nothing of samples, nor does a file of samples of anything else.

    Nor does one without any record that is right, or at least known: whatever that is, it is no whole catalogue.
    """
    return item.sample in spoken.samples or (missing == "complete" and bool(spoken.samples) and not item.sample)


def _plainly_gone(offered: Mapping[str, Offered], absent: Mapping[str, Offered], spoken: Spoken) -> dict[str, Offered]:
    of_department = Counter(item.department for item in offered.values())
    lacking = Counter(item.department for item in absent.values())
    others = {
        code: item for code, item in absent.items() if not item.sample and item.department not in spoken.departments
    }
    if len(others) > sum(not item.sample for item in offered.values()) // 4:
        others = {}
    return others | {
        code: item
        for code, item in absent.items()
        if item.department in spoken.departments
        and lacking[item.department] <= max(FEW, of_department[item.department] // 4)
        and 2 * lacking[item.department] <= of_department[item.department]
    }


def _warnings(left: Mapping[str, Offered], unsure: Mapping[str, Offered]) -> Iterator[str]:
    if left:
        yield f"{_counted(left)} not in this file; nothing of them was retired; --complete retires them"
    if unsure:
        yield _left(unsure, "records of these departments can't be read")


def _left(items: Mapping[str, Offered], why: str) -> str:
    return f"{_counted(items)} not in this file; nothing of them was retired, because {why}"


def _counted(items: Mapping[str, Offered]) -> str:
    departments = len({item.department for item in items.values()})
    count = f"{len(items):,} items" if len(items) > 1 else "1 item"
    return f"{count} of {departments} {'departments' if departments > 1 else 'department'} {_are(items)}"


def _are(items: Collection[str]) -> str:
    return "are" if len(items) > 1 else "is"


def retiring_halls(
    offered: Mapping[str, tuple[bool, str]], given: Mapping[str, tuple[bool, str]], missing: Missing = "auto"
) -> tuple[str, ...]:
    """Ids of halls that are gone. Both by id: whether it is a sample, and its area; `given` is what the file has.

    A file speaks for the halls of the cities it names: those whose area begins with the same four digits.
    """
    if missing == "keep" or not given:
        return ()
    samples = {sample for sample, _ in given.values()}
    cities = {(sample, area[:4]) for sample, area in given.values()}
    absent = {hall: about for hall, about in offered.items() if hall not in given}
    if missing == "complete":
        return tuple(sorted(hall for hall, (sample, _) in absent.items() if not sample or sample in samples))
    return tuple(sorted(hall for hall, (sample, area) in absent.items() if (sample, area[:4]) in cities))
