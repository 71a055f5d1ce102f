"""Which values of a filter each item has: what a list is narrowed by, and the counts beside it.

Pure. Items are rows 0, 1, 2, …; a choice of them is an array of bool, one for each row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Value:
    """One value of a filter, as people see it. `value` is what they ask for."""

    value: str
    name: str
    name_en: str


class Facet:
    """One filter with its values, in the order in which they are shown."""

    def __init__(self, values: Sequence[Value], had: Iterable[tuple[int, str]], rows: int) -> None:
        """`had`: (row, value) for each value that an item has, each once; values that are not listed are left out."""
        self.values = tuple(values)
        self._place = {value.value: at for at, value in enumerate(self.values)}
        self._size = rows
        pairs = [(self._place[value], row) for row, value in had if value in self._place]
        found = np.array(sorted(pairs), dtype=np.int32).reshape(-1, 2)
        self._of, self._rows = found[:, 0].copy(), found[:, 1].copy()
        self._starts = np.searchsorted(self._of, np.arange(len(self.values) + 1))

    def mask(self, wanted: Iterable[str]) -> Mask:
        """The items that have one of these values. A value that is not listed has none."""
        mask = np.zeros(self._size, dtype=np.bool_)
        for at in {self._place[value] for value in wanted if value in self._place}:
            mask[self._rows[self._starts[at] : self._starts[at + 1]]] = True
        return mask

    def counts(self, chosen: Mask) -> list[tuple[Value, int]]:
        """Each value that chosen items have, and how many of them do."""
        counted = np.bincount(self._of[chosen[self._rows]], minlength=len(self.values))
        return [(self.values[at], int(counted[at])) for at in np.flatnonzero(counted)]

    def totals(self) -> dict[str, int]:
        """How many items have each value, of all."""
        return dict(zip(self._place, np.diff(self._starts).tolist(), strict=True))
