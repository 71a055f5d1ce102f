"""Which rows hold a character, a pair of characters or of sounds: sorted arrays, built at once, never changed."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

ROW, TEXT = "\n", "/"  # end a row; separate texts of one row. No normalised text holds either
_SHIFT = 21  # bits of a code point

Rows = NDArray[np.int32]
Weighed = tuple[tuple[str, float], ...]
Fields = Sequence[tuple[Iterable[str], float]]  # a text per row, and its weight; the strongest field first


def _codes(rows: Iterable[str]) -> NDArray[np.int64]:
    joined = ROW.join([*rows, ""])
    return np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32).astype(np.int64)


def _grams(rows: Iterable[str], length: int) -> tuple[NDArray[np.int64], Rows]:
    """(keys, rows) of all characters, or all pairs of neighbours."""
    codes = _codes(rows)
    row = np.cumsum(codes == ord(ROW), dtype=np.int32)
    inside = (codes != ord(ROW)) & (codes != ord(TEXT))
    if length == 1:
        return codes[inside], row[inside]
    paired = inside[:-1] & inside[1:]
    return (codes[:-1] << _SHIFT | codes[1:])[paired], row[:-1][paired]


class _Layer:
    """Rows by grams of one length, each once, with the weight of the strongest field that holds it there."""

    def __init__(self, fields: Fields, length: int) -> None:
        grams = [(*_grams(texts, length), weight) for texts, weight in fields]
        keys = np.concatenate([key for key, _, _ in grams])
        rows = np.concatenate([row for _, row, _ in grams])
        strength = np.concatenate([np.full(len(row), weight, np.float32) for _, row, weight in grams])
        order = np.lexsort((rows, keys))
        keys, rows, strength = keys[order], rows[order], strength[order]
        new = np.ones(len(keys), dtype=bool)
        new[1:] = (keys[1:] != keys[:-1]) | (rows[1:] != rows[:-1])
        keys, self.rows, self.strength = keys[new], rows[new], strength[new]
        self._keys, starts = np.unique(keys, return_index=True)
        self._starts = np.append(starts, len(keys)).astype(np.int32)

    def range(self, key: int) -> tuple[int, int]:
        at = int(np.searchsorted(self._keys, key))
        if at == len(self._keys) or self._keys[at] != key:
            return 0, 0
        return int(self._starts[at]), int(self._starts[at + 1])


class Postings:
    """Rows by gram: one or two characters, or one or two sounds (code points for private use)."""

    def __init__(self, words: Fields, sounds: Fields, rows: int) -> None:
        self.rows = rows
        self._rarest = float(np.log1p((rows + 0.5) / 1.5))
        self._weighed: dict[str, tuple[Weighed, float]] = {}
        self._layers = {(kind, n): _Layer(fields, n) for kind, fields in enumerate((words, sounds)) for n in (1, 2)}

    def of(self, gram: str) -> tuple[Rows, NDArray[np.float32]]:
        """The rows that hold a gram, and how strongly."""
        layer, start, end = self._found(gram)
        return layer.rows[start:end], layer.strength[start:end]

    def count(self, gram: str) -> int:
        _, start, end = self._found(gram)
        return end - start

    def idf(self, gram: str) -> float:
        """How much it says that a row holds the gram; 0 if none does."""
        held = self.count(gram)
        return float(np.log1p((self.rows - held + 0.5) / (held + 0.5))) if held else 0.0

    def weighed(self, term: str) -> tuple[Weighed, float]:
        """A term's pairs that any row holds, each with its idf, and what the others would say if a row held them.

        The terms asked for are a vocabulary's, and kept.
        """
        if term not in self._weighed:
            grams = dict.fromkeys(term[place : place + 2] for place in range(max(len(term) - 1, 1)))
            pairs = tuple((gram, idf) for gram in grams if (idf := self.idf(gram)))
            self._weighed[term] = pairs, (len(grams) - len(pairs)) * self._rarest
        return self._weighed[term]

    def _found(self, gram: str) -> tuple[_Layer, int, int]:
        spoken = "\ue000" <= gram[0] < "\uf900" or "\ue000" <= gram[-1] < "\uf900"
        layer = self._layers[int(spoken), len(gram)]
        key = ord(gram) if len(gram) == 1 else ord(gram[0]) << _SHIFT | ord(gram[1])
        return (layer, *layer.range(key))


class SoundRuns:
    """Finds stretches of neighbouring syllables of which some are known by their first letter only."""

    def __init__(self, rows: Iterable[str]) -> None:
        codes = _codes(rows)
        self._row = np.cumsum(codes == ord(ROW), dtype=np.int32)
        self._codes = np.minimum(codes, 0xFFFF).astype(np.uint16)
        self._order = np.argsort(self._codes, kind="stable").astype(np.int32)
        self._sorted = self._codes[self._order]

    def rows(self, units: Sequence[str]) -> Rows:
        """units: for each place the code points that fit there. The rows that hold such a stretch, each once."""
        starts = [(self._places(fitting), place) for place, fitting in enumerate(units)]
        rarest, offset = min(starts, key=lambda start: len(start[0]))
        at = rarest[(rarest >= offset) & (rarest < len(self._codes) - (len(units) - offset) + 1)] - offset
        for place, fitting in enumerate(units):
            at = at[np.isin(self._codes[at + place], [ord(code) for code in fitting])]
        return np.unique(self._row[at])

    def _places(self, fitting: str) -> Rows:
        codes = np.array([ord(code) for code in fitting], dtype=np.uint16)
        starts, ends = np.searchsorted(self._sorted, codes), np.searchsorted(self._sorted, codes, side="right")
        return np.concatenate([self._order[start:end] for start, end in zip(starts, ends, strict=True)])
