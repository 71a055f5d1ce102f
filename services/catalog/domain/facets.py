"""Which values of each filter the items have: what lists are narrowed by, and the counts beside them.

Pure. Items are rows 0, 1, 2, …; a mask is an array of bool, one for each row.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Rows = NDArray[np.int32]

_MANY = 8  # looking up one row's values costs as much as passing so many others


@dataclass(frozen=True)
class Value:
    """One value of a filter, as people see it. `value` is what they ask for."""

    value: str
    name: str
    name_en: str


class Facets:
    """All filters with their values, in the order in which they are shown."""

    def __init__(self, values: Mapping[str, Sequence[Value]], items: Iterable[Iterable[tuple[str, str]]]) -> None:
        """`items`: for each row the (filter, value) that it has; what is not among `values` is left out."""
        self.names = tuple(values)
        self._values = [(name, value) for name, listed in values.items() for value in listed]
        self._number = {(name, value.value): at for at, (name, value) in enumerate(self._values)}
        found, lengths = self._numbers(items)
        # Twice the same: the values of each row, and the rows of each value.
        self._had = np.array(found, dtype=np.int32)
        self._starts = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
        order = np.argsort(self._had, kind="stable")
        self._rows = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)[order]
        self._value_starts = np.searchsorted(self._had[order], np.arange(len(self._values) + 1))

    def mask(self, name: str, wanted: Iterable[str]) -> Mask:
        """The items that have one of these values of a filter."""
        mask = np.zeros(len(self._starts) - 1, dtype=np.bool_)
        for at in {self._number[name, value] for value in wanted}:
            mask[self._rows[self._value_starts[at] : self._value_starts[at + 1]]] = True
        return mask

    def counts(self, rows: Rows) -> dict[str, list[tuple[Value, int]]]:
        """By filter: each value that these items have, and how many of them do."""
        counted: dict[str, list[tuple[Value, int]]] = {name: [] for name in self.names}
        # By the values of each row, or by the rows of each value: what is less to look at.
        totals = self._totals_of_few(rows) if len(rows) * _MANY < len(self._starts) else self._totals_of_many(rows)
        for (name, value), total in zip(self._values, totals, strict=True):
            if total:
                counted[name].append((value, total))
        return counted

    def total(self, name: str, value: str) -> int:
        """How many items have this value, of all."""
        at = self._number[name, value]
        return int(self._value_starts[at + 1] - self._value_starts[at])

    def _numbers(self, items: Iterable[Iterable[tuple[str, str]]]) -> tuple[list[int], list[int]]:
        """The values of all rows, one after the other, and how many each row has."""
        found: list[int] = []
        lengths: list[int] = []
        for had in items:
            numbers = {self._number[pair] for pair in had if pair in self._number}
            found.extend(sorted(numbers))
            lengths.append(len(numbers))
        return found, lengths

    def _totals_of_many(self, rows: Rows) -> list[int]:
        chosen = np.zeros(len(self._starts) - 1, dtype=np.bool_)
        chosen[rows] = True
        having = chosen[self._rows]
        return [int(np.count_nonzero(having[start:end])) for start, end in pairwise(self._value_starts.tolist())]

    def _totals_of_few(self, rows: Rows) -> list[int]:
        counted: list[int] = np.bincount(self._had[self._places(rows)], minlength=len(self._values)).tolist()
        return counted

    def _places(self, rows: Rows) -> NDArray[np.int64]:
        """Where the values of these rows lie in `_had`."""
        starts = self._starts[rows]
        lengths = self._starts[rows + 1] - starts
        ends = np.cumsum(lengths)
        return np.repeat(starts - ends + lengths, lengths) + np.arange(ends[-1] if len(ends) else 0)
