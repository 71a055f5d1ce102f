"""The search in English, over English names: whole words, and words that begin so.

For who reads English only. Everything else typed in letters is pinyin or initials, which the index itself reads.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from math import log

_WORDS = re.compile(r"[a-z]+")
_TALK = "a an and apply at by can do for from get how i in is my need of on or the to want what where with"
_NEEDLESS = frozenset(_TALK.split())
_SHORTEST = 3  # letters of a word that stands for one which begins so
_STEM = 5  # letters that a word has in common with another form of it: register, registration
_LEAST = 0.5  # of the query's weight; who answers less was not meant


class EnglishIndex:
    """Row i is the i-th of the names; one without an English name is never found."""

    def __init__(self, names: Iterable[str]) -> None:
        self._lengths = []
        held: dict[str, set[int]] = defaultdict(set)
        for row, name in enumerate(names):
            words = _words(name)
            self._lengths.append(len(words))
            for word in words:
                held[word].add(row)
        self._held = dict(held)

    def search(self, text: str) -> list[int]:
        """Rows that answer the query, best first; none if it is not English."""
        asked = {word: self._rows(word) for word in _words(text)}
        if not text.isascii() or not asked:
            return []
        weights = {word: log(1 + len(self._lengths) / (1 + len(rows))) for word, rows in asked.items()}
        scores: dict[int, float] = defaultdict(float)
        for word, rows in asked.items():
            for row in rows:
                scores[row] += weights[word]
        least = _LEAST * sum(weights.values())
        found = [row for row, score in scores.items() if score >= least]
        return sorted(found, key=lambda row: (-scores[row], self._lengths[row], row))

    def _rows(self, word: str) -> set[int]:
        exact = self._held.get(word)
        if exact is not None or len(word) < _SHORTEST:
            return exact or set()
        stem = word[: max(_STEM, len(word) - 3)]
        return set().union(*(rows for other, rows in self._held.items() if other.startswith(stem)))


def _words(text: str) -> list[str]:
    """Its words without those that say nothing, in the singular."""
    found = [word for word in _WORDS.findall(text.lower()) if word not in _NEEDLESS]
    return [word[:-1] if len(word) > _SHORTEST and word.endswith("s") and word[-2] != "s" else word for word in found]
