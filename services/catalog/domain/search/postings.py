"""Which rows hold a character, a pair of characters or of sounds: sorted arrays, built at once, never changed."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

ROW, TEXT = "\n", "/"  # end a row; separate texts of one row. No normalised text holds either
_SHIFT = 21  # bits of a code point

Rows = NDArray[np.int32]


def key(gram: str) -> int:
    """The key of one or two code points."""
    return ord(gram) if len(gram) == 1 else ord(gram[0]) << _SHIFT | ord(gram[1])


def _codes(rows: Iterable[str]) -> NDArray[np.int64]:
    joined = ROW.join([*rows, ""])
    return np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32).astype(np.int64)


def _grams(rows: Iterable[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(keys, rows) of all characters and pairs of neighbours."""
    codes = _codes(rows)
    row = np.cumsum(codes == ord(ROW))
    inside = (codes != ord(ROW)) & (codes != ord(TEXT))
    paired = inside[:-1] & inside[1:]
    pairs = (codes[:-1] << _SHIFT | codes[1:])[paired]
    return np.concatenate([codes[inside], pairs]), np.concatenate([row[inside], row[:-1][paired]])


class Postings:
    """Rows by gram, each once, with the weight of the strongest field that holds it there."""

    def __init__(self, fields: Sequence[tuple[Iterable[str], float]], rows: int) -> None:
        """fields: (a text per row, its weight), the strongest first."""
        self.rows = rows
        grams = [(*_grams(texts), weight) for texts, weight in fields]
        strength = np.concatenate([np.full(len(keys), weight, np.float32) for keys, _, weight in grams])
        self._keys, kinds = np.unique(np.concatenate([keys for keys, _, _ in grams]), return_inverse=True)
        placed = kinds * max(rows, 1) + np.concatenate([row for _, row, _ in grams])
        placed, first = np.unique(placed, return_index=True)
        self._strength = strength[first]
        self._rows = (placed % max(rows, 1)).astype(np.int32)
        self._starts = np.searchsorted(placed, np.arange(len(self._keys) + 1) * max(rows, 1)).astype(np.int32)

    def of(self, gram: str) -> tuple[Rows, NDArray[np.float32]]:
        """The rows that hold a gram, and how strongly."""
        start, end = self._range(gram)
        return self._rows[start:end], self._strength[start:end]

    def count(self, gram: str) -> int:
        start, end = self._range(gram)
        return end - start

    def idf(self, gram: str) -> float:
        """How much it says that a row holds the gram; 0 if none does."""
        held = self.count(gram)
        return float(np.log1p((self.rows - held + 0.5) / (held + 0.5))) if held else 0.0

    def _range(self, gram: str) -> tuple[int, int]:
        wanted = key(gram)
        at = int(np.searchsorted(self._keys, wanted))
        if at == len(self._keys) or self._keys[at] != wanted:
            return 0, 0
        return int(self._starts[at]), int(self._starts[at + 1])


class SoundRuns:
    """Finds stretches of neighbouring syllables of which some are known by their first letter only."""

    def __init__(self, rows: Iterable[str]) -> None:
        codes = _codes(rows)
        self._row = np.cumsum(codes == ord(ROW)).astype(np.int32)
        self._codes = codes.astype(np.uint16)

    def rows(self, units: Sequence[str]) -> Rows:
        """units: for each place the code points that fit there. The rows that hold such a stretch, each once."""
        at = np.arange(max(len(self._codes) - len(units) + 1, 0))
        for place, fitting in sorted(enumerate(units), key=lambda unit: len(unit[1])):
            fits = np.zeros(1 << 16, dtype=bool)
            fits[[ord(code) for code in fitting]] = True
            at = at[fits[self._codes[at + place]]]
        return np.unique(self._row[at])
